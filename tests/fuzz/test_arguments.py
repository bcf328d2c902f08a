"""Every operation by its arguments' kinds: each left out, at its limits, beyond them and odd, one at a time; in a
household that has nobody yet, and in one that has."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.control.operations import OPERATIONS
from agent.daemon.control import ControlServer
from agent.daemon.loop import Loop
from tests.fuzz.kinds import ODD, beyond, fitting
from tests.fuzz.test_operations import GOOD, SLOW, answer, furnish
from tests.promises.household import Home


@pytest.fixture(params=["nobody", "somebody"])
def control(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[ControlServer]:
    home = Home(str(tmp_path))
    household = home.start()
    household.state.db.sql.execute("PRAGMA synchronous=OFF")
    if request.param == "somebody":
        furnish(household)
    made = ControlServer(Loop(), household, str(tmp_path / "sock"))
    yield made
    made.close()
    home.crash()


def requests(name: str) -> Iterator[dict[str, Any]]:
    good = {"op": name, **GOOD.get(name, {})}
    yield good
    yield {"op": name, "all": True, **{key: good[key] for key in good if key not in ("device_id", "person_id", "id")}}
    for key, kind in OPERATIONS[name].arguments.items():
        yield {at: good[at] for at in good if at != key}
        for value in [*fitting(kind)[:3], *beyond(kind), *ODD] if name not in SLOW else ODD[:9]:
            yield {**good, key: value}


@pytest.mark.parametrize("names", [sorted(OPERATIONS)[at::4] for at in range(4)], ids=range(4))
def test_one_argument_is_odd(control: ControlServer, names: list[str]) -> None:
    for name in names:
        for request in requests(name):
            try:
                reply = answer(control, name, dict(request))
            except Exception as error:
                raise AssertionError(f"{name} with {request!r:.2000}") from error
            assert ("ok" in reply) != ("error" in reply), reply
