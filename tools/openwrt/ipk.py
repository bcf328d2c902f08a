"""Packs an .ipk: a gzipped tar of debian-binary, data.tar.gz and control.tar.gz, the same bytes from the same input.

Reproducible because everything that could vary is fixed: order by name, owner 0, one time, no names of users,
GNU tar format, gzip without name and time. (The compressed bytes also depend on the zlib that Python is built with.)
"""

import gzip
import io
import os
import tarfile
from pathlib import Path

COMPRESSION = 9


def pack(control: dict[str, bytes], root: Path, mtime: int) -> bytes:
    """The package: `control` maps names of the control archive to content, `root` is what gets installed."""
    members = {
        "debian-binary": b"2.0\n",
        "data.tar.gz": compress(tar_of_folder(root, mtime)),
        "control.tar.gz": compress(tar_of_files(control, mtime, executable=scripts(control))),
    }
    # The order that OpenWrt's own packages have; opkg reads the outer archive in any.
    return compress(tar_of_files(members, mtime, ordered=True))


def scripts(control: dict[str, bytes]) -> frozenset[str]:
    return frozenset(name for name, data in control.items() if data.startswith(b"#!"))


def compress(data: bytes) -> bytes:
    return gzip.compress(data, COMPRESSION, mtime=0)


def tar_of_files(
    files: dict[str, bytes], mtime: int, executable: frozenset[str] = frozenset(), ordered: bool = False
) -> bytes:
    """A tar of files in memory, "./" first in the inner ones."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        if not ordered:
            archive.addfile(_info(".", 0o755, mtime, tarfile.DIRTYPE))
        for name in files if ordered else sorted(files):
            mode = 0o755 if name in executable else 0o644
            info = _info(f"./{name}", mode, mtime, tarfile.REGTYPE, len(files[name]))
            archive.addfile(info, io.BytesIO(files[name]))
    return out.getvalue()


def tar_of_folder(root: Path, mtime: int) -> bytes:
    """A tar of a folder, sorted by path, modes as they are there."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(_info(".", 0o755, mtime, tarfile.DIRTYPE))
        for path in sorted(root.rglob("*"), key=lambda item: item.relative_to(root).parts):
            _add(archive, path, "./" + path.relative_to(root).as_posix(), mtime)
    return out.getvalue()


def _add(archive: tarfile.TarFile, path: Path, name: str, mtime: int) -> None:
    mode = path.lstat().st_mode & 0o7777
    if path.is_symlink():
        info = _info(name, 0o777, mtime, tarfile.SYMTYPE)
        info.linkname = os.readlink(path)
        archive.addfile(info)
    elif path.is_dir():
        archive.addfile(_info(name, mode, mtime, tarfile.DIRTYPE))
    else:
        data = path.read_bytes()
        archive.addfile(_info(name, mode, mtime, tarfile.REGTYPE, len(data)), io.BytesIO(data))


def _info(name: str, mode: int, mtime: int, kind: bytes, size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode = mode
    info.mtime = mtime
    info.type = kind
    info.size = size
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def installed_size(root: Path) -> int:
    """Bytes that the files take."""
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
