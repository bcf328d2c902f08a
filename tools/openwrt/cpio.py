"""Writes an initramfs: the "newc" cpio format of the kernel's initramfs buffer format document.

Everything belongs to root and carries one time, so that the same tree gives the same bytes.
"""

import os
import stat
from collections.abc import Iterable
from typing import BinaryIO

TRAILER = "TRAILER!!!"


class Entry:
    """One file of the image. `data` is the content, or the target of a symbolic link."""

    __slots__ = ("path", "mode", "data", "device")

    def __init__(self, path: str, mode: int, data: bytes = b"", device: int = 0) -> None:
        self.path = path
        self.mode = mode
        self.data = data
        self.device = device


def directory(path: str, mode: int = 0o755) -> Entry:
    return Entry(path, stat.S_IFDIR | mode)


def regular(path: str, data: bytes, mode: int = 0o644) -> Entry:
    return Entry(path, stat.S_IFREG | mode, data)


def symlink(path: str, target: str) -> Entry:
    return Entry(path, stat.S_IFLNK | 0o777, target.encode())


def console() -> Entry:
    """The node that the kernel opens for the first process before anything is mounted."""
    return Entry("dev/console", stat.S_IFCHR | 0o600, device=os.makedev(5, 1))


def write(out: BinaryIO, entries: Iterable[Entry], mtime: int = 0) -> int:
    """Write the archive; returns its length in bytes."""
    size = 0
    for number, entry in enumerate(entries, 1):
        size += out.write(_record(number, entry, mtime))
    return size + out.write(_record(0, Entry(TRAILER, 0), 0))


def _record(number: int, entry: Entry, mtime: int) -> bytes:
    name = entry.path.encode() + b"\0"
    fields = (
        number,
        entry.mode,
        0,  # uid
        0,  # gid
        1,  # links
        mtime,
        len(entry.data),
        0,
        0,  # device the file lies on
        os.major(entry.device),
        os.minor(entry.device),
        len(name),
        0,  # checksum: unused by this variant
    )
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return _padded(head) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
