"""P1, off is off: random interleavings of observe, toggle, flush, crash, restart and clock jump against a simple model.

Every observation is a host name of its own. The model knows whether history was on, by acknowledgement, when it was
made; what the databases hold afterwards must be a subset of what was made while on, and the audit must agree.
"""

import contextlib
import os
import random
import shutil
import sqlite3
import tempfile
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.daemon import clock as clock_module
from tests.promises.household import Crash, Home, observe

ADDRESSES = ("127.0.0.2", "127.0.0.3")
STEPS = (
    "on.ledger", "on.epoch", "on.gate", "on.kernel", "on.acknowledge",
    "off.gate", "off.records", "off.ledger", "off.kernel", "off.acknowledge",
)  # fmt: skip

ACTIONS = st.one_of(
    st.tuples(st.just("observe"), st.integers(0, 1)),
    st.tuples(st.just("on"), st.integers(0, 1)),
    st.tuples(st.just("off"), st.integers(0, 1)),
    st.tuples(st.just("off_on"), st.integers(0, 1)),
    st.tuples(st.just("flush"), st.just(0)),
    st.tuples(st.just("crash"), st.just(0)),
    st.tuples(st.just("power_cut"), st.just(0)),
    st.tuples(st.just("jump"), st.sampled_from((-(10**7), 10**7))),
    st.tuples(st.just("crash_in_on"), st.integers(0, 9)),
    st.tuples(st.just("crash_in_off"), st.integers(0, 9)),
    st.tuples(st.just("late"), st.integers(0, 1)),
)


class Model:
    """Per device "on", "off" or "unknown" (a toggle was not acknowledged), and which hosts may be kept."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.home.start()
        self.ids = [home.ask("device.add", label=f"device {a}", address=a)["id"] for a in ADDRESSES]
        self.state = ["off", "off"]
        self.may_be_kept: set[str] = set()
        self.count = 0
        self.held: list = [None, None]

    def host(self) -> bytes:
        self.count += 1
        return b"h%d.site%d.example" % (self.count, self.count)

    def observe(self, n: int) -> None:
        host = self.host()
        if self.state[n] != "off":
            self.may_be_kept.add(host.decode())
        observe(self.home.household, ADDRESSES[n], host)

    def hold(self, n: int) -> None:
        """A query that was read now and is recorded later, as one whose upstream is slow."""
        self.held[n] = self.home.household.clients.identify(None, ADDRESSES[n])

    def late(self, n: int) -> None:
        """The answer of the held query comes: it may be recorded only if nothing was switched since."""
        client = self.held[n]
        if client is not None:
            self.home.household.recorder.allowed(client.slot, client.generation, self.host(), "dns", 1)

    def toggle(self, op: str, n: int) -> None:
        wanted = "on" if op == "on" else "off"
        if self.state[n] == wanted == "on":
            return
        self.state[n] = "unknown"
        self.hold(n)
        arguments = {"agree": 1} if op == "on" else {}
        from agent.core.model import BadInput

        try:
            self.home.ask(op, device_id=self.ids[n], feature="history", **arguments)
        except BadInput:
            assert op == "on"  # it was on already, by a toggle that crashed after its ledger row
        self.state[n] = wanted
        if wanted == "on":
            self.held[n] = None

    def restart(self, crash) -> None:
        crash()
        self.held = [None, None]
        household = self.home.start()
        for n in (0, 1):
            device = household.state.device(self.ids[n])
            on = household.toggles.is_on(device, "history")
            assert not (self.state[n] == "off" and on), "switched on by a crash"
            self.state[n] = "on" if on else "off"

    def crash_in(self, op: str, step: int) -> None:
        names = [name for name in STEPS if name.startswith(op + ".")]
        self.home.crash_at = names[step % len(names)]
        try:
            self.toggle(op, step % 2)
        except Crash:
            self.restart(self.home.crash)
        self.home.crash_at = None

    def play(self, action: str, n: int) -> None:
        if action == "observe":
            self.observe(n)
        elif action in ("on", "off"):
            self.toggle(action, n)
        elif action == "off_on":
            self.toggle("off", n)
            self.toggle("on", n)
        elif action == "flush":
            self.home.household.recorder.flush()
        elif action == "crash":
            self.restart(self.home.crash)
        elif action == "power_cut":
            self.restart(self.home.power_cut)
        elif action == "late":
            self.late(n)
        elif action.startswith("crash_in_"):
            self.crash_in(action[9:], n)

    def check(self) -> None:
        self.home.household.recorder.flush()
        with contextlib.closing(sqlite3.connect(os.path.join(self.home.run_dir, "history.db"))) as sql:
            kept = {row[0] for row in sql.execute("SELECT hosts FROM visits")}
        assert kept <= self.may_be_kept, kept - self.may_be_kept
        proof = self.home.ask("audit")
        assert proof["ok"], proof["findings"]


@settings(max_examples=int(os.environ.get("P1_EXAMPLES", "60")), deadline=None,
          suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])  # fmt: skip
@given(st.lists(ACTIONS, min_size=5, max_size=40))
def test_nothing_outside_consent_is_kept(monkeypatch: pytest.MonkeyPatch, actions: list) -> None:
    jump = [0]
    monkeypatch.setattr(clock_module.Clock, "wall", lambda self: int(time.time()) + jump[0])
    folder = tempfile.mkdtemp(prefix="p1-")
    try:
        model = Model(Home(folder))
        for action, n in actions:
            if action == "jump":
                jump[0] += n
            else:
                model.play(action, n)
        model.check()
        model.home.crash()
    finally:
        shutil.rmtree(folder)


def test_the_model_would_notice() -> None:
    """The attack itself is tested: a row smuggled in outside consent fails the check."""
    folder = tempfile.mkdtemp(prefix="p1-")
    try:
        model = Model(Home(folder))
        model.toggle("on", 0)
        model.observe(0)
        model.home.household.recorder.flush()
        model.toggle("off", 0)
        with pytest.raises(sqlite3.IntegrityError, match="outside consent"):
            model.home.household.records.db.sql.execute("UPDATE visits SET hits = hits + 1")
        sql = model.home.household.records.db.sql
        sql.execute("DROP TRIGGER visits_stay_in_consent")
        sql.execute("UPDATE visits SET batch = batch + 1000")
        proof = model.home.ask("audit")
        assert not proof["ok"] and any("outside consent" in finding for finding in proof["findings"]), proof
        model.home.crash()
    finally:
        shutil.rmtree(folder)


def test_random_long_run() -> None:
    """One long life of a household: some hundred random actions with a fixed seed."""
    folder = tempfile.mkdtemp(prefix="p1-")
    rng = random.Random(7)
    try:
        model = Model(Home(folder))
        names = ("observe", "observe", "observe", "on", "off", "off_on", "flush", "crash", "power_cut", "crash_in_on",
                 "crash_in_off", "late")  # fmt: skip
        for _ in range(400):
            name = rng.choice(names)
            model.play(name, rng.randrange(10) if name.startswith("crash_in") else rng.randrange(2))
        model.check()
        assert model.may_be_kept
        model.home.crash()
    finally:
        shutil.rmtree(folder)
