"""Digests of keys by the million, kept in one temporary file until they are sorted: memory does not grow with them."""

import sys
from array import array
from typing import IO

from agent.core.match import split_authority
from agent.platform.hashing import sha256

PARTITIONS = 64  # of three million names, one holds 47,000: some 10 MB while it is sorted
_FIRST_BYTES = 256 // PARTITIONS


class ExternalSort:
    """Runs of 64-bit values in one temporary file, by a tag and a partition."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._end = 0
        self._runs: dict[tuple[object, int], list[tuple[int, int]]] = {}

    def put(self, tag: object, partition: int, data: bytes) -> None:
        """Append big-endian values."""
        if data:
            self._file.seek(self._end)
            self._file.write(data)
            self._runs.setdefault((tag, partition), []).append((self._end, len(data)))
            self._end += len(data)

    def take(self, tag: object, partition: int) -> "array[int]":
        """The values of all runs put there, as numbers."""
        values = array("Q")
        for start, size in self._runs.get((tag, partition), []):
            self._file.seek(start)
            values.frombytes(self._file.read(size))
        if sys.byteorder == "little":
            values.byteswap()
        return values


def big_endian(values: list[int]) -> bytes:
    """64-bit values as the spill holds them."""
    numbers = array("Q", values)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers.tobytes()


class Batch:
    """Digests of keys by partition, and pairs (a parent's digest, the key's own), until they are spilled."""

    def __init__(self, salt: bytes, tag: object) -> None:
        self._salt = salt
        self._tag = tag
        self._own: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        self._pairs: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        self._put_own = [self._own[first // _FIRST_BYTES].append for first in range(256)]
        self._put_pair = [self._pairs[first // _FIRST_BYTES].append for first in range(256)]
        self.size = 0

    def add_names(self, names: list[bytes]) -> None:
        """Names with their parents of two labels or more. Written out flat: a million names pass here."""
        salt, put_own, put_pair = self._salt, self._put_own, self._put_pair
        for name in names:
            own = sha256(salt + name)[:8]
            put_own[own[0]](own)
            at = name.find(b".") + 1
            dot = name.find(b".", at)
            while dot > 0:
                parent = sha256(salt + name[at:])[:8]
                put_pair[parent[0]](parent + own)
                at = dot + 1
                dot = name.find(b".", at)
        self.size += len(names)

    def add_page(self, key: bytes) -> None:
        """A key host/path; a rule for its host, or for the parent of one, covers it."""
        own = self._add(key)
        host = split_authority(key[: key.find(b"/")])[0]
        while b"." in host:
            parent = sha256(self._salt + host)[:8]
            self._put_pair[parent[0]](parent + own)
            host = host[host.find(b".") + 1 :]

    def add_alone(self, key: bytes) -> None:
        """A key that no other rule covers."""
        self._add(key)

    def _add(self, key: bytes) -> bytes:
        own = sha256(self._salt + key)[:8]
        self._put_own[own[0]](own)
        self.size += 1
        return own

    def spill(self, spill: ExternalSort) -> None:
        for partition in range(PARTITIONS):
            spill.put(self._tag, partition, b"".join(self._own[partition]))
            spill.put("pairs", partition, b"".join(self._pairs[partition]))
            self._own[partition].clear()
            self._pairs[partition].clear()
        self.size = 0
