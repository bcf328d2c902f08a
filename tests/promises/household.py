"""A household without its sockets, for tests: the real gate, recorder and databases in a folder, and crashes."""

import json
import os
from typing import Any

from agent.core import settings as settings_table
from agent.daemon import bootstrap
from agent.daemon.edges import Edges
from agent.daemon.household import Household
from tests.control.shapes import wrong


class Crash(BaseException):
    """The process ends here, as by kill -9: nothing after this line runs, nothing is closed in order."""


class HomeEdges(Edges):
    """What a household hears from outside and says there, as a test has it."""

    def __init__(self, home: "Home") -> None:
        self._home = home
        self.events: list[dict[str, object]] = []
        self.upstream: dict[str, object] = {}
        self.job_starts = False
        self.where: dict[bytes, frozenset[str]] = {}  # each MAC's interfaces

    def step(self, name: str) -> None:
        self._home.step(name)

    def publish(self, event: dict[str, object]) -> None:
        self.events.append(event)

    def start_update(self) -> bool:
        return self.job_starts

    def upstream_state(self) -> dict[str, object]:
        return self.upstream

    def interfaces_of(self, mac: bytes) -> frozenset[str]:
        return self.where.get(mac, frozenset())


class Home:
    """One household on disk. `start` and `crash` as often as wanted; `crash_at` names the step to end at."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.state_dir = os.path.join(folder, "state")
        self.run_dir = os.path.join(folder, "run")
        self.crash_at: str | None = None
        self.household: Household | None = None
        self.edges = HomeEdges(self)

    def start(self, **overrides: object) -> Household:
        self.crash()
        values = {"state_dir": self.state_dir, "run_dir": self.run_dir, "identity": "address", **overrides}
        settings = settings_table.read(json.dumps(values))
        self.household = bootstrap.build(settings, self.edges)
        self.household.begin()
        return self.household

    def step(self, name: str) -> None:
        if name == self.crash_at:
            self.crash_at = None
            raise Crash(name)

    def watch(self) -> None:
        """Device 1, with both features on."""
        self.ask("device.add", label="tablet", address="127.0.0.2")
        for feature in ("history", "protection"):
            self.ask("on", device_id=1, feature=feature, agree=1)

    def crash(self) -> None:
        """End without a word: connections are dropped as the kernel would, uncommitted work is lost."""
        if self.household is not None:
            self.household.state.db.sql.close()
            self.household.records.db.sql.close()
            if self.household.lists.ruleset is not None:
                self.household.lists.ruleset.close()
            self.household = None

    def power_cut(self) -> None:
        """A crash that takes what is in RAM."""
        self.crash()
        for name in os.listdir(self.run_dir):
            os.unlink(os.path.join(self.run_dir, name))

    def ask(self, op: str, **arguments: object) -> dict[str, Any]:
        """One operation, driven to its end; raises what it raises. What it replies is as the table says."""
        from agent.daemon.operations import TABLE

        assert self.household is not None
        reply: Any = TABLE[op](self.household, arguments)
        while not isinstance(reply, dict):
            try:
                next(reply)
            except StopIteration as done:
                reply = done.value
        assert not wrong(op, reply)
        return reply


def observe(household: Household, address: str, host: bytes) -> None:
    """What the DNS side does for an allowed query of the device at that address."""
    client = household.clients.identify(None, address)
    if client is not None:
        household.recorder.allowed(client.slot, client.generation, host, "dns", 1)


TABLET, PHONE, LAPTOP = "127.0.0.2", "127.0.0.3", "127.0.0.4"
MIA, BEN, TOM = 1, 2, 3


def family_of_three(home: Home) -> Home:
    """Mia (child) with a tablet (1), Ben (teen) with a phone (2), Tom (adult) with a laptop (3); Mia has history on."""
    home.start()
    for name, group in (("Mia", "child"), ("Ben", "teen"), ("Tom", "adult")):
        home.ask("person.add", name=name, group=group)
    for label, address, person in (("tablet", TABLET, MIA), ("phone", PHONE, BEN), ("laptop", LAPTOP, TOM)):
        home.ask("device.add", label=label, address=address, person_id=person)
    home.ask("on", device_id=1, feature="history", agree=1)
    return home


def visit(home: Home, address: str, name: str) -> None:
    assert home.household
    observe(home.household, address, name.encode())
    home.household.flush()


def blocked(home: Home, address: str) -> None:
    """An attempt at bad.example by a device that is protected from it."""
    assert home.household
    client = home.household.clients.identify(None, address)
    assert client is not None and client.view is not None
    verdict = home.household.policy.decide(client.view, b"bad.example")
    home.household.recorder.refused(client.slot, client.generation, "bad.example", "dns", 1, verdict)
    home.household.flush()
