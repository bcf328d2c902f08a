"""Turns the modules of a staged package into bytecode, as OpenWrt ships Python: NAME.pyc in place of NAME.py.

Run as a script it is the compiler itself, in the Python version that the router has: `bytecode.py FOLDER PREFIX`.
"""

import os
import py_compile
import subprocess
import sys
from pathlib import Path


class WrongPython(Exception):
    """The interpreter to compile with is missing or of another version."""


def interpreter(version: str) -> str:
    """A Python of this version ("3.11"): bytecode is only of use to the version that made it."""
    candidates = [f"/usr/bin/python{version}", f"python{version}"]
    if ".".join(str(part) for part in sys.version_info[:2]) == version:
        candidates.insert(0, sys.executable)
    for candidate in candidates:
        try:
            run = subprocess.run([candidate, "-V"], capture_output=True, text=True, check=False)
        except OSError:
            continue
        if run.stdout.startswith(f"Python {version}."):
            return candidate
    raise WrongPython(f"no Python {version} here to compile with: pass --source, or install python{version}")


def compile_folder(folder: Path, installed_as: str, version: str) -> None:
    """Replace every module below `folder`; tracebacks show paths below `installed_as`."""
    # A process of its own: a fixed hash seed and no other code alive make the same bytes every time.
    environment = {"PYTHONHASHSEED": "0", "PATH": os.environ.get("PATH", "")}
    command = [interpreter(version), "-I", "-S", str(Path(__file__).resolve()), str(folder), installed_as]
    subprocess.run(command, check=True, env=environment)


def main(folder: str, installed_as: str) -> None:
    for source in sorted(Path(folder).rglob("*.py")):
        shown = os.path.join(installed_as, source.relative_to(folder))
        py_compile.compile(
            str(source),
            cfile=str(source.with_suffix(".pyc")),
            dfile=shown,
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        source.unlink()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
