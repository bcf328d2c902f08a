"""A group of processes that may have so much memory and no more: the kernel's memory cgroup, version 1 or 2."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

V1, V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
FILES = {V1: ("memory.limit_in_bytes", "memory.max_usage_in_bytes"), V2: ("memory.max", "memory.peak")}


class Group:
    """`command` runs another one in it."""

    def __init__(self, root: Path, name: str, limit_bytes: int) -> None:
        self.path = root / name
        self._limit, self._peak = FILES[root]
        self.path.mkdir()
        self.command = ("sh", "-c", f'echo $$ > {self.path}/cgroup.procs && exec "$@"', "sh")
        self.limit(limit_bytes)

    def limit(self, size_bytes: int) -> None:
        (self.path / self._limit).write_text(str(size_bytes))

    @property
    def peak(self) -> int:
        return int((self.path / self._peak).read_text())

    def remove(self) -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                self.path.rmdir()
                return
            time.sleep(0.1)


@contextlib.contextmanager
def memory(limit_bytes: int) -> Iterator[Group]:
    """Skips, with the reason, where this machine has none that a test may use."""
    for root, (limit, _) in FILES.items():
        name = f"privacy-agent-{time.monotonic_ns()}"
        try:
            made = Group(root, name, limit_bytes)
        except OSError:
            with contextlib.suppress(OSError):
                (root / name).rmdir()
            continue
        assert (made.path / limit).exists()
        try:
            yield made
        finally:
            made.remove()
        return
    pytest.skip("not here: no memory cgroup that a test may make")
