"""Opens files of sealed reports and adds them up, offline: python -m tools.collector.opener KEYS FILE … [--format csv]

A period with fewer households than the smallest batch is not told, nor a number whose error is wider than its range.
Run it on a machine that the receiver can't reach: it holds the secret keys.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from pathlib import Path

from agent.core.model import BadInput
from tools.collector.files import lines_of
from tools.collector.opening import BATCH_MIN, TOO_FEW, Copies, Keys, Row, first_of
from tools.collector.totals import Totals


def collect(keys: Keys, files: list[Path]) -> tuple[dict[tuple[int, str], Copies], Counter[str]]:
    """(period and id → what came under it, why how many lines could not be opened)."""
    found: dict[tuple[int, str], Copies] = {}
    left_out: Counter[str] = Counter()
    for line in (line for path in files for line in lines_of(path)):
        try:
            report = keys.open(line)
        except BadInput as error:
            left_out[str(error)] += 1
            continue
        found.setdefault((report.period, report.id), Copies()).add(report.answer)
    return found, left_out


def aggregate(
    keys: Keys, files: list[Path], batch_min: int = BATCH_MIN, weeks: int = 1
) -> tuple[list[Row], Counter[str]]:
    """(rows by period and column, why how many reports were left out); so many `weeks` are told together."""
    found, left_out = collect(keys, files)
    totals: dict[int, Totals] = {}
    for (period, _), copies in found.items():
        left_out += copies.left_out()
        if copies.answer is not None:
            totals.setdefault(period, Totals()).add(copies.answer)
    together: dict[int, Totals] = {}
    for period, summed in totals.items():
        if summed.count < batch_min:
            left_out[TOO_FEW] += summed.count
        else:
            together.setdefault(first_of(period, weeks), Totals()).merge(summed)
    rows: list[Row] = []
    for period, summed in sorted(together.items()):
        told, untold = summed.told(period, weeks)
        rows += told
        left_out += untold
    return rows, left_out


def main() -> int:
    parser = argparse.ArgumentParser(description="Opens and adds up sealed reports.")
    parser.add_argument("keys", type=Path, help="JSON of secret keys, made by tools.collector.keys")
    parser.add_argument("files", type=Path, nargs="+", help="files of JSON lines from the receiver")
    parser.add_argument("--format", choices=("csv", "json"), default="csv")
    parser.add_argument("--smallest", type=int, default=BATCH_MIN, help=f"households a period (default {BATCH_MIN})")
    parser.add_argument("--weeks", type=int, default=1, help="so many weeks are told together (default 1)")
    options = parser.parse_args()
    rows, left_out = aggregate(Keys.read(options.keys), options.files, options.smallest, max(options.weeks, 1))
    if options.format == "json":
        json.dump(rows, sys.stdout, indent=1)
        print()
    elif rows:
        writer = csv.DictWriter(sys.stdout, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for reason, count in sorted(left_out.items()):
        print(f"left out: {count} ({reason})", file=sys.stderr)
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main())
