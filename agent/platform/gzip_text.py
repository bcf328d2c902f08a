"""A long text on disk, packed by gzip or plain: read forward piece by piece, written packed, named by its hash."""

import os
import zlib
from typing import IO

from agent.core.model import BadInput
from agent.platform.hashing import sha256

_GZIP = 31  # zlib's window bits for "with gzip's head and checksum"
LEVEL = 6  # lists of names pack to 35 %; level 1 needs a third of the time and leaves 39 %
BLOCK = 1 << 16


class TextFile:
    """Reads a text; `size` is its length, by gzip's own word where it is packed. OSError, or BadInput if damaged."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - close() does
        self._packed = self._file.read(2) == b"\x1f\x8b"
        self.size = self._file.seek(0, os.SEEK_END)
        if self._packed and self.size >= 4:
            self._file.seek(-4, os.SEEK_END)
            self.size = int.from_bytes(self._file.read(4), "little")
        self.rewind()

    def __enter__(self) -> "TextFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def rewind(self) -> None:
        self._file.seek(0)
        self._at = 0
        self._unpack = zlib.decompressobj(_GZIP) if self._packed else None
        self._rest = b""

    def skip_to(self, place: int) -> None:
        """Go on from a later place."""
        while self._at < place and self.read(min(BLOCK, place - self._at)):
            pass

    def read(self, size: int) -> bytes:
        """The next bytes: as many as asked for, fewer at the end only."""
        parts = []
        while size and (piece := self._piece(size)):
            parts.append(piece)
            size -= len(piece)
            self._at += len(piece)
        return b"".join(parts)

    def _piece(self, size: int) -> bytes:
        """Some of the next bytes; none at the end."""
        if self._unpack is None:
            return self._file.read(size)
        while not self._unpack.eof:
            packed = self._rest or self._file.read(BLOCK)
            try:
                piece = self._unpack.decompress(packed, size)
            except zlib.error as error:
                raise BadInput("the packed text is damaged") from error
            self._rest = self._unpack.unconsumed_tail
            if piece:
                return piece
            if not packed:
                raise BadInput("the packed text is cut short")
        return b""


class TextWriter:
    """Packs a text into a file that is open for writing."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._pack = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
        self._digest = _Digest()

    def write(self, piece: bytes) -> None:
        self._digest.add(piece)
        self._file.write(self._pack.compress(piece))

    def finish(self) -> str:
        """Write what is left; the text's hash, as `text_hash` tells it."""
        self._file.write(self._pack.flush())
        return self._digest.text()


class _Digest:
    """A hash of the hashes of a text's blocks, however the text comes in pieces."""

    def __init__(self) -> None:
        self._block = b""
        self._hashes = b""

    def add(self, piece: bytes) -> None:
        self._block += piece
        while len(self._block) >= BLOCK:
            self._hashes += sha256(self._block[:BLOCK])
            self._block = self._block[BLOCK:]

    def text(self) -> str:
        """Eight hexadecimal digits."""
        return sha256(self._hashes + (sha256(self._block) if self._block else b"")).hex()[:8]


def text_hash(path: str) -> str:
    digest = _Digest()
    with TextFile(path) as file:
        while block := file.read(BLOCK):
            digest.add(block)
    return digest.text()


def text_size(path: str) -> int:
    with TextFile(path) as file:
        return file.size
