"""The lab for a test module; the responder, or the installed daemon, for a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.household import Agent
from tests.lab.lab import Lab, missing
from tests.lab.resident import Resident
from tests.lab.web import Site


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    if reason := missing():
        pytest.skip(reason)
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def site(lab: Lab) -> Iterator[Site]:
    """The servers that Alice reaches over IPv4 and IPv6."""
    lab.addresses6(lab.alice)
    made = Site(lab)
    yield made
    made.close()


@pytest.fixture
def agent(lab: Lab, tmp_path: Path) -> Iterator[Agent]:
    agent = Agent(lab.router, tmp_path / "memory")
    yield agent
    close_sockets(lab)
    if agent.process.poll() is None:
        assert agent.stop() == 0


@pytest.fixture
def resident(lab: Lab, tmp_path: Path) -> Iterator[Resident]:
    resident = Resident(lab, tmp_path)
    yield resident
    close_sockets(lab)
    code = resident.stop()
    assert code == 0, f"it ended with {code}:\n{resident.said()}"


def close_sockets(lab: Lab) -> None:
    for space in lab.spaces.values():
        space.close_sockets()
