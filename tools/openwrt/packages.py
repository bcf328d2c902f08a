"""Makes the packages of packaging/openwrt from their feed Makefiles, without the SDK.

GNU make reads the Makefiles, with small stand-ins for the SDK's own (`nosdk/`), and stages each package's files;
what the SDK's ipkg-build does after that is done here.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.openwrt import bytecode, ipk

PROJECT = Path(__file__).resolve().parents[2]
FEED = PROJECT / "packaging" / "openwrt"
NOSDK = PROJECT / "tools" / "openwrt" / "nosdk"
PYPI_CACHE = PROJECT / "build" / "pypi"
SITE = "usr/lib/python{}/site-packages"

HOOKED = ("postinst", "prerm")
PLAIN = ("preinst", "postrm")

# The SDK's own wording is generated too: every package runs the hooks of /lib/functions.sh.
HOOK = """#!/bin/sh
{guard}[ -s "${{IPKG_INSTROOT}}/lib/functions.sh" ] || exit 0
. "${{IPKG_INSTROOT}}/lib/functions.sh"
default_{name} "$0" "$@"
"""
# Asked of the script after an install only.
GUARDS = {"postinst": '[ "${IPKG_NO_SCRIPT}" = "1" ] && exit 0\n', "prerm": ""}


class Package:
    """A staged package: the fields and scripts that its Makefile gives, and the folder of its files."""

    __slots__ = ("folder", "fields", "parts")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        lines = (folder / "fields").read_text().splitlines()
        self.fields = dict(line.strip().split("=", 1) for line in lines if "=" in line)
        self.parts = {path.name: path.read_text() for path in sorted(folder.iterdir()) if path.is_file()}

    @property
    def name(self) -> str:
        return self.fields["PACKAGE"]

    @property
    def version(self) -> str:
        return self.fields["VERSION"]

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def file_name(self) -> str:
        return f"{self.name}_{self.version}_{self.fields['PKGARCH'] or 'all'}.ipk"

    @property
    def depends(self) -> list[str]:
        return depends(self.fields["DEPENDS"])


def depends(field: str) -> list[str]:
    """Package names of a DEPENDS field: "+" selects, "@" is a condition on the build and no package."""
    names = ["libc"]
    for word in field.split():
        name = word.lstrip("+")
        if name.startswith("@"):
            continue
        if ":" in name:
            raise ValueError(f"conditional dependency {word}: only the SDK can tell")
        names.append(name)
    return names


def stage(directory: Path, work: Path, python_version: str, overrides: dict[str, str]) -> list[Package]:
    """Run a feed Makefile; returns the packages that it defines, staged in `work`."""
    if work.exists():
        shutil.rmtree(work)
    command = ["make", "-s", "--no-print-directory", "-C", str(directory), f"TOPDIR={NOSDK}", f"STAGE={work}"]
    command += [f"PYTHON3_VERSION={python_version}", f"HOST_PYTHON3_BIN={sys.executable}"]
    command += [f"PYPI_CACHE={PYPI_CACHE}", *(f"{name}={value}" for name, value in sorted(overrides.items()))]
    subprocess.run([*command, "stage"], check=True)
    return [Package(folder) for folder in sorted((work / "packages").iterdir())]


def finish(package: Package, python_version: str, compiled: bool) -> None:
    """What the SDK does to a staged root: bytecode in place of modules; and modes that no umask had a say in."""
    site = package.root / SITE.format(python_version)
    if compiled and site.exists():
        bytecode.compile_folder(site, "/" + SITE.format(python_version), python_version)
    for path in package.root.rglob("*"):
        if not path.is_symlink():
            path.chmod(_mode(path.relative_to(package.root), path.stat().st_mode, path.is_dir()))


def _mode(path: Path, mode: int, folder: bool) -> int:
    """Files below /etc are installed with a mode each; the rest is copied, and is public."""
    if folder or mode & 0o100:
        return 0o755
    return mode & 0o644 if path.parts[0] == "etc" else 0o644


def control(package: Package, epoch: int, python_version: str) -> dict[str, bytes]:
    """Content of the control archive."""
    parts = package.parts
    files = {"control": control_text(package, epoch, python_version).encode()}
    for hook in HOOKED:
        files[hook] = HOOK.format(name=hook, guard=GUARDS[hook]).encode()
        if hook in parts:
            files[hook + "-pkg"] = parts[hook].encode()
    for script in PLAIN:
        if script in parts:
            files[script] = parts[script].encode()
    if "conffiles" in parts:
        files["conffiles"] = (parts["conffiles"].strip() + "\n").encode()
    return files


def control_text(package: Package, epoch: int, python_version: str) -> str:
    fields = package.fields
    needed = package.depends
    if (package.root / SITE.format(python_version)).exists():
        needed = [_pinned(name, python_version) for name in needed]
    lines = [
        ("Package", package.name),
        ("Version", package.version),
        ("Depends", ", ".join(needed)),
        ("Conflicts", fields["CONFLICTS"]),
        ("Provides", fields["PROVIDES"]),
        ("Source", f"packaging/openwrt/{fields['SOURCE_NAME']}"),
        ("SourceName", fields["SOURCE_NAME"]),
        ("License", fields["LICENSE"]),
        ("LicenseFiles", fields["LICENSE_FILES"]),
        ("Section", fields["SECTION"]),
        ("Require-User", fields["USERID"]),
        ("SourceDateEpoch", str(epoch)),
        ("URL", fields["URL"]),
        ("Maintainer", fields["MAINTAINER"]),
        ("Architecture", fields["PKGARCH"] or "all"),
        ("Installed-Size", str(ipk.installed_size(package.root))),
        ("Description", " " + package.parts.get("description", fields["TITLE"]).strip()),
    ]
    return "".join(f"{name}: {value}\n" for name, value in lines if value.strip())


def _pinned(name: str, python_version: str) -> str:
    """Bytecode serves one Python version only, so the interpreter's package is pinned to it."""
    if name != "python3-light":
        return name
    major, minor = (int(number) for number in python_version.split("."))
    return f"{name} (>= {major}.{minor}), {name} (<< {major}.{minor + 1})"


def build(
    names: list[str],
    output: Path,
    work: Path,
    epoch: int,
    python_version: str = "3.11",
    compiled: bool = True,
    overrides: dict[str, str] | None = None,
) -> list[Path]:
    """Build these feed folders into .ipk files in `output`; returns their paths."""
    output.mkdir(parents=True, exist_ok=True)
    made = []
    for name in names:
        for package in stage(FEED / name, work / name, python_version, overrides or {}):
            finish(package, python_version, compiled)
            target = output / package.file_name
            target.write_bytes(ipk.pack(control(package, epoch, python_version), package.root, epoch))
            made.append(target)
    return made


def feed_folders() -> list[str]:
    return sorted(path.parent.name for path in FEED.glob("*/Makefile"))


def source_epoch() -> int:
    """The one time of everything in a package: SOURCE_DATE_EPOCH, or the last commit's."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    run = subprocess.run(
        ["git", "-c", f"safe.directory={PROJECT}", "-C", str(PROJECT), "log", "-1", "--format=%ct"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(run.stdout)
