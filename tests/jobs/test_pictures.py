"""The pictures of README can be made, and are small enough to lie beside the code."""

import struct
import zlib
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.jobs import browser
from tests.pictures import make, png

SIZE_MAX = 40_000


def picture(rows: list[list[tuple[int, ...]]], kind: int) -> bytes:
    """A PNG in which each row has another filter, as browsers choose them: 0 to 4 in turn."""
    step = len(rows[0][0])
    lines, above = b"", bytes(len(rows[0]) * step)
    for number, row in enumerate(rows):
        plain = bytes(part for pixel in row for part in pixel)
        lines += bytes([number % 5]) + filtered(number % 5, plain, above, step)
        above = plain
    head = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, kind, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    return png.SIGNATURE + b"".join(png.chunk(*part) for part in parts)


def filtered(kind: int, row: bytes, above: bytes, step: int) -> bytes:
    found = bytearray()
    for at, value in enumerate(row):
        left, corner = (row[at - step], above[at - step]) if at >= step else (0, 0)
        guess = (0, left, above[at], (left + above[at]) // 2, png.paeth(left, above[at], corner))[kind]
        found.append((value - guess) & 255)
    return bytes(found)


def test_each_filter_is_undone():
    rows = [[(x * 7 % 256, y * 31 % 256, (x + y) % 256, 255) for x in range(9)] for y in range(10)]
    width, height, channels, found = png.decoded(picture(rows, 6))
    assert (width, height, channels) == (9, 10, 4)
    assert found == [bytes(part for pixel in row for part in pixel) for row in rows]


def test_few_colours_stay_as_they_are():
    rows = [[(x % 2 * 255, y % 5 * 50, 9) for x in range(9)] for y in range(10)]
    small = png.shrunk(picture(rows, png.RGB))
    assert small.count(b"PLTE") == 1 and len(small) < 200


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
def test_they_can_be_made(tmp_path: Path):
    make.make(tmp_path, ("start", "overview"), ("dark",))
    made = sorted(tmp_path.iterdir())
    assert [path.name for path in made] == ["command-line.png", "overview-dark.png", "start-dark.png"]
    for path in made:
        assert 2_000 < path.stat().st_size <= SIZE_MAX, path.name


def test_it_is_afternoon_in_them_at_any_hour():
    at = ZoneInfo(make.ZONE)
    for hour, day in ((3, 9), (17, 9), (18, 10), (23, 10)):
        shown = make.last_afternoon(datetime(2026, 12, 10, hour, 30, tzinfo=at))
        assert (shown.day, shown.hour, shown.minute) == (day, 17, 40)
