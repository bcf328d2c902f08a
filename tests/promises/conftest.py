"""A household in a temporary folder, crashed at the end so that nothing is left open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.counted import counted
from tests.daemon.limited import times
from tests.lab.fixtures import agent, lab, resident, site
from tests.promises.control_server import Server
from tests.promises.household import Home

__all__ = ["counted", "agent", "home", "lab", "resident", "server", "site", "times"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(str(tmp_path))
    yield made
    made.crash()


@pytest.fixture
def server(family: Home, tmp_path: Path) -> Iterator[Server]:
    made = Server(family.household, str(tmp_path / "control.sock"))
    yield made
    made.control.close()
