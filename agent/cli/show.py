"""Text for people: tables, times, and nothing that could steer a terminal."""

import json
import sys
import time
from collections.abc import Iterable

Row = dict[str, object]


def line(text: str = "") -> None:
    print(clean(text))


def clean(text: object) -> str:
    """Without control characters: a name from the network must not move the cursor."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in str(text))


def document(value: object) -> None:
    """One JSON document, stable in its order."""
    json.dump(value, sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
    print()


def table(heads: list[str], rows: Iterable[list[object]], empty: str) -> None:
    """Columns as wide as their widest cell; `empty` when there is no row."""
    cells = [[clean("" if cell is None else cell) for cell in row] for row in rows]
    if not cells:
        line(empty)
        return
    widths = [max(len(row[at]) for row in [heads, *cells]) for at in range(len(heads))]
    for row in [heads, *cells]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def when(seconds: object) -> str:
    """Local date and minute of a wall-clock time; empty without one."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds)) if isinstance(seconds, int) else ""


def count(number: object, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
