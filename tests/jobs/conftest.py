"""The web job as a process, and the test as its daemon; an authority for servers of lists."""

import os
from collections.abc import Iterator

import pytest

from tests.jobs.bad_server import Authority
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


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """The one authority that is trusted while a module runs."""
    made = Authority(tmp_path_factory.mktemp("authority"))
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(made.file)
    yield made
    os.environ.pop("SSL_CERT_FILE")
    if before is not None:
        os.environ["SSL_CERT_FILE"] = before
