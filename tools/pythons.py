"""Pythons of other processors and versions, unpacked from Debian's packages.

Nothing is installed: apt works on a state of its own below the folder, packages are unpacked beside each other, and a
wrapper `python` runs the interpreter with its own libraries, under qemu-user where the processor is another one.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# What `python3.X -m pytest` of our suite loads: the interpreter, its C modules' libraries, libsodium for the jobs.
PYTHON = "python3.{v}-minimal libpython3.{v}-minimal libpython3.{v}-stdlib"
LIBRARIES = """libc6 libgcc-s1 zlib1g libexpat1 libsqlite3-0 libffi8 libssl3{t} libcrypt1 libuuid1 libbz2-1.0
    liblzma5 libsodium23"""


class Target(NamedTuple):
    """One Python: Debian's name of the processor, its suite, its minor version, qemu-user's name of the processor."""

    architecture: str
    suite: str
    minor: int
    qemu: str | None


TARGETS = {
    "arm64": Target("arm64", "bookworm", 11, "aarch64"),
    "armhf": Target("armhf", "bookworm", 11, "arm"),
    "mipsel": Target("mipsel", "bookworm", 11, "mipsel"),
    "s390x": Target("s390x", "bookworm", 11, "s390x"),  # big-endian, as MIPS routers are
    "3.13": Target("amd64", "trixie", 13, None),
}

WRAPPER = """#!/bin/sh
# Runs the unpacked interpreter with its own libraries.
export PYTHONHOME={root}/usr
exec {runner} {root}/usr/bin/python3.{minor} "$@"
"""


def packages_of(target: Target) -> list[str]:
    suffix = "t64" if target.suite == "trixie" else ""
    return (PYTHON.format(v=target.minor) + " " + LIBRARIES.format(t=suffix)).split()


def mirror() -> str:
    """The address that this machine has its Debian packages from."""
    command = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    found = sorted(line.partition(" ")[2].rstrip("/") for line in told if line.startswith("Debian http"))
    if not found:
        raise SystemExit("apt knows no Debian mirror here: say which by DEBIAN_MIRROR")
    return found[0]


class Apt:
    """apt-get with a configuration, lists and a status of its own: this machine's stay as they are."""

    def __init__(self, folder: Path, target: Target) -> None:
        self._folder = folder
        for part in ("lists/partial", "cache/archives/partial", "parts", "debs"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        host = subprocess.run(
            ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True
        ).stdout.strip()
        architectures = sorted({host, target.architecture})
        listed = ",".join(architectures)
        source = os.environ.get("DEBIAN_MIRROR") or mirror()
        (folder / "sources.list").write_text(f"deb [arch={listed} signed-by={KEYRING}] {source} {target.suite} main\n")
        settings = {
            "Dir::State": folder,
            "Dir::State::status": folder / "status",
            "Dir::State::lists": folder / "lists",
            "Dir::Cache": folder / "cache",
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": folder / "parts",
            "APT::Architecture": host,
            "Acquire::Languages": "none",
            "APT::Sandbox::User": "root",
        }
        self._command = ["apt-get", "-q"]
        for name, value in settings.items():
            self._command += ["-o", f"{name}={value}"]
        for name in architectures:
            self._command += ["-o", f"APT::Architectures::={name}"]

    def run(self, *words: str) -> None:
        subprocess.run([*self._command, *words], check=True, cwd=self._folder / "debs", stdout=subprocess.DEVNULL)

    def fetch(self, names: list[str]) -> list[Path]:
        self.run("update")
        self.run("download", *names)
        return sorted((self._folder / "debs").glob("*.deb"))


def make(name: str, folder: Path) -> Path:
    """The wrapper of a Python of TARGETS, unpacked in `folder`; what is there already is used."""
    target = TARGETS[name]
    home = folder / name
    wrapper = home / "python"
    if wrapper.exists():
        return wrapper
    shutil.rmtree(home, ignore_errors=True)
    wanted = [f"{package}:{target.architecture}" for package in packages_of(target)]
    if target.qemu and not shutil.which(f"qemu-{target.qemu}-static"):
        wanted.append("qemu-user-static")
    root = home / "root"
    for package in Apt(home / "apt", target).fetch(wanted):
        subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
    shutil.rmtree(home / "apt")
    runner = _runner(target, root)
    wrapper.write_text(WRAPPER.format(root=root, runner=runner, minor=target.minor))
    wrapper.chmod(0o755)
    return wrapper


def _runner(target: Target, root: Path) -> str:
    if target.qemu is None:
        libraries = ":".join(str(root / part) for part in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"))
        loader = next(path for path in (root / "lib64", root / "usr" / "lib64") if path.exists())
        return f'{loader}/ld-linux-x86-64.so.2 --library-path {libraries} --argv0 "$0"'
    emulator = shutil.which(f"qemu-{target.qemu}-static") or str(root / "usr" / "bin" / f"qemu-{target.qemu}-static")
    return f'{emulator} -0 "$0" -L {root}'
