"""A few whole numbers on flash that a pulled plug must not lose: written in place and synced, four kilobytes."""

import contextlib
import os

BYTES_MAX = 4096


def read(path: str, heading: bytes) -> list[list[str]]:
    """The words of each line below the heading; none where it can't be read or has another heading."""
    try:
        with open(path, "rb") as file:
            lines = file.read(BYTES_MAX).decode("ascii", "replace").splitlines()
    except OSError:
        return []
    return [line.split() for line in lines[1:]] if lines[:1] == [heading.decode().strip()] else []


def write(path: str, text: bytes) -> bool:
    """Heading and lines; durable when it returns True."""
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(fd, text[:BYTES_MAX].ljust(BYTES_MAX, b"\n"), 0)
            os.fsync(fd)
        finally:
            os.close(fd)
        return True
    return False
