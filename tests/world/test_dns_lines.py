"""DNS through the agent is never worse than dnsmasq's own, on lines as people have them.

Both ask servers that behave alike, in the same run.
"""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import dnslib
import pytest

from tests.world.line import (
    Client,
    Line,
    Process,
    Server,
    agent,
    await_port,
    dnsmasq,
    lossy,
    names,
)

pytestmark = pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="dnsmasq is not installed")


def failing(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
    reply = query.reply()
    reply.header.rcode = dnslib.RCODE.SERVFAIL
    return reply


def late(seconds: float) -> Line:
    return lambda name, at: seconds


def silent(name: str, at: float) -> None:
    return None


def without_root(name: str, at: float) -> float | None:
    """Drops what a health check asks, and the first question of all."""
    return 0.01 if name and not name.startswith("x0.") else None


def outage(name: str, at: float) -> float | None:
    return None if 4 < at < 7 else 0.01


LINES: dict[str, list[Line]] = {
    **{f"late by {seconds} s": [late(seconds)] for seconds in (0.3, 0.7, 1.0, 1.5, 2.0, 3.0)},
    "30 % lost": [lossy(0.3, 5)],
    "3 s without": [outage],
    "no NS of the root": [without_root],
    "first dead": [silent, late(0.01)],
    "second dead": [late(0.01), silent],
    "first slow": [late(1.5), late(0.01)],
}


class Race:
    """One kind of line: dnsmasq and the agent each with servers of their own that behave alike."""

    def __init__(self, folder: Path, lines: list[Line]) -> None:
        folder.mkdir()
        self.servers = [[Server(line) for line in lines] for _ in range(2)]
        self.peer = dnsmasq([server.port for server in self.servers[0]])
        self.agent = agent(folder, [server.port for server in self.servers[1]])
        self.results: tuple[Client, Client]

    def run(self) -> None:
        for process in (self.peer, self.agent):
            await_port(process)
        asked = names("x")
        clients = [Client(process.port, asked, 0.25) for process in (self.peer, self.agent)]
        self.results = (clients[0].join(), clients[1].join())

    def close(self) -> None:
        self.peer.close()
        self.agent.close()
        for server in sum(self.servers, []):
            server.close()


@pytest.fixture(scope="module")
def races(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Race]]:
    """All at once: they wait most of the time."""
    folder = tmp_path_factory.mktemp("lines")
    made = {name: Race(folder / str(number), lines) for number, (name, lines) in enumerate(LINES.items())}
    threads = [threading.Thread(target=race.run) for race in made.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield made
    for race in made.values():
        race.close()


@pytest.mark.parametrize("name", LINES)
def test_as_many_are_answered_as_by_dnsmasq(races: dict[str, Race], name: str) -> None:
    peer, ours = races[name].results
    print(f"{name}: dnsmasq {len(peer.answered)}, agent {len(ours.answered)}, failed {ours.failed}")
    # A packet lost on a busy machine is neither's fault.
    assert len(ours.answered) >= len(peer.answered) - (2 if "lost" in name else 0)
    if name.startswith("late by"):
        assert len(ours.answered) == len(names("x"))


def test_after_an_outage_the_service_is_back_within_a_second(races: dict[str, Race]) -> None:
    _, ours = races["3 s without"].results
    server = races["3 s without"].servers[1][0]
    assert server.port and len(ours.answered) == len(names("x")), ours.failed
    # A question that was asked in the outage's last second waited no longer than it, and one.
    assert max(ours.answered.values()) < 4.5


@pytest.fixture
def running() -> Iterator[list[Process | Server]]:
    started: list[Process | Server] = []
    yield started
    for one in started:
        one.close()


def test_local_names_never_wait_for_the_wan(tmp_path: Path, running: list[Process | Server]) -> None:
    """dnsmasq knows them, its own server is silent; also while everything else waits."""
    wan = Server(silent)
    router = dnsmasq([wan.port], "--host-record=nas.lan,192.168.1.5", "--host-record=printer.lan,192.168.1.6")
    ours = agent(tmp_path, [router.port])
    running += [ours, router, wan]
    await_port(router)
    await_port(ours)
    lost = Client(ours.port, names("gone", 100), 0.01)
    local = Client(ours.port, ["nas.lan", "printer.lan"] * 5, 0.8).join()
    assert set(local.answered) == {"nas.lan", "printer.lan"} and not local.failed
    assert max(local.answered.values()) < 1.0
    assert not lost.join().answered


def test_a_device_that_floods_takes_its_share_only(tmp_path: Path, running: list[Process | Server]) -> None:
    wan = Server(lambda name, at: None if name.startswith("flood") else 0.05)
    ours = agent(tmp_path, [wan.port])
    running += [ours, wan]
    await_port(ours)
    flood = Client(ours.port, names("flood", 1500), 0.004)
    good = Client(ours.port, names("good", 60), 0.08).join()
    assert len(good.answered) == 60, good.failed
    assert not flood.join().answered
