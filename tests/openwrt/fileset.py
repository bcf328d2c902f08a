"""An interpreter that has exactly the files which a package's DEPENDS brings along on OpenWrt, and our package in it.

It is a copy of the program in a folder of its own, from where it finds its library, also when told to be isolated.
"""

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from tools.openwrt import hiding, packages, rootfs, stdlib

ROOT = Path(__file__).resolve().parents[2]
UNPACKED = ROOT / "build" / "pythons" / "3.13" / "root"  # tools/other-python


class Python(NamedTuple):
    """An interpreter of this machine: its program, its library, and what a shell puts before the program."""

    version: str
    program: Path
    library: Path
    before: str = ""


def found(version: str) -> Python | None:
    """Debian's, one unpacked by tools/other-python, or another one that is here."""
    if version == rootfs.VERSION and rootfs.PYTHON.exists():
        return Python(version, rootfs.PYTHON, rootfs.STDLIB)
    if version == "3.13" and (UNPACKED / "usr/bin/python3.13").exists():
        loader = next(iter(sorted(UNPACKED.glob("usr/lib/*-linux-gnu*/ld-linux*.so*"))))
        before = shlex.join([str(loader), "--library-path", str(loader.parent)]) + ' --argv0 "$0"'
        return Python(version, UNPACKED / "usr/bin/python3.13", UNPACKED / "usr/lib/python3.13", before)
    code = (
        "import os, sys; print(os.path.realpath(sys.executable), os.path.dirname(os.__file__), sys.version.split()[0])"
    )
    try:
        told = subprocess.run([f"python{version}", "-I", "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return None
    words = told.stdout.split()
    if told.returncode or not words or not words[2].startswith(version + "."):
        return None
    return Python(version, Path(words[0]), Path(words[1]))


class FileSet:
    """`names` are OpenWrt packages. `seen` is the file that each module's name goes to when it is looked for."""

    def __init__(self, python: Python, names: list[str], home: Path) -> None:
        self.python = python
        self.home = home
        self.library = home / "usr/lib" / f"python{python.version}"
        self.seen = home / "seen"
        self.program = home / "usr/bin/python3"
        (home / "usr/bin").mkdir(parents=True)
        self._program()
        self.library.parent.mkdir(parents=True)
        self.library.symlink_to(python.library)  # to be asked what it has built in, it needs something to start with
        built_in = hiding.built_in(str(self.program))
        absent = stdlib.absent_modules(names, built_in, python.version)
        self.built_in = sorted(set(built_in) - set(absent))
        self.library.unlink()
        self.files = stdlib.files(python.library, names, python.version)
        for module in self.files:
            self._module(module, absent)
        # For Debian's, which looks elsewhere.
        (home / "usr/lib/python3").mkdir()
        (home / "usr/lib/python3/dist-packages").symlink_to(f"../python{python.version}/site-packages")
        self.seen.touch()
        self.seen.chmod(0o666)

    def _program(self) -> None:
        copy = self.home / "usr/bin" / f"python{self.python.version}"
        shutil.copy(self.python.program, copy)
        if self.python.before:
            self.program.write_text(f'#!/bin/sh\nexec {self.python.before} {shlex.quote(str(copy))} "$@"\n')
            self.program.chmod(0o755)
        else:
            self.program.symlink_to(copy.name)

    def _module(self, module: Path, absent: list[str]) -> None:
        source, target = self.python.library / module, self.library / module
        target.parent.mkdir(parents=True, exist_ok=True)
        if module == rootfs.ENCODINGS:
            target.write_bytes(hiding.hide(source.read_bytes(), absent, str(self.seen)))
            return
        tag = self.python.version.replace(".", "")
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-{tag}.pyc"
        if module.suffix == ".py" and compiled.exists():
            # As on OpenWrt: no source. A copy, for whoever compiled it may have kept it to themselves.
            shutil.copyfile(compiled, target.with_suffix(".pyc"))
        else:
            target.symlink_to(source)

    def install(self, package: packages.Package) -> None:
        shutil.copytree(package.root, self.home, dirs_exist_ok=True, symlinks=True)

    def run(self, *words: str, **more: object) -> "subprocess.CompletedProcess[str]":
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **more.pop("env", {})}  # type: ignore[dict-item]
        return subprocess.run(
            [str(self.program), *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **more,  # type: ignore[call-overload]
        )

    def modules(self) -> list[str]:
        """Of the standard library: all that was looked for so far, and is there, in a file or built in."""
        names = set(self.seen.read_text().split())
        there = {str(path.with_suffix("")).split(".")[0].replace("/", ".") for path in self.files}
        there = {name.removeprefix("lib-dynload.").removesuffix(".__init__") for name in there}
        return sorted(names & (there | set(self.built_in)))


def staged(name: str, version: str, work: Path) -> packages.Package:
    """Our package as it is installed; bytecode where this machine has the interpreter to make it."""
    (package,) = packages.stage(packages.FEED / name, work, version, {})
    packages.finish(package, version, compiled=version == rootfs.VERSION)
    return package


def needed(package: packages.Package) -> list[str]:
    """The Python packages of its DEPENDS."""
    return [name for name in package.depends if name.startswith("python3")]
