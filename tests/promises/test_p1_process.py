"""P1, off is off, with a real process under load: toggles and kill -9 at random instants and at each named step."""

import contextlib
import os
import random
import sqlite3
import time
from pathlib import Path

import pytest

from agent.client import ControlError, Unreachable
from tests.promises.running import TABLET, Load, Running
from tests.promises.test_p1_model import STEPS

ROUNDS = int(os.environ.get("P1_ROUNDS", "200"))


class Attack:
    """Toggles one device while the load runs; knows what was acknowledged."""

    def __init__(self, running: Running, rng: random.Random) -> None:
        self.running = running
        self.rng = rng
        self.client = running.client()
        self.client.call("device.add", label="tablet", address=TABLET)
        self.load = Load(running.port, rng)
        self.load.start()

    def on(self) -> None:
        self.load.promised_off = False
        self._call("on", agree=1)

    def off(self) -> None:
        self._call("off")
        self.load.promised_off = True

    def _call(self, op: str, **arguments: object) -> None:
        """Until it is acknowledged: a daemon that dies in between is asked again when it is back."""
        while True:
            try:
                self.client.call(op, device_id=1, feature="history", **arguments)
                return
            except ControlError:
                return  # on already, by the ledger row of a call that was not acknowledged
            except (Unreachable, OSError):
                self.reconnect()

    def reconnect(self) -> None:
        self.client.close()
        self.client = self.running.client()

    def end(self) -> None:
        self.load.stopping = True
        self.load.join(5)
        self.client.close()

    def pause(self) -> None:
        time.sleep(self.rng.choice((0.0, 0.0, 0.002, 0.01, 0.03)))

    def round(self, number: int) -> None:
        if number % 4 == 1:
            self.running.crash.write_text(STEPS[(number // 4) % len(STEPS)])
        self.on()
        self.pause()
        if number % 5 == 2:
            self.running.kill_daemon()
            self.pause()
        self.off()
        if number % 3:
            self.pause()


def kept(running: Running) -> set[str]:
    with contextlib.closing(sqlite3.connect(running.run_dir / "history.db")) as sql:
        return {host for row in sql.execute("SELECT hosts FROM visits") for host in row[0].split()}


@pytest.mark.parametrize("seed", [1])
def test_toggles_and_kills_under_load(tmp_path: Path, seed: int) -> None:
    running = Running(tmp_path)
    try:
        attack = Attack(running, random.Random(seed))
        for number in range(ROUNDS):
            attack.round(number)
        time.sleep(0.5)
        proof = attack.client.call("audit")
        attack.end()
        assert proof["ok"], proof["findings"]
        outside = kept(running) & attack.load.sent_while_off
        assert outside == set(), f"{len(outside)} of {len(attack.load.sent_while_off)} recorded after off"
        assert attack.load.sent_while_off and kept(running), "the attack itself did not bite"
        assert not Path(running.crash).exists(), "a failure point was never reached"
    finally:
        running.stop()


def test_off_survives_a_kill_right_after_the_acknowledgement(tmp_path: Path) -> None:
    running = Running(tmp_path)
    try:
        attack = Attack(running, random.Random(3))
        for _ in range(10):
            attack.on()
            attack.pause()
            attack.off()
            running.kill_daemon()
            attack.reconnect()
            row = attack.client.call("device.list")["items"][0]
            assert not row["features"]["history"]["on"]
        attack.end()
        assert kept(running) & attack.load.sent_while_off == set()
    finally:
        running.stop()
