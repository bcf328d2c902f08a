"""Makes a PNG small: as few colours as a page needs, so that pictures can lie beside the code (PNG, third edition)."""

import struct
import zlib
from collections import Counter

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOURS = 64  # text on plain grounds; with fewer its edges and the shadows of cards look worn
RGB, PALETTE = 2, 3
CHANNELS = {RGB: 3, 6: 4}

Colour = tuple[int, int, int]


def shrunk(data: bytes) -> bytes:
    """The same picture with at most COLOURS colours."""
    width, height, channels, rows = decoded(data)
    pixels = [[tuple(row[at : at + 3]) for at in range(0, width * channels, channels)] for row in rows]
    counted = Counter(pixel for row in pixels for pixel in row)
    palette = chosen(counted)
    places = {colour: nearest(colour, palette) for colour in counted}
    lines = b"".join(b"\0" + bytes([places[pixel] for pixel in row]) for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 8, PALETTE, 0, 0, 0)
    parts = [(b"IHDR", head), (b"PLTE", bytes(part for colour in palette for part in colour))]
    parts += [(b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    return SIGNATURE + b"".join(chunk(*part) for part in parts)


def chosen(counted: Counter) -> list[Colour]:
    """The most frequent colours that differ enough to be worth a place."""
    found: list[Colour] = []
    for least in (900, 200, 1):
        for colour, _ in counted.most_common():
            if len(found) < COLOURS and all(distance(colour, other) >= least for other in found):
                found.append(colour)
    return found


def nearest(colour: Colour, palette: list[Colour]) -> int:
    return min(range(len(palette)), key=lambda place: distance(colour, palette[place]))


def distance(one: Colour, other: Colour) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def decoded(data: bytes) -> tuple[int, int, int, list[bytes]]:
    """(width, height, channels, rows) of a PNG as a browser writes it: eight bits, not interlaced, no palette."""
    assert data.startswith(SIGNATURE)
    at, packed = len(SIGNATURE), b""
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        at += size + 12
        if kind == b"IHDR":
            width, height, depth, colours, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            assert depth == 8 and not interlaced
        elif kind == b"IDAT":
            packed += body
    channels = CHANNELS[colours]
    return width, height, channels, unfiltered(zlib.decompress(packed), width * channels, channels)


def unfiltered(raw: bytes, width: int, step: int) -> list[bytes]:
    rows, above = [], bytes(width)
    for start in range(0, len(raw), width + 1):
        row = bytearray(raw[start + 1 : start + 1 + width])
        undo(raw[start], row, above, step)
        above = bytes(row)
        rows.append(above)
    return rows


def undo(kind: int, row: bytearray, above: bytes, step: int) -> None:
    """Section 9 of the standard: none, left, above, their mean, Paeth's choice."""
    if kind == 0:
        return
    for at, value in enumerate(row):
        left = row[at - step] if at >= step else 0
        corner = above[at - step] if at >= step else 0
        row[at] = (value + (0, left, above[at], (left + above[at]) // 2, paeth(left, above[at], corner))[kind]) & 255


def paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda one: abs(guess - one))
