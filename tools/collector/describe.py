"""Writes REPORT.md, what a report says, from the tables that the code reads.

python -m tools.collector.describe [--check]
"""

import argparse
import json
import math
import sys
from pathlib import Path

from agent.core import envelope, noise, operator, settings, summary
from tools.collector import simulate
from tools.collector.opening import BATCH_MIN
from tools.collector.totals import Z95, rounded

BEFORE = 8  # questions of schema 1, which shared epsilon; a range's labels had Laplace noise of their own
WITHIN = 5
TARGET = Path(__file__).parent / "REPORT.md"
OUTSIDE = (
    ("format", "of these fields", "everybody's"),
    ("schema", "of the answers", "everybody's"),
    ("notice", "version of the notice that was agreed to", "everybody's"),
    ("period", "the week it was made in, counted from 1970", "everybody's"),
    ("key", "the first bytes of your public key's SHA-256", "everybody's"),
    ("id", "128 random bits, for each report anew", "its own"),
    ("enc", "an ephemeral public key, for each report anew", "its own"),
    ("sealed", "the answer", "its own"),
)
REPORT = """# What a report says

Made by `python -m tools.collector.describe` from `agent/core/summary.py` and `agent/core/operator.py`, which the code
and the household's page read as well. Change those.

## Answers (schema {schema})

Of one week, and of adults' and shared devices only.

| answer | values | what it is |
|---|---|---|
{answers}

**A report has one of these answers**, drawn on the router with each report, whatever the answers are. All of the
report's epsilon is spent on it. A count gets discrete Laplace noise, so that it may be negative. A range gives one
label: the true one is e^epsilon times as likely as any other (randomized response). The report also has its epsilon,
without which a range can't be counted, rounded down to {steps}: a household's own choice
would mark its reports. Nothing else is in a report: no name, site, address, time of day or id that outlives it.

## How exact it is

Predicted for epsilon {default}: half the width of the widest 95 % interval, of shares in percentage points. Reports
of schema 1 answered all {before} questions at once. Measured with reports that were really sealed and opened: how far
shares were off (root of the mean square, and the worst), how many numbers the opener told, and how many lay in their
interval. Noise added once, by two operators together, would be more exact:
[CENTRAL-NOISE.md](CENTRAL-NOISE.md) judges it.

| households | weeks | share | schema 1 | mean of a count | measured share, worst | told, in their interval |
|---|---|---|---|---|---|---|
{exactness}

{within} points are reached with {one:,} households in one week, and with {eight:,} in eight (`--weeks 8`).

The opener does not tell a number whose interval is as wide as all that it can be, and says how many households it would
need. At epsilon {default}, in one week:

| answer | households |
|---|---|
{needs}

## Around the seal

One line of JSON in {body} bytes, whatever it says: {plain} bytes of answers with blanks, sealed by HPKE (RFC 9180:
X25519, HKDF-SHA256, ChaCha20-Poly1305). All fields but the last two are bound to the seal.

| field | what it is | whose |
|---|---|---|
{outside}

## How much it tells: epsilon

- **The unit of privacy is all that one household (one router) says in one report.** Whatever its true answers are, no
  report becomes more than e^epsilon times as likely by them: local differential privacy, so it holds against you, too.
  One household adds at most {bound} to a count, or one to a range, whatever its devices do.
- **A report** costs {default} by default ({low} to {high}, `report_epsilon_milli`), all for its one answer. A
  setting between two steps is paid for as it is set.
- **A household's whole life** costs {lifetime} by default and {most} at most (`report_budget_milli`); then no more
  reports are made. That is {reports} reports of the default, a year.
- **What that does not promise.** You see the sender's IP address. Who keeps it can put a household's reports together,
  and then the lifetime's epsilon counts: {lifetime} in all, and about {share} for each question. That is no strong
  protection. Don't keep addresses, as the receiver here does not.
- A household that sets another epsilon than most has fewer to hide among, since each report says its step. The
  default is the best company.
- A week of fewer than {batch} households is not told by the opener.

## The operator's particulars

What a household is shown, and agrees to, before anything is made. A change of any of them ends what was agreed to.

| field | at most | what it is |
|---|---|---|
{fields}
| `authority` | {authority} | a root certificate in PEM, if yours is none of the system's |

The household also reads: "{seen}"
"""


