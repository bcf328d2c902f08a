"""Everything held of a device or person, as one JSON document or as a folder of CSV files."""

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from typing import IO

from agent.cli import lookup, show
from agent.cli.errors import CliError
from agent.client import ControlClient
from agent.control.messages import Row

# A spreadsheet runs a cell that begins like this; an apostrophe in front makes it text.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Objects that may be absent: their columns are there all the same.
ABSENT = {
    "person": {"group": None, "id": None, "name": None},
    "usage": {"allowed": None, "left": None, "on": None, "today": None},
}

# Columns that are wall-clock seconds.
TIMES = ("at", "first", "last", "since", "until", "created_at", "expires_at", "opened_at", "closed_at")
BOM = "\ufeff"  # without it, spreadsheets take UTF-8 for the code page of their country


def export(client: ControlClient, options: argparse.Namespace) -> None:
    target = {"all": True} if options.all else lookup.either(client, options.whom).arguments
    rows = client.items("export", **target)
    if options.format == "csv":
        if not options.output:
            raise CliError("CSV is one file a table: give a new folder with --output")
        labels = {row["id"]: row["label"] for row in client.items("device.list")}
        _to_folder(rows, options.output, labels)
    elif options.output:
        with new_file(options.output) as file:
            _to_json(rows, file)
    else:
        _to_json(rows, sys.stdout)


def _to_json(rows: Iterator[Row], file: IO[str]) -> None:
    """{"head": …, "rows": [{"kind", "row"}, …]}, written as it comes: the router's memory is small."""
    head = next(rows, {"row": None})
    file.write('{"head": ' + json.dumps(head["row"], sort_keys=True) + ',\n "rows": [')
    before = "\n  "
    for row in rows:
        file.write(before + json.dumps(row, sort_keys=True, ensure_ascii=False))
        before = ",\n  "
    file.write("\n ]}\n")


def _to_folder(rows: Iterator[Row], folder: str, labels: dict[object, object]) -> None:
    """One file a kind: head.csv, device.csv, ledger.csv, visit.csv, attempt.csv, rule.csv."""
    try:
        os.mkdir(folder, 0o700)
    except OSError as error:
        raise CliError(f"cannot make the folder {folder}: {error.strerror}") from error
    files: dict[str, IO[str]] = {}
    try:
        for row in rows:
            kind, values = str(row["kind"]), readable(flat(row["row"]), labels)
            if kind not in files:
                files[kind] = new_file(os.path.join(folder, kind + ".csv"))
                files[kind].write(BOM + csv_line(list(values)))
            files[kind].write(csv_line(list(values.values())))
    finally:
        for file in files.values():
            file.close()
    show.line(f"{folder}: " + ", ".join(f"{kind}.csv" for kind in sorted(files)))


def new_file(path: str) -> IO[str]:
    """A new file that only its owner can read; one that is there is not written over."""
    try:
        return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="")
    except OSError as error:
        raise CliError(f"cannot write {path}: {error.strerror}") from error


def flat(row: object, before: str = "") -> Row:
    """{"rule": {"text": "x"}} → {"rule.text": "x"}; a list becomes words with spaces between."""
    cells: Row = {}
    for key, value in sorted((row if isinstance(row, dict) else {"value": row}).items()):
        value = ABSENT.get(key) if value is None else value
        if isinstance(value, dict):
            cells.update(flat(value, f"{before}{key}."))
        else:
            cells[before + key] = " ".join(map(str, value)) if isinstance(value, list) else value
    return cells


def readable(cells: Row, labels: dict[object, object]) -> Row:
    """For a spreadsheet: times as local dates, and beside a device's number its name."""
    told: Row = {}
    for name, value in cells.items():
        is_time = name.rpartition(".")[2] in TIMES and isinstance(value, int) and not isinstance(value, bool)
        told[name] = show.moment(value) if is_time else value
        if name == "device_id":
            told["device"] = labels.get(value, "")
    return told


def csv_line(cells: list[object]) -> str:
    """RFC 4180, with cells that a spreadsheet would run made text."""
    line = io.StringIO()
    safe = ["'" + cell if isinstance(cell, str) and cell.startswith(FORMULA) else cell for cell in cells]
    csv.writer(line).writerow(safe)
    return line.getvalue()
