"""Interpreters of other processors and versions, unpacked from Debian's packages.

Nothing is installed: apt works on a state of its own below the folder, packages are unpacked beside each other, and a
wrapper runs the interpreter with its own libraries, under qemu-user where the processor is another one.
"""

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# What `python3.X -m pytest` of our suite loads: the interpreter, its C modules' libraries, libsodium for the jobs.
PYTHON = """python3.{v}-minimal libpython3.{v}-minimal libpython3.{v}-stdlib libc6 libgcc-s1 libstdc++6 libatomic1
    zlib1g libexpat1 libsqlite3-0 libffi8 libssl3{t} libcrypt1 libuuid1 libbz2-1.0 liblzma5 libsodium23"""
MICROPYTHON = "micropython libc6 libffi8 libmbedcrypto16 libmbedtls21 libmbedx509-7"
# The lists of a whole suite, from a mirror that may be slow.
FETCH_TIMEOUT_S = 600


class Target(NamedTuple):
    """One interpreter: Debian's suite, packages, program; for foreign ones the processor as Debian and qemu call it."""

    suite: str
    packages: str
    program: str
    architecture: str = ""
    qemu: str = ""


def python(suite: str, minor: int, architecture: str = "", qemu: str = "") -> Target:
    packages = PYTHON.format(v=minor, t="t64" if suite == "trixie" else "")
    return Target(suite, packages, f"usr/bin/python3.{minor}", architecture, qemu)


TARGETS = {
    "arm64": python("bookworm", 11, "arm64", "aarch64"),
    "armhf": python("bookworm", 11, "armhf", "arm"),
    "mipsel": python("bookworm", 11, "mipsel", "mipsel"),
    "s390x": python("bookworm", 11, "s390x", "s390x"),  # big-endian, as MIPS routers are
    "3.13": python("trixie", 13),
    "micropython": Target("trixie", MICROPYTHON, "usr/bin/micropython"),
}

WRAPPER = """#!/bin/sh
# Runs the unpacked interpreter with its own libraries. From here it finds its modules, also when told to be isolated.
exec {runner} {program} "$@"
"""


class Unavailable(Exception):
    """The packages can't be had here; says why."""


def make(name: str, folder: Path) -> Path:
    """The wrapper of one of TARGETS, unpacked in `folder`; what is there already is used."""
    target, home = TARGETS[name], (folder / name).resolve()
    root, stamp = home / "root", home / "stamp"
    wanted = _wanted(target)
    if not stamp.exists() or stamp.read_text() != " ".join(wanted):
        shutil.rmtree(home, ignore_errors=True)
        for package in _Apt(home / "apt", target).fetch(wanted):
            subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
        shutil.rmtree(home / "apt")
        stamp.write_text(" ".join(wanted))
    # Each time, for its paths: the checkout may have moved.
    wrapper = root / "usr" / "bin" / "unpacked"
    wrapper.write_text(WRAPPER.format(runner=_runner(target, root), program=shlex.quote(str(root / target.program))))
    wrapper.chmod(0o755)
    return wrapper


def _wanted(target: Target) -> list[str]:
    architecture = target.architecture or _host()
    wanted = [f"{package}:{architecture}" for package in target.packages.split()]
    if target.qemu and not shutil.which(f"qemu-{target.qemu}-static"):
        wanted.append("qemu-user-static")
    return wanted


def _runner(target: Target, root: Path) -> str:
    """The shell words before the program: the emulator, or the loader of its own C library."""
    if not target.qemu:
        loader = next(iter(sorted(root.glob("usr/lib/*-linux-gnu*/ld-linux*.so*"))))
        return shlex.join([str(loader), "--library-path", str(loader.parent)]) + ' --argv0 "$0"'
    installed = shutil.which(f"qemu-{target.qemu}-static")
    emulator = installed or str(root / "usr" / "bin" / f"qemu-{target.qemu}-static")
    return f'{shlex.quote(emulator)} -0 "$0" -L {shlex.quote(str(root))}'


def _host() -> str:
    return subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()


def _mirror() -> str:
    """Where this machine has its Debian packages from: of what apt would fetch, the archive that has updates, too."""
    command = ["apt-get", "update", "--print-uris"]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    words = [line.split("'")[1] for line in printed.splitlines() if line.startswith("'http")]
    bases = [word.partition("/dists/")[0] for word in words if "-updates/" in word]
    if not bases:
        raise Unavailable("apt knows no Debian mirror here: say which by DEBIAN_MIRROR")
    return bases[0]


class _Apt:
    """apt-get with a configuration, lists and a status of its own: this machine's stay as they are."""

    def __init__(self, folder: Path, target: Target) -> None:
        self._folder = folder
        for part in ("lists/partial", "cache/archives/partial", "parts", "debs"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        host = _host()
        architectures = sorted({host, target.architecture or host})
        source = os.environ.get("DEBIAN_MIRROR") or _mirror()
        options = f"arch={','.join(architectures)} signed-by={KEYRING}"
        (folder / "sources.list").write_text(f"deb [{options}] {source} {target.suite} main\n")
        # A file and not options: apt reads no path with a space from its command line.
        settings = {
            "Dir::State": folder,
            "Dir::State::status": folder / "status",
            "Dir::State::lists": folder / "lists",
            "Dir::Cache": folder / "cache",
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": folder / "parts",
            "APT::Architecture": host,
            "Acquire::Languages": "none",
            "Acquire::Retries": 3,
            "Acquire::http::Timeout": 30,
            "APT::Sandbox::User": "root",
        }
        lines = [f'{name} "{value}";' for name, value in settings.items()]
        lines += [f'APT::Architectures:: "{name}";' for name in architectures]
        (folder / "apt.conf").write_text("\n".join(lines) + "\n")

    def fetch(self, names: list[str]) -> list[Path]:
        self._run("update")
        self._run("download", *names)
        return sorted((self._folder / "debs").glob("*.deb"))

    def _run(self, *words: str) -> None:
        done = subprocess.run(
            ["apt-get", "-q", *words],
            cwd=self._folder / "debs",
            env={**os.environ, "APT_CONFIG": str(self._folder / "apt.conf")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=FETCH_TIMEOUT_S,
        )
        if done.returncode:
            raise Unavailable(f"apt-get {words[0]}: {done.stderr.strip()[-2000:]}")
