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
from tools.collector.opening import BATCH_MIN, Keys, Row, Totals
from tools.collector.receiver import lines_of


def aggregate(keys: Keys, files: list[Path], batch_min: int = BATCH_MIN) -> tuple[list[Row], Counter[str]]:
    """(rows by period and column, why how many reports were left out)."""
    totals: dict[int, Totals] = {}
    seen: set[str] = set()
    left_out: Counter[str] = Counter()
    for path in files:
        for line in lines_of(path):
            try:
                report = keys.open(line)
            except BadInput as error:
                left_out[str(error)] += 1
                continue
            if report.id in seen:
                left_out["a report that was there already"] += 1
                continue
            seen.add(report.id)
            totals.setdefault(report.period, Totals()).add(report.numbers)
    rows: list[Row] = []
    for period, found in sorted(totals.items()):
        if found.count < batch_min:
            left_out["in a period with too few households"] += found.count
        else:
            rows += found.rows(period)
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
