"""A household that may send reports, without sockets: its operator's keys, its clock, and the report job's part."""

import os
from typing import Any

from agent.core import envelope, seal, summary
from agent.core.summary import WEEK_S
from agent.daemon.household import Household
from agent.jobs import report as job
from tests.promises.household import Home

TOOLS = job.primitives()


class Operator:
    """A receiver's keys and particulars."""

    def __init__(self, address: str = "https://reports.example/v1", authority: str = "") -> None:
        self.secret = seal.derive_secret(TOOLS, os.urandom(32))
        self.row = {
            "name": "Example Institute",
            "contact": "privacy@example.org",
            "country": "DE",
            "purpose": "how many phishing attempts households meet",
            "retention": "two years",
            "address": address,
            "key": TOOLS.public_of(self.secret).hex(),
            "authority": authority,
        }

    def open(self, body: bytes) -> summary.DecodedReport:
        return envelope.open_envelope(TOOLS, self.secret, envelope.parse(body))


class Straight:
    """Stands in for the client of the job: the operations, without a socket."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def call(self, op: str, **arguments: object) -> dict[str, Any]:
        return self._home.ask(op, **arguments)


class Weeks:
    """The household's clock, moved by hand: `age` goes on, `wall` may jump."""

    def __init__(self, household: Household) -> None:
        self._household = household
        self._clock = household.clock
        self.add_s = getattr(household, "added_s", 0)
        self.jump_s = 0
        real_age, real_wall = self._clock.age, self._clock.wall
        self._clock.age = lambda: real_age() + self.add_s  # type: ignore[method-assign]
        self._clock.wall = lambda: real_wall() + self.add_s + self.jump_s  # type: ignore[method-assign]

    def on(self, seconds: int) -> None:
        self.add_s += seconds

    def to_send(self) -> None:
        """On to the moment when the next sealed report goes."""
        send_age = self._household.reports.outbox.send_age()
        assert send_age is not None
        self.on(max(send_age - self._clock.age(), 0))


def configured(home: Home, operator: Operator) -> None:
    home.ask("statistics.operator_set", operator=operator.row)


def opt_in(home: Home) -> dict[str, Any]:
    now = home.ask("statistics.status")
    return home.ask("statistics.opt_in", agree=now["notice"], terms=now["terms"])


def seal_all(home: Home) -> None:
    """The sealing half of the job."""
    work = home.ask("report.work")
    for row in work["seal"]:
        body = job.sealed(TOOLS, bytes.fromhex(work["operator"]["key"]), row)
        home.ask("report.sealed", id=row["id"], body=body)


__all__ = ["WEEK_S", "Operator", "Straight", "Weeks", "configured", "opt_in", "seal_all"]
