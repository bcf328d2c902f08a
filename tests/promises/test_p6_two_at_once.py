"""P6: two deletions at once, with a copy on flash: neither ends the other's, and neither is acknowledged too early."""

import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from agent.daemon.household import Household
from agent.daemon.operations import TABLE
from tests.promises.household import Home, observe

Deletion = Generator[float | None, None, object]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(str(tmp_path))
    household = home.start(keep_history=True)
    for number in (1, 2):
        address = f"127.0.0.{number + 1}"
        home.ask("device.add", label=f"device {number}", address=address)
        home.ask("on", device_id=number, feature="history", agree=1)
        observe(household, address, b"tell-tale-%d.example" % number)
    household.flush()
    assert household.snapshots.start()
    while not household.snapshots.finished():
        time.sleep(0.01)
    assert on_flash(home, 1) and on_flash(home, 2)
    yield home
    home.crash()


def on_flash(home: Home, number: int) -> bool:
    copy = Path(home.state_dir) / "history.db"
    return copy.exists() and b"tell-tale-%d" % number in copy.read_bytes()


def begun(household: Household) -> tuple[Deletion, Deletion]:
    """The first one's copy is being written when the second begins."""
    one, two = (TABLE["delete"](household, {"device_id": number}) for number in (1, 2))
    while household.snapshots.finished():
        next(one)
    next(two)
    return one, two


def ended(deletion: Deletion) -> bool:
    try:
        next(deletion)
    except StopIteration:
        return True
    time.sleep(0.002)
    return False


def test_both_go_on_by_turns(home: Home) -> None:
    household = home.household
    left = dict(enumerate(begun(household), 1))
    while left:
        for number, deletion in list(left.items()):
            if ended(deletion):
                del left[number]
                assert not on_flash(home, number), "acknowledged, and on flash"
    assert household.snapshots.exists and not household.state.removals.unfinished
    home.crash()
    home.start(keep_history=True)
    assert not on_flash(home, 1) and not on_flash(home, 2)


def test_the_other_one_stands_still(home: Home) -> None:
    one, _two = begun(home.household)
    while not ended(one):
        pass
    assert not on_flash(home, 1)
    assert home.household.state.removals.unfinished, "the second is not done"