def table(rows: list[tuple[object, ...]]) -> str:
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)


def exactness(epsilon: int) -> list[tuple[object, ...]]:
    """What is predicted, and what was measured."""
    found: list[tuple[object, ...]] = []
    for run in json.loads(simulate.MEASURED.read_text()):
        reports = run["households"] * run["weeks"]
        shares = f"{100 * run['share']:.1f}, {100 * run['share_worst']:.1f}" if run["share"] is not None else "-"
        before = 100 * Z95 * math.sqrt(2) * 2 * BEFORE * 1000 / epsilon / math.sqrt(reports)
        worst, count = simulate.widest(epsilon, reports), simulate.predicted(summary.TABLE[0], epsilon, reports)
        told = f"{run['told']} of {len(summary.columns())}, {run['within']}"
        row = (
            f"{run['households']:,}",
            run["weeks"],
            f"{100 * worst:.1f}",
            f"{before:.0f}",
            f"{count:.2f}",
            shares,
            told,
        )
        found.append(row)
    return found


def reports_for(row: summary.StatField, epsilon: int, error: float, weeks: int = 1) -> int:
    """How many households it takes for such an error, to two digits."""
    return rounded(math.ceil((simulate.predicted(row, epsilon, 1) / error) ** 2 / weeks))


def report() -> str:
    """The text of REPORT.md."""
    given = {row.name: row for row in settings.TABLE}
    epsilon, lifetime = [int(str(given[name].default)) for name in ("report_epsilon_milli", "report_budget_milli")]
    answers: list[tuple[object, ...]] = []
    for row in summary.TABLE:
        values = "one of " + ", ".join(row.labels) if row.labels else f"a count, 0 to {row.bound}"
        answers.append((f"`{row.name}`", values, row.sentence))
    needs: list[tuple[object, ...]] = [
        (f"`{row.name}`", f"{reports_for(row, epsilon, row.bound / 2):,}") for row in summary.TABLE
    ]
    return REPORT.format(
        schema=summary.SCHEMA,
        answers=table(answers),
        outside=table([(f"`{name}`", what, whose) for name, what, whose in OUTSIDE]),
        fields=table([(f"`{name}`", limit, what) for name, limit, what in operator.TEXTS]),
        authority=operator.AUTHORITY_MAX,
        body=envelope.BODY_BYTES,
        plain=summary.PLAIN_BYTES,
        bound=max(row.bound for row in summary.TABLE),
        steps=", ".join(f"{step / 1000:g}" for step in summary.EPSILONS),
        before=BEFORE,
        exactness=table(exactness(epsilon)),
        within=WITHIN,
        one=max(reports_for(row, epsilon, WITHIN / 100) for row in summary.TABLE if row.labels),
        eight=max(reports_for(row, epsilon, WITHIN / 100, 8) for row in summary.TABLE if row.labels),
        needs=table(needs),
        default=f"{epsilon / 1000:g}",
        low=f"{noise.EPSILON_MIN / 1000:g}",
        high=f"{noise.EPSILON_MAX / 1000:g}",
        lifetime=f"{lifetime / 1000:g}",
        most=f"{noise.LIFETIME_MAX / 1000:g}",
        reports=lifetime // epsilon,
        share=f"{lifetime / 1000 / len(summary.TABLE):.1f}",
        batch=BATCH_MIN,
        seen=operator.SEEN,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes what a report says, for operators.")
    parser.add_argument("--check", action="store_true", help="only say whether REPORT.md is up to date")
    options = parser.parse_args()
    if not options.check:
        TARGET.write_text(report())
        return 0
    current = TARGET.exists() and TARGET.read_text() == report()
    print("REPORT.md is up to date" if current else "REPORT.md is out of date: python -m tools.collector.describe")
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main())
