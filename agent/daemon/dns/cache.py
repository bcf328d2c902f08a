"""A bounded cache in two generations: reading is one dict look-up, and it forgets in bulk.

What is kept or found lands in the young generation. When that is half full it becomes the old one, and what was old,
unasked since, is dropped: no list of uses to keep, no sweeping.
"""

MYPY = False
if MYPY:  # not worth its memory
    from typing import Any

ENTRY_BYTES = 300  # what a key, a small object and its place in a dict take besides the message (measured)


class Cache:
    """Values with a `body` of bytes under keys of bytes: at most `entries_max` of them, in `bytes_max` bytes.

    `young` and `old` may be looked into where each nanosecond counts; to have what is in `old` is `find`'s.
    """

    __slots__ = ("young", "old", "_entries_half", "_bytes_half", "_bytes")

    def __init__(self, entries_max: int, bytes_max: int) -> None:
        self.young: dict[bytes, Any] = {}
        self.old: dict[bytes, Any] = {}
        self._bytes = 0
        self._entries_half = entries_max // 2
        self._bytes_half = bytes_max // 2

    def find(self, key: bytes) -> "Any":
        """The value, or None."""
        value = self.young.get(key)
        if value is None and key in self.old:
            value = self.old.pop(key)
            self.store(key, value)
        return value

    def store(self, key: bytes, value: "Any") -> None:
        """One too large for half the cache is not kept."""
        size_bytes = len(value.body) + len(key) + ENTRY_BYTES
        if size_bytes > self._bytes_half:
            return
        if len(self.young) >= self._entries_half or self._bytes + size_bytes > self._bytes_half:
            self.old = self.young
            self.young = {}
            self._bytes = 0
        self.young[key] = value
        self._bytes += size_bytes

    def items(self) -> "list[tuple[bytes, Any]]":
        """All of them, as of now."""
        return [*self.young.items(), *self.old.items()]

    def clear(self) -> None:
        self.young = {}
        self.old = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.young) + len(self.old)
