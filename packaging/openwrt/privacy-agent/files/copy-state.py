#!/usr/bin/python3 -IS
"""copy-state FROM TO: a whole copy of a database that may be in use, by SQLite's own backup."""

import os
import sqlite3
import sys


def main(source, target):
    if not os.path.exists(source):
        return 0
    os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
    part = target + ".part"
    if os.path.exists(part):
        os.remove(part)
    os.umask(0o077)
    origin, copy = sqlite3.connect(source), sqlite3.connect(part)
    try:
        origin.backup(copy)
    finally:
        copy.close()
        origin.close()
    os.replace(part, target)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except (OSError, sqlite3.Error) as error:
        sys.exit(f"copy-state: {error}")
