#!/usr/bin/python3
"""Turns /etc/config/privacy-agent into the agent's settings file, or says what is wrong with it.

settings-from-uci CONFIG TARGET [STARTED STALE]: exit 0 and TARGET is written whole; exit 1, a sentence on stderr for
each fault, and TARGET stays as it was. Options carry the names of the settings; `enabled` is the init script's own.
STARTED is the file that the service was started with: of what has changed since, the names that only a start reads are
written to STALE, if any.
"""

import json
import os
import shlex
import sys

from agent.core import settings
from agent.core.model import BadInput

SECTION = "agent"
NOT_SETTINGS = ("enabled",)


def words(line: str, number: int) -> list[str]:
    """A configuration line's words; UCI quotes as a shell does."""
    try:
        return shlex.split(line, comments=True)
    except ValueError as error:
        raise BadInput(f"line {number}: {error}") from error


def options(text: str) -> list[tuple[int, str, str, str]]:
    """(line, "option" or "list", name, value) of every line of the agent's section."""
    found: list[tuple[int, str, str, str]] = []
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        match words(line, number):
            case []:
                continue
            case ["config", kind, *_]:
                inside = kind == SECTION
            case ["option" | "list" as keyword, name, value]:
                if inside:
                    found.append((number, keyword, name, value))
            case ["package", _]:
                continue
            case _:
                raise BadInput(f"line {number}: not a line of UCI: {line.strip()!r}")
    return found


def collect(text: str) -> tuple[dict[str, object], list[str]]:
    """Settings as given, and a sentence for each option that cannot be used."""
    given: dict[str, object] = {}
    faults = []
    for number, keyword, name, value in options(text):
        if name in NOT_SETTINGS:
            continue
        try:
            checked = settings.from_word(name, value)
        except BadInput as error:
            faults.append(f"line {number}: {error}")
            continue
        earlier = given.get(name)
        if keyword == "list" and isinstance(earlier, list) and isinstance(checked, list):
            checked = earlier + checked
        given[name] = checked
    return given, faults


def write(target: str, given: dict[str, object]) -> None:
    part = target + ".part"
    with open(part, "w", encoding="utf-8") as file:
        json.dump(given, file, indent=1, sort_keys=True)
    os.replace(part, target)


def stale(started: str, given: dict[str, object]) -> list[str]:
    """Settings that differ from those the service was started with, and are read at a start only."""
    try:
        with open(started, encoding="utf-8") as file:
            before = settings.read(file.read())
    except (BadInput, OSError, UnicodeDecodeError):
        return []  # it does not run
    now = settings.complete(given)
    return [row.name for row in settings.TABLE if before[row.name] != now[row.name] and not settings.is_live(row.name)]


def note(path: str, names: list[str]) -> None:
    if names:
        with open(path, "w", encoding="utf-8") as file:
            file.write(", ".join(names) + "\n")
    elif os.path.exists(path):
        os.remove(path)


def main(arguments: list[str]) -> int:
    source, target, *running = arguments
    try:
        with open(source, encoding="utf-8") as file:
            given, faults = collect(file.read())
        if not faults:
            settings.complete(given)
    except (BadInput, OSError, UnicodeDecodeError) as error:
        faults = [str(error)]
    for fault in faults:
        print(f"{source}: {fault}", file=sys.stderr)
    if faults:
        return 1
    write(target, given)
    if running:
        started, path = running
        note(path, stale(started, given))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
