"""Clears what SQLite leaves in the unused middle of pages: when a page is split, the rows that moved stay behind in it.

`secure_delete` overwrites freed cells and pages, not these copies. Only bytes that no row uses are written, in the file
itself and between two transactions, so that a crash in between changes nothing that counts. No second copy is needed,
so it works where the disk is full. The format of pages: https://www.sqlite.org/fileformat2.html, section 1.6.
"""

import os
import struct
from collections.abc import Generator

from agent.daemon.store.database import Database, plain

STEP_BYTES = 1 << 19  # looked through in a few milliseconds
HEADER = 100  # of the file, before the first page's own
_TREE = {2: 12, 5: 12, 10: 8, 13: 8}  # kinds of b-tree pages, and the sizes of their headers
_CHANGES, _VALID_FOR = 24, 92  # counters in the file's header: another value makes SQLite read all pages again


def scrub(database: Database) -> Generator[float | None, None, None]:
    """In steps; when it ends, the unused bytes are durable as zeros. StorageError."""
    try:
        file = os.open(database.path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise plain(error, database.path) from error
    try:
        at, size = 0, _page_size(file)
        changed = False
        while at * size < os.fstat(file).st_size:
            count = max(1, STEP_BYTES // size)
            if _scrub_pages(file, size, at, count):
                # At once, or SQLite would write a page that it holds, as it was, with its next change.
                _count_change(file)
                changed = True
            at += count
            yield None
        if changed:
            with database.waiting():
                os.fsync(file)
    except OSError as error:
        raise plain(error, database.path) from error
    finally:
        os.close(file)


def _page_size(file: int) -> int:
    header = os.pread(file, HEADER, 0)
    if len(header) < HEADER:
        return 4096  # an empty file: nothing to look through
    size = int.from_bytes(header[16:18], "big")
    return 65536 if size == 1 else size


def _scrub_pages(file: int, size: int, first: int, count: int) -> bool:
    """Whether anything was to be cleared in these pages."""
    data = os.pread(file, count * size, first * size)
    changed = False
    for index in range(len(data) // size):
        page = data[index * size : (index + 1) * size]
        number = first + index + 1
        start, end = _unused(page, HEADER if number == 1 else 0)
        if page[start:end].strip(b"\0"):
            os.pwrite(file, bytes(end - start), (number - 1) * size + start)
            changed = True
    return changed


def _unused(page: bytes, at: int) -> tuple[int, int]:
    """From the cell pointers of a b-tree page, whose header is at `at`, to its first cell; nothing in other pages."""
    kind = page[at]
    if kind not in _TREE:
        return 0, 0
    cells, content = struct.unpack_from(">HH", page, at + 3)
    start, end = at + _TREE[kind] + 2 * cells, content or 65536
    return (start, end) if start <= end <= len(page) else (0, 0)  # a damaged page is left as it is


def _count_change(file: int) -> None:
    (changes,) = struct.unpack(">I", os.pread(file, 4, _CHANGES))
    number = struct.pack(">I", changes + 1 & 0xFFFFFFFF)
    os.pwrite(file, number, _VALID_FOR)
    os.pwrite(file, number, _CHANGES)
