"""Writes REPORT.md, what a report says, from the tables that the code reads.

python -m tools.collector.describe [--check]
"""

import argparse
import math
import sys
from pathlib import Path

from agent.core import envelope, noise, operator, settings, summary
from tools.collector.opening import BATCH_MIN

TARGET = Path(__file__).parent / "REPORT.md"
OUTSIDE = (
    ("format", "of these fields", "everybody's"),
    ("schema", "of the answers", "everybody's"),
    ("notice", "version of the notice that was agreed to", "everybody's"),
    ("period", "the week it was made in, counted from 1970", "everybody's"),
    ("key", "the first bytes of your public key's SHA-256", "everybody's"),
    ("id", "128 random bits, for each report anew", "its own"),
    ("enc", "an ephemeral public key, for each report anew", "its own"),
    ("sealed", "the answers", "its own"),
)
REPORT = """# What a report says

Made by `python -m tools.collector.describe` from `agent/core/summary.py` and `agent/core/operator.py`, which the code
and the household's page read as well. Change those.

## Answers (schema {schema})

Of one week, and of adults' and shared devices only.

| answer | values | what it is | noise: deviation at epsilon {default} |
|---|---|---|---|
{answers}

Each number has discrete Laplace noise of its own, drawn on the router, so that it may be negative and a range's labels
don't add up to one. Nothing else is in a report: no name, site, address, time of day or id that outlives it.

## Around the seal

One line of JSON in {body} bytes, whatever it says: {plain} bytes of answers with blanks, sealed by HPKE (RFC 9180:
X25519, HKDF-SHA256, ChaCha20-Poly1305). All fields but the last two are bound to the seal.

| field | what it is | whose |
|---|---|---|
{outside}

## How much it tells: epsilon

- **The unit of privacy is all that one household (one router) says in one report.** Whatever its true answers are, no
  report becomes more than e^epsilon times as likely by them: local differential privacy, so it holds against you, too.
  One household adds at most {bound} to each count and one to each range, whatever its devices do.
- **A report** costs {default} by default ({low} to {high}, `report_epsilon_milli`), in equal shares for {questions}
  answers.
- **A household's whole life** costs {lifetime} by default and {most} at most (`report_budget_milli`); then no more
  reports are made. That is {reports} reports of the default, a year.
- **What that does not promise.** You see the sender's IP address. Who keeps it can put a household's reports together,
  and then the lifetime's epsilon counts: {lifetime} in all, {share} for an answer that never changes, such as the
  version. That is no strong protection. Don't keep addresses, as the receiver here does not.
- A household that sets another epsilon than most has noise of another size, which can be told over some weeks. Epsilon
  is no secret, and the default is the best company.
- A week of fewer than {batch} households is not told by the opener.

## The operator's particulars

What a household is shown, and agrees to, before anything is made. A change of any of them ends what was agreed to.

| field | at most | what it is |
|---|---|---|
{fields}
| `authority` | {authority} | a root certificate in PEM, if yours is none of the system's |

The household also reads: "{seen}"
"""


def deviation(row: summary.Question, epsilon: int) -> float:
    """The standard deviation of the noise in one of a question's numbers."""
    t, s = summary.scales(epsilon)[summary.columns().index(row.name + ("=" + row.labels[0] if row.labels else ""))]
    q = math.exp(-s / t)
    return math.sqrt(2 * q) / (1 - q)


def table(rows: list[tuple[object, ...]]) -> str:
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)


def report() -> str:
    """The text of REPORT.md."""
    given = {row.name: row for row in settings.TABLE}
    epsilon, lifetime = [int(str(given[name].default)) for name in ("report_epsilon_milli", "report_budget_milli")]
    answers: list[tuple[object, ...]] = []
    for row in summary.TABLE:
        values = "one of " + ", ".join(row.labels) if row.labels else f"a count, 0 to {row.bound}"
        answers.append((f"`{row.name}`", values, row.sentence, f"{deviation(row, epsilon):.0f}"))
    return REPORT.format(
        schema=summary.SCHEMA,
        answers=table(answers),
        outside=table([(f"`{name}`", what, whose) for name, what, whose in OUTSIDE]),
        fields=table([(f"`{name}`", limit, what) for name, limit, what in operator.TEXTS]),
        authority=operator.AUTHORITY_MAX,
        body=envelope.BODY_BYTES,
        plain=summary.PLAIN_BYTES,
        bound=max(row.bound for row in summary.TABLE),
        questions=len(summary.TABLE),
        default=f"{epsilon / 1000:g}",
        low=f"{noise.EPSILON_MIN / 1000:g}",
        high=f"{noise.EPSILON_MAX / 1000:g}",
        lifetime=f"{lifetime / 1000:g}",
        most=f"{noise.LIFETIME_MAX / 1000:g}",
        reports=lifetime // epsilon,
        share=f"{lifetime / 1000 / len(summary.TABLE):g}",
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
