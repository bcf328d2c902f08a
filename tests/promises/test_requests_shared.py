"""One device's requests and objections take no other's places, and neither log nor flash grows with them."""

import pytest

from agent.daemon.operations.arguments import OperationRejected
from agent.daemon.operations.me import DEVICE_REQUESTS_MAX, PER_HOUR_MAX
from tests.promises.household import Home


@pytest.fixture
def family(home: Home) -> Home:
    home.start()
    for number in range(2, 34):
        home.ask("device.add", label=f"device {number}", address=f"127.0.0.{number}")
    return home


def tries(home: Home, count: int, address: str = "127.0.0.2", **what: object) -> int:
    """How many of so many are taken; {n} in a text is the number of the try."""
    taken = 0
    for n in range(count):
        values = {name: str(value).format(n=n) for name, value in what.items()}
        try:
            home.ask("request.add", address=address, **values)
            taken += 1
        except OperationRejected as refusal:
            assert refusal.code == "busy"
    return taken


def rows(home: Home) -> int:
    assert home.household is not None
    return int(home.household.state.db.sql.execute("SELECT COUNT(*) FROM ledger").fetchone()[0])


@pytest.mark.parametrize("kind", ["objection", "exception", "erasure", "unblock"])
def test_one_device_and_then_another(family: Home, kind: str) -> None:
    before = rows(family)
    assert tries(family, 300, kind=kind, text="no {n}", target="site{n}.example") == DEVICE_REQUESTS_MAX
    assert rows(family) - before <= 1
    assert tries(family, 1, "127.0.0.3", kind="objection", text="me too") == 1


def test_all_the_others_leave_room(family: Home) -> None:
    for number in range(3, 34):
        tries(family, 20, f"127.0.0.{number}", kind="exception", text="{n}")
    assert tries(family, 1, kind="objection", text="I do not want this") == 1


def test_equal_ones_are_one(family: Home) -> None:
    before = rows(family)
    assert tries(family, 200, kind="objection", text="stop") == 200
    assert len(family.ask("request.list")["items"]) == 1
    assert rows(family) - before == 1


def test_answered_ones_count_for_an_hour(family: Home) -> None:
    taken = 0
    for n in range(60):
        taken += tries(family, 1, kind="unblock", target=f"site{n}.example")
        for row in family.ask("request.list", state="open")["items"]:
            family.ask("request.reply", id=row["id"], answer="no")
    assert taken == PER_HOUR_MAX
