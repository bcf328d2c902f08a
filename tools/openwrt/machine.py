"""A machine under QEMU, driven over its serial console: commands in, output and exit status out.

Software emulation only (`-accel tcg`): the same everywhere, and nothing to ask of the host.
"""

import os
import re
import selectors
import subprocess
import time
from pathlib import Path

from tools.openwrt.image import Image

# Cards in the order eth0…eth3: the router's LAN and WAN, and one for each namespace that stands for a machine
# on the other side; cards with one hub number are wired to each other.
CARDS = (("lan", 1), ("wan", 2), ("client", 1), ("isp", 2))


class StepFailed(Exception):
    """A command failed or the machine fell silent; the console's log tells the story."""


def command_line(image: Image, memory_mib: int = 384) -> list[str]:
    """QEMU's arguments for an image of ours."""
    arguments = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", str(memory_mib)]
    # The guest's clock counts its instructions, 2 ns each: a router of 500 million a second, however busy this machine
    # is. Without, a busy machine makes the daemon look hung to its guard.
    arguments += ["-icount", "shift=1,sleep=on", "-rtc", "clock=vm"]
    arguments += ["-nodefaults", "-display", "none", "-serial", "stdio", "-no-user-config", "-no-reboot"]
    arguments += ["-kernel", str(image.kernel), "-initrd", str(image.initramfs)]
    arguments += ["-append", "console=ttyS0 quiet panic=-1 tsc=unstable random.trust_cpu=on"]
    arguments += ["-drive", f"file={image.state},format=raw,if=virtio"]
    arguments += ["-drive", f"file={image.parcels},format=raw,if=virtio,readonly=on"]
    arguments += ["-device", "virtio-rng-pci"]
    for number, (name, hub) in enumerate(CARDS):
        mac = f"02:00:00:00:00:{number + 1:02x}"
        arguments += ["-netdev", f"hubport,hubid={hub},id={name}"]
        arguments += ["-device", f"virtio-net-pci,netdev={name},mac={mac},romfile="]
    return arguments


class Machine:
    """A running guest. `log` is everything its console said, for whoever reads a failure."""

    def __init__(self, arguments: list[str], log: Path | None = None) -> None:
        self._arguments = arguments
        self._log_path = log
        self._serial = 0
        self._unread = ""
        self.log = ""
        self.start()

    def start(self) -> None:
        """Switch on (again): the disks are as they were, the memory is not."""
        self._process = subprocess.Popen(
            self._arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._write_fd = self._process.stdin.fileno()
        self._read_fd = self._process.stdout.fileno()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._read_fd, selectors.EVENT_READ)
        self._unread = ""

    def wait_for(self, pattern: str, timeout_s: float) -> re.Match[str]:
        """Read until the console shows this; what came after it stays to be read."""
        end = time.monotonic() + timeout_s
        while True:
            match = re.search(pattern, self._unread)
            if match:
                self._unread = self._unread[match.end() :]
                return match
            left = end - time.monotonic()
            if left <= 0 or not self._read(left):
                raise StepFailed(f"the console did not show {pattern!r} within {timeout_s:.0f} s")

    def _read(self, timeout_s: float) -> bool:
        """Take what the console says within this time; False once it has ended."""
        if not self._selector.select(timeout_s):
            return True
        data = os.read(self._read_fd, 65536)
        if self._log_path:
            with open(self._log_path, "ab") as file:
                file.write(data)
        text = data.decode("utf-8", "replace").replace("\r", "")
        self.log += text
        self._unread += text
        return bool(data)

    def type(self, line: str) -> None:
        os.write(self._write_fd, line.encode() + b"\n")

    def login(self, timeout_s: float = 300) -> None:
        """Wait until the router's shell answers, and make the console quiet."""
        self.wait_for(r"ROUTER IS UP \S+\n", timeout_s)
        self.type("stty -echo; PS1=; PS2=")
        self.run("true", 30)

    def run(self, command: str, timeout_s: float = 30) -> tuple[int, str]:
        """Run one shell command line; returns its exit status and its output (both streams)."""
        self._serial += 1
        mark = f"{self._serial}"
        # Split, so that an echo of the typed line is not taken for the answer.
        self.type(f"echo '=BE''GIN{mark}='; ( {command} ) </dev/null 2>&1; echo \"=EN\"'D{mark}='$?=")
        self.wait_for(f"=BEGIN{mark}=\n", timeout_s)
        match = self.wait_for(rf"((?s:.*?))=END{mark}=(\d+)=\n", timeout_s)
        return int(match.group(2)), match.group(1)

    def ask(self, command: str, timeout_s: float = 30) -> str:
        """Run a command that must succeed; returns its output without the last newline."""
        status, output = self.run(command, timeout_s)
        if status:
            raise StepFailed(f"`{command}` ended with {status}:\n{output}")
        return output.rstrip("\n")

    def reboot(self, timeout_s: float = 300) -> None:
        """Reboot in an orderly way. QEMU ends at the guest's reset; a new one goes on with the same disks."""
        self.type("reboot")
        while self._read(timeout_s):
            pass
        self.power_off()
        self.start()
        self.login(timeout_s)

    def power_cut(self, timeout_s: float = 300) -> None:
        """Off and on again, without a word to the guest."""
        self.power_off()
        self.start()
        self.login(timeout_s)

    def power_off(self) -> None:
        self._process.kill()
        self._process.wait()
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
