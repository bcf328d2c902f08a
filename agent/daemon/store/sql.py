"""The C module behind `sqlite3`, whose Python half brings `datetime` and what dates are stored by."""

MYPY = False
if MYPY:
    import sqlite3
else:
    try:
        import _sqlite3 as sqlite3
    except ImportError:
        import sqlite3

__all__ = ["sqlite3"]
