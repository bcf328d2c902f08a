"""A sorted table of rows of one size inside a file, searched where it lies."""

from agent.core.shapes import KeyAt, ReadAt

_STEP = 64  # rows in a block: the first key of each stays in memory, a look-up reads one block


class SortedRows:
    """`count` rows of `size` bytes from `place` on, sorted; each begins with a key of `key_size` bytes.

    `read` is a function (offset, size) → bytes of the file.
    """

    def __init__(self, read: ReadAt, place: int, count: int, size: int, key_size: int) -> None:
        self._file_read = read
        self._place = place
        self._count = count
        self._size = size
        self._key_size = key_size
        self._fence = [self._read(at, 1)[:key_size] for at in range(0, count, _STEP)]

    def _read(self, at: int, count: int) -> bytes:
        data: bytes = self._file_read(self._place + at * self._size, count * self._size)
        return data

    def at_most(self, key: bytes) -> bytes | None:
        """The last row whose key is not greater, or None."""
        block = _last_at_most(len(self._fence), lambda at: self._fence[at], key)
        if block < 0:
            return None
        start = block * _STEP
        data = self._read(start, min(_STEP, self._count - start))
        size, key_size = self._size, self._key_size
        at = _last_at_most(len(data) // size, lambda at: data[at * size : at * size + key_size], key)
        return data[at * size : (at + 1) * size]

    def equal(self, key: bytes) -> list[bytes]:
        """All rows with that key."""
        low = _last_at_most(self._count, lambda at: self._read(at, 1)[: self._key_size], before(key))
        found = []
        for at in range(low + 1, self._count):
            row = self._read(at, 1)
            if row[: self._key_size] != key:
                break
            found.append(row)
        return found


def before(key: bytes) -> bytes:
    """The greatest key of the same size that is smaller; of zeros, an empty one."""
    number = int.from_bytes(key, "big")
    return (number - 1).to_bytes(len(key), "big") if number else b""


def _last_at_most(count: int, key_at: KeyAt, key: bytes) -> int:
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        if key_at(middle) <= key:
            low = middle + 1
        else:
            high = middle
    return low - 1
