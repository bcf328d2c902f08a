"""The household's own rules as a text file: out of the daemon, and in again or from elsewhere."""

import argparse
import sys
from collections.abc import Iterator

from agent.cli import show
from agent.cli.confirm import confirmed
from agent.cli.errors import CliError
from agent.cli.export import new_file
from agent.cli.idna_input import line_in_ascii
from agent.cli.rows import rows_of
from agent.client import ControlClient
from agent.control.messages import Row

HEAD = (
    "# Your own rules, written by privacy-agent rule export; privacy-agent rule import reads them.",
    "# ACTION NAME [until TIME] [for device LABEL | for person NAME]",
)
CHUNK = 100  # lines of one request
LINE_MAX = 500  # longer than any rule
COMPLAINTS_SHOWN = 20
SIZE_MAX = 4 << 20  # more than the most rules that there can be, with as many comments


def export(client: ControlClient, options: argparse.Namespace) -> None:
    lines = [str(line) for line in client.items("rule.export")]
    if options.json:
        show.document({"items": lines})
    elif options.output:
        with new_file(options.output) as file:
            file.writelines(line + "\n" for line in (*HEAD, *lines))
        show.line(f"{show.count(len(lines), 'rule', 'rules')} written to {options.output}.")
    else:
        for line in (*HEAD, *lines):
            show.line(line)


def take_in(client: ControlClient, options: argparse.Namespace) -> None:
    """All lines are looked at before the first one is added."""
    lines = _lines(options.file)
    told: list[Row] = []
    complaints: list[str] = []
    for start, chunk in _chunks(lines):
        reply = client.call("rule.import", lines=chunk, action=options.action, preview=True)
        told.append(reply)
        complaints += [
            f"line {start + int(str(row['line']))}: {row['message']}" for row in rows_of(reply, "complaints")
        ]
    if complaints:
        more = len(complaints) - COMPLAINTS_SHOWN
        shown = complaints[:COMPLAINTS_SHOWN] + ([f"and {more} more"] if more > 0 else [])
        raise CliError("\n".join([*shown, "Nothing was changed."]))
    rules, new, over = (sum(int(str(row[key])) for row in told) for key in ("rules", "new", "over"))
    if told and new > int(str(told[0]["room"])):
        raise CliError(f"there is room for {told[0]['room']} rules, and these are {new}. Nothing was changed.")
    if over:
        show.line(f"{show.count(over, 'rule is', 'rules are')} over already and left out.")
    if not rules:
        show.line("No rule is in it.")
        return
    for name in sorted({str(name) for row in told for name in rows_of(row, "wide")}):
        show.line(f"{name} is more than one site: its rule covers every site whose name ends in .{name}.")
    confirmed(options, f"Add {show.count(new, 'rule', 'rules')} and renew {rules - new}?")
    for _, chunk in _chunks(lines):
        client.call("rule.import", lines=chunk, action=options.action)
    show.line(f"{new} added, {rules - new} renewed.")


def _lines(path: str) -> list[str]:
    try:
        with open(path if path != "-" else sys.stdin.fileno(), "rb", closefd=path != "-") as file:
            text = file.read(SIZE_MAX + 1)
        if len(text) > SIZE_MAX:
            raise CliError(f"{path} is larger than all rules that there can be")
        return text.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise CliError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeError as error:
        raise CliError(f"{path} is no text in UTF-8") from error


def _chunks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """The number of the first line, from 1, and some lines. What is longer than any rule is cut: it stays wrong."""
    for start in range(0, len(lines), CHUNK):
        yield start + 1, [line_in_ascii(line[:LINE_MAX])[:LINE_MAX] for line in lines[start : start + CHUNK]]
