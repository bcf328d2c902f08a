"""The index of a folder of packages: Packages, Packages.gz, and Packages.sig where there is a key."""

import hashlib
import io
import tarfile
from pathlib import Path

from tools.openwrt import ipk, usign


def control_of(package: Path) -> str:
    """The control file inside an .ipk."""
    found = _inside(package, "./control.tar.gz", "./control")
    assert found is not None, package
    return found.decode()


def data_of(package: Path, path: str) -> bytes | None:
    """A file that it installs, None where it has none of that path."""
    return _inside(package, "./data.tar.gz", path)


def _inside(package: Path, archive: str, path: str) -> bytes | None:
    with tarfile.open(package, "r:gz") as outer:
        inner = outer.extractfile(archive)
        assert inner is not None, package
        with tarfile.open(fileobj=io.BytesIO(inner.read()), mode="r:gz") as files:
            member = files.extractfile(path) if path in files.getnames() else None
            return member.read() if member is not None else None


def entry(package: Path) -> str:
    """A package's paragraph: its control file with name, size and hash before the description."""
    data = package.read_bytes()
    facts = f"Filename: {package.name}\nSize: {len(data)}\nSHA256sum: {hashlib.sha256(data).hexdigest()}\n"
    head, found, description = control_of(package).partition("Description:")
    return head + facts + found + description


def write(folder: Path, key: usign.SecretKey | None) -> list[Path]:
    """Write the index of every .ipk in the folder; returns the files made."""
    packages = sorted(folder.glob("*.ipk"))
    text = "".join(entry(package) + "\n" for package in packages).encode()
    files = {"Packages": text, "Packages.gz": ipk.compress(text)}
    if key is not None:
        files["Packages.sig"] = usign.sign(text, key).encode()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]
