"""A router's userland in namespaces of this machine: the files of the guest in QEMU, and the kernel that is here.

What needs no kernel of its own is tried here in seconds: packages, the init script, the jail, what the log tells.
"""

import json
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.openwrt import image, packages, trial
from tools.openwrt.rootfs import Root

# The guest's own start, without what a virtual machine needs: disks, cards, modules.
START = """
mount -t proc proc /proc; mount -t tmpfs tmpfs /tmp; mount -t tmpfs -o mode=755 dev /dev
mkdir -p /dev/pts /tmp/run /tmp/log /tmp/lock; ln -s /proc/self/fd /dev/fd
mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/zero c 1 5; mknod -m 666 /dev/full c 1 7
mknod -m 666 /dev/random c 1 8; mknod -m 666 /dev/urandom c 1 9; mknod -m 666 /dev/tty c 5 0
syslogd -C256
reload_config
/usr/sbin/ip link set lo up; ip link add br-lan type bridge; ip link set br-lan up
ip addr add 192.168.1.1/24 dev br-lan; ip addr add fd00:1::1/64 dev br-lan
echo '127.0.0.1 localhost' > /etc/hosts
dnsmasq --conf-file=/dev/null --no-resolv --no-hosts --user=root --port=53 --listen-address=127.0.0.1 \
    --bind-interfaces --address=/#/198.51.100.7
for script in /etc/rc.d/S9*; do [ -x "$script" ] && "$script" boot; done
echo up > /tmp/up
while :; do sleep 3600; done
"""
# The folder becomes the root of all mounts, as a jail inside wants it.
ENTER = """
root=$1; shift
mount --bind "$root" "$root" && cd "$root" && pivot_root . parcels &&
    exec chroot . /bin/busybox ash -c 'umount -l /parcels; exec "$@"' ash "$@"
"""
PATIENCE_S = 300  # of a machine that does other things as well


class Ended(Exception):
    """A command in the userland ended with another code than 0."""


def lay_out(made: Root, folder: Path) -> None:
    """As files and links of a folder; device nodes are left out."""
    for entry in made.entries():
        path = folder / entry.path
        if stat.S_ISDIR(entry.mode):
            path.mkdir(exist_ok=True)
        elif stat.S_ISLNK(entry.mode):
            path.symlink_to(entry.data.decode())
        elif stat.S_ISREG(entry.mode):
            path.write_bytes(entry.data)
            path.chmod(stat.S_IMODE(entry.mode))
        if stat.S_ISDIR(entry.mode):
            path.chmod(stat.S_IMODE(entry.mode))


class Router:
    """The userland in a folder; `boot` and `power_off` are the life of its processes."""

    def __init__(self, folder: Path, depends: list[str]) -> None:
        self.root = folder
        folder.mkdir()
        lay_out(image.compose("", depends), folder)
        for name in ("proc", "dev", "tmp", "parcels"):
            (folder / name).mkdir(exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def boot(self) -> None:
        command = ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child=KILL"]
        command += ["sh", "-c", ENTER, "sh", str(self.root), "/bin/busybox", "ash", "-c", START]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env={"PATH": PATHS})
        self.until(lambda: self._found() and self.code("test -e /tmp/up") == 0, "the userland does not start")

    def _found(self) -> bool:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self._pid = int(children[0]) if children else 0
        return bool(self._pid)

    def power_off(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def run(self, words: str, timeout_s: float = PATIENCE_S) -> tuple[int, str]:
        """A shell's line, as root on the router: its exit code, and what it wrote, errors among it."""
        command = [
            "nsenter",
            "--target",
            str(self._pid),
            "--mount",
            "--pid",
            "--net",
            "--uts",
            "--ipc",
            "--root",
            "--wd",
        ]
        done = subprocess.run(
            [*command, "/bin/busybox", "ash", "-c", words],
            env={"PATH": PATHS, "HOME": "/root"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return done.returncode, done.stdout

    def code(self, words: str) -> int:
        return self.run(words)[0]

    def ask(self, words: str) -> str:
        """What a line writes that must end well."""
        code, output = self.run(words)
        if code:
            raise Ended(f"{words!r} ended with {code}: {output}\n{self.run('logread')[1][-4000:]}")
        return output

    def asked(self, words: str) -> Any:
        return json.loads(self.ask(f"privacy-agent {words} --json"))

    def log(self) -> list[str]:
        return self.ask("logread").splitlines()

    def residents(self) -> list[int]:
        """Guard and daemon, by their numbers here; the daemon is the younger one."""
        lines = self.ask("ps -o pid,args").splitlines()
        return sorted(int(line.split()[0]) for line in lines if "-c import sys" in line and "agent.daemon.main" in line)

    def running(self) -> bool:
        return self.code("privacy-agent status") == 0

    def until(self, fact: Callable[[], object], sentence: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while not fact():
            if time.monotonic() > end:
                raise Ended(f"{sentence} (waited {PATIENCE_S} s)\n{self.run('logread')[1][-4000:]}")
            time.sleep(0.1)

    def install(self, package: Path) -> str:
        (self.root / "parcels" / package.name).write_bytes(package.read_bytes())
        return self.ask(f"opkg install /parcels/{package.name}")


PATHS = "/usr/sbin:/usr/bin:/sbin:/bin"


def parcels(folder: Path, feeds: tuple[str, ...] = ("privacy-agent", "luci-app-privacy-agent")) -> dict[str, Path]:
    """Our packages by name."""
    made = packages.build(list(feeds), folder / "parcels", folder / "nosdk", trial.EPOCH)
    return {path.name.split("_")[0]: path for path in made}


def depends(folder: Path) -> list[str]:
    """What they need from OpenWrt's feeds."""
    return trial.outside_depends(folder, ("privacy-agent", "luci-app-privacy-agent"))
