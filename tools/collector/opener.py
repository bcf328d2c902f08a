"""Opens files of sealed reports and adds them up, offline: python -m tools.collector.opener KEYS FILE … [--format csv]

A period with fewer households than the smallest batch is not told. Run it on a machine that the receiver can't reach:
it holds the secret keys.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from pathlib import Path

from agent.core.model import BadInput
from agent.core.summary import Report
from tools.collector.files import lines_of
from tools.collector.opening import BATCH_MIN, Keys, Row, Totals


def collect(keys: Keys, files: list[Path]) -> tuple[dict[str, Report | None], Counter[str]]:
    """(id → report, why how many were left out). Of an id with two different reports none counts: its sender made it
    so, and which one came first must not decide."""
    found: dict[str, Report | None] = {}
    left_out: Counter[str] = Counter()
    for line in (line for path in files for line in lines_of(path)):
        try:
            report = keys.open(line)
        except BadInput as error:
            left_out[str(error)] += 1
            continue
        before = found.setdefault(report.id, report)
        if before == report and before is not report:
            left_out["a report that was there already"] += 1
        elif before is not report:
            found[report.id] = None
            left_out["different reports under one id"] += 1 + (before is not None)
    return found, left_out


def aggregate(keys: Keys, files: list[Path], batch_min: int = BATCH_MIN) -> tuple[list[Row], Counter[str]]:
    """(rows by period and column, why how many reports were left out)."""
    found, left_out = collect(keys, files)
    totals: dict[int, Totals] = {}
    for report in found.values():
        if report is not None:
            totals.setdefault(report.period, Totals()).add(report.numbers)
    rows: list[Row] = []
    for period, summed in sorted(totals.items()):
        if summed.count < batch_min:
            left_out["in a period with too few households"] += summed.count
        else:
            rows += summed.rows(period)
    return rows, left_out


def main() -> int:
    parser = argparse.ArgumentParser(description="Opens and adds up sealed reports.")
    parser.add_argument("keys", type=Path, help="JSON of secret keys, made by tools.collector.keys")
    parser.add_argument("files", type=Path, nargs="+", help="files of JSON lines from the receiver")
    parser.add_argument("--format", choices=("csv", "json"), default="csv")
    parser.add_argument("--smallest", type=int, default=BATCH_MIN, help=f"households a period (default {BATCH_MIN})")
    options = parser.parse_args()
    rows, left_out = aggregate(Keys.read(options.keys), options.files, options.smallest)
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
