"""Text for people: tables, times, and nothing that could steer a terminal."""

import itertools
import json
import shutil
import sys
import textwrap
import time
from collections.abc import Iterable

from agent.platform.printable import printable


def line(text: str = "") -> None:
    print(clean(text))


def clean(text: object) -> str:
    """Without control characters: a name from the network must not move the cursor."""
    return "".join(letter if printable(letter) or letter == "\n" else "?" for letter in str(text))


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
    rows_all = [heads, *cells]
    widest = [max(len(row[at]) for row in rows_all) for at in range(len(heads))]
    words = [max(len(word) for row in rows_all for word in row[at].split() or [""]) for at in range(len(heads))]
    widths = fitting(widest, words)
    for row in rows_all:
        folded = [textwrap.wrap(cell, max(width, 1)) or [""] for cell, width in zip(row, widths, strict=True)]
        for parts in itertools.zip_longest(*folded, fillvalue=""):
            print("  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip())


def fitting(widest: list[int], words: list[int]) -> list[int]:
    """The columns' widths: narrower until a line fits the terminal, but no word is ever broken."""
    room = shutil.get_terminal_size((0, 0)).columns
    if not room and sys.stdout.isatty():
        room = 80
    narrow = list(widest)
    while room and sum(narrow) + 2 * (len(narrow) - 1) > room:
        slack = [width if width > word else 0 for width, word in zip(narrow, words, strict=True)]
        if not any(slack):
            break
        narrow[slack.index(max(slack))] -= 1
    return narrow


def when(seconds: object) -> str:
    """Local date and minute of a wall-clock time; empty without one."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds)) if isinstance(seconds, int) else ""


def value(setting: object) -> str:
    """A setting's value as people write it."""
    return (
        {True: "on", False: "off", None: ""}[setting] if setting is None or isinstance(setting, bool) else str(setting)
    )


def moment(seconds: object) -> str:
    """Local date and second, as spreadsheets read it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if isinstance(seconds, int) else ""


PASSES = (
    "           Without protection, what goes by iCloud Private Relay or encrypted DNS is not recorded: the history of "
    "such a device may stay empty."
)


def count(number: object, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
