"""The lab for a test module, and the responder for a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.household import Agent
from tests.lab.lab import Lab, missing


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    if reason := missing():
        pytest.skip(reason)
    with Lab() as lab:
        yield lab


@pytest.fixture
def agent(lab: Lab, tmp_path: Path) -> Iterator[Agent]:
    agent = Agent(lab.router, tmp_path / "memory")
    yield agent
    for space in lab.spaces.values():
        space.close_sockets()
    if agent.process.poll() is None:
        assert agent.stop() == 0
