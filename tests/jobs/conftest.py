"""The web job as a process, and the test as its daemon."""

from collections.abc import Iterator

import pytest

from tests.jobs.web_peer import Job, Peer


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.stop()


@pytest.fixture
def job(peer: Peer) -> Iterator[Job]:
    job = Job(peer)
    yield job
    # An internal error is written there, and none may happen, whatever a test sends.
    assert job.stop() == ""
