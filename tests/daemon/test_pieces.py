"""What was observed is written a few rows a turn, and an `off` in between loses nothing and lets nothing in."""

from agent.daemon.household import PIECE
from tests.promises.household import Home, observe

NAMES = [b"site%d.example" % number for number in range(3 * PIECE)]


def rows(home: Home) -> int:
    assert home.household is not None
    return int(home.household.records.db.sql.execute("SELECT COUNT(*) FROM visits").fetchone()[0])


def watched(home: Home) -> Home:
    home.watch()
    for name in NAMES:
        observe(home.household, "127.0.0.2", name)  # type: ignore[arg-type]
    return home


def test_a_step_writes_few_rows(home: Home) -> None:
    assert watched(home).household is not None
    written = []
    for _ in home.household.flush_in_pieces():  # type: ignore[union-attr]
        written.append(rows(home))
    assert written == [PIECE, 2 * PIECE, 3 * PIECE]


def test_off_between_two_steps(home: Home) -> None:
    steps = watched(home).household.flush_in_pieces()  # type: ignore[union-attr]
    next(steps)
    home.ask("off", device_id=1, feature="history")
    assert rows(home) == len(NAMES), "observed before"
    for name in NAMES:
        observe(home.household, "127.0.0.2", b"www." + name)  # type: ignore[arg-type]
    assert list(steps) == [] and rows(home) == len(NAMES)
