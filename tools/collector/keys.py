"""Makes and retires the operator's keys: python -m tools.collector.keys KEYS [--weeks N | --retire]

Adds a secret key for the coming weeks to the file and prints the public one for the household's operator file. Old
ones open their own periods only; --retire deletes those whose last period is over, and nobody can open their reports
any more.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from agent.core import envelope, seal
from agent.core.summary import period_of
from agent.platform.hashing import sha256
from tools.collector.opening import LATE, Row, primitives

WEEKS = 26


def add(rows: list[Row], first: int, weeks: int) -> tuple[list[Row], bytes]:
    """(the rows with one more, its public key)."""
    tools = primitives()
    secret = seal.derive_secret(tools, os.urandom(32))
    # What was made for a key may arrive weeks later; what counts is the period in which it was made.
    row: Row = {"secret": secret.hex(), "first": first, "last": first + weeks - 1 + LATE}
    return [*rows, row], tools.public_of(secret)


def retire(rows: list[Row], now: int) -> list[Row]:
    """The keys that may still have to open something in or after the period `now`."""
    return [row for row in rows if int(str(row["last"])) >= now]


def write(path: Path, rows: list[Row]) -> None:
    """Durable, for the owner's eyes only, and whole or not at all."""
    fresh = path.with_suffix(".new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as file:
        json.dump(rows, file, indent=1)
        file.flush()
        os.fsync(fd)
    fresh.replace(path)


def main() -> int:
    parser = argparse.ArgumentParser(description="Makes a key pair for the coming weeks.")
    parser.add_argument("keys", type=Path)
    parser.add_argument("--weeks", type=int, default=WEEKS)
    parser.add_argument("--retire", action="store_true", help="delete the keys whose last period is over, make none")
    options = parser.parse_args()
    rows = json.loads(options.keys.read_text()) if options.keys.exists() else []
    now = period_of(int(time.time()))
    if options.retire:
        kept = retire(rows, now)
        write(options.keys, kept)
        print(f"{len(rows) - len(kept)} retired, {len(kept)} kept")
        return 0
    rows, public = add(rows, now, options.weeks)
    write(options.keys, rows)
    print(f"public key {public.hex()}\nkey id     {envelope.key_id(public, sha256)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
