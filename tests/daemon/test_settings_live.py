"""Each setting that a running daemon takes: changed by household and file; its effect is seen from outside."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.client import ControlClient
from agent.core import settings as settings_table
from tests.ports import free_port
from tests.test_cli import LISTED, TABLET, Home, spawn


class Live(Home):
    """A daemon that reads a settings file."""

    def start(self) -> None:
        self.file = self.folder / "settings.json"
        self.values: dict[str, object] = {}
        upstream = free_port()
        self.processes.append(spawn("tools/responder.py", "127.0.0.1", str(upstream)))
        self.values = {
            "identity": "address",
            "state_dir": str(self.folder / "state"),
            "run_dir": str(self.folder / "run"),
            "data_dir": str(Path(__file__).resolve().parents[2] / "blocklists"),
            "dns_listen": [f"127.0.0.1:{self.port}"],
            "upstream": [f"127.0.0.1:{upstream}"],
            "web_listen": [],
            "lists_auto": False,
        }
        self.write()
        self.processes.append(spawn("-m", "agent", "--settings", str(self.file), "run"))
        self._wait()
        subprocess.run(
            [
                "python3",
                "-m",
                "agent",
                "--socket",
                self.socket,
                "lists",
                "compile",
                "--output",
                f"{self.folder}/run/rules.bin",
            ],
            cwd=Path(__file__).resolve().parents[2],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        self.client = ControlClient(self.socket)
        self.client.call("lists.reload")
        device = self.client.call("device.add", label="Tablet", address=TABLET)["id"]
        for feature in ("history", "protection"):
            self.client.call("on", device_id=device, feature=feature, agree=1)

    def write(self, **changes: object) -> None:
        self.values.update(changes)
        self.file.write_text(json.dumps(self.values))

    def reload(self, **changes: object) -> None:
        """As `kill -HUP` of the guard, which hands it on."""
        self.write(**changes)
        self.processes[-1].send_signal(signal.SIGHUP)

    def set(self, key: str, value: object) -> None:
        self.client.call("settings.set", key=key, value=value)

    def ttl(self, name: str) -> int:
        (line,) = [line for line in self.ask(name).splitlines() if line.startswith(name + ".") and "IN" in line.split()]
        return int(line.split()[1])


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    made = Live(tmp_path_factory.mktemp("live"))
    try:
        made.start()
        yield made
    finally:
        made.client.close()
        made.close()


def soon(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def copy_is_there(live: Live) -> bool:
    return (live.folder / "state" / "history.db").exists()


def days(live: Live, feature: str) -> object:
    items = live.client.call("features")["items"]
    assert isinstance(items, list)
    return next(row["days"] for row in items if row["name"] == feature)


# setting → (value, what is seen then), then the value to go back to
CHANGES: dict[str, tuple[object, Callable[[Live], object], object]] = {
    "blocked_answer": ("nxdomain", lambda live: "NXDOMAIN" in live.ask(LISTED), "null"),
    "blocked_ttl": (77, lambda live: live.ttl(LISTED) > 60, 10),
    "refuse_encrypted_dns": (False, lambda live: "EDE: 15" not in live.ask("dns.google"), True),
    "canary_names": (False, lambda live: "NXDOMAIN" not in live.ask("use-application-dns.net"), True),
    "lookalike": ("refuse", lambda live: "EDE: 15" in live.ask("paypa1.com"), "off"),
    "history_days": (3, lambda live: days(live, "history") == 3, 7),
    "usage_days": (3, lambda live: days(live, "usage") == 3, 14),
    "attempts_days": (3, lambda live: days(live, "protection") == 3, 30),
    "lists_auto": (True, lambda live: live.client.call("lists")["auto"] is True, False),
    "keep_history": (True, copy_is_there, False),
}
# Seen elsewhere: by rules of the kernel in the lab, by timers and tables whose effect takes hours or thousands of rows,
# by servers that a test of its own has.
ELSEWHERE = {
    "hold_page",
    "calls_through",
    "allowance_resets",
    "new_devices",
    "notice_url",
    "readers",
    "refuse_quic",
    "snapshot_hours",
    "lists_hours",
    "keep_lists",
    "history_rows",
    "attempts_rows",
}
SERVERS = {"upstream", "resolver_file", "rebind_protection"}


def test_every_live_setting_is_looked_at() -> None:
    live = {row.name for row in settings_table.TABLE if settings_table.is_live(row.name)}
    assert live == CHANGES.keys() | ELSEWHERE | SERVERS
    assert all(settings_table.is_live(row.name) for row in settings_table.TABLE if row.household)


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_acknowledged_is_in_force(live: Live, name: str) -> None:
    value, seen, before = CHANGES[name]
    assert not seen(live)
    live.set(name, value)
    soon(lambda: seen(live), name)
    live.set(name, before)
    soon(lambda: not seen(live), name)


@pytest.mark.parametrize("name", ["blocked_answer", "refuse_encrypted_dns"])
def test_the_file_does_the_same(tmp_path: Path, name: str) -> None:
    live = Live(tmp_path)
    try:
        live.start()
        value, seen, before = CHANGES[name]
        live.reload(**{name: value})
        soon(lambda: seen(live), name)
        live.reload(**{name: before, "upstream": ["127.0.0.1:9"]})
        soon(lambda: not seen(live), name)
        soon(lambda: "SERVFAIL" in live.ask(f"new{time.monotonic_ns()}.example"), "another upstream")
    finally:
        live.client.close()
        live.close()


def test_keep_history_off_in_the_file_takes_the_copy_from_flash(tmp_path: Path) -> None:
    live = Live(tmp_path)
    try:
        live.start()
        live.reload(keep_history=True)
        soon(lambda: copy_is_there(live), "the first copy")
        live.reload(keep_history=False)
        soon(lambda: not copy_is_there(live), "its removal")
    finally:
        live.client.close()
        live.close()


def test_what_needs_a_restart_is_not_said_to_be_in_force(tmp_path: Path) -> None:
    live = Live(tmp_path)
    try:
        live.start()
        live.reload(cache_entries=200, blocked_answer="nxdomain")
        soon(lambda: "NXDOMAIN" in live.ask(LISTED), "the rest is in force")
    finally:
        live.client.close()
        live.close()
