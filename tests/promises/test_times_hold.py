"""What turns the internet off holds at once, ends by itself, and a backup of somebody else's rules brings none that the
daemon would not have taken."""

import socket
from pathlib import Path
from typing import Any

import pytest

from agent.core.model import BadInput
from agent.core.timezone import DAY_S
from agent.daemon.hold_page_server import HoldPageServer, Stay
from agent.daemon.loop import Loop
from agent.daemon.operations.arguments import OperationRejected
from agent.daemon.operations.time_requests import ask_for_time
from agent.daemon.store.database import StorageError
from tests.daemon.limited import NIGHT, PHONE, TABLET, TV, Times, at
from tests.ports import free_port

SECOND = "3c:22:fb:00:00:09"


@pytest.fixture
def second(times: Times) -> int:
    """Mia's other device."""
    return int(times.ask("device.add", label="console", mac=SECOND, person_id=1)["id"])


# the last word counts, whoever was given free time


def test_off_for_one_device_holds_though_its_person_was_given_free_time(times: Times, second: int) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.go(at(21) - at(12))
    times.ask("exception.add", person_id=1, kind="free", seconds=3600)
    times.ask("hold.add", device_id=second, seconds=600)
    # What was given goes on for the other one, for as long.
    assert times.kernel.taken == {SECOND}
    assert times.go(3599) == {SECOND} and times.go(1) == {TABLET, SECOND}


@pytest.mark.parametrize("whom", [{"person_id": 1}, {"all": True}, {"children": True}])
def test_off_for_a_person_holds_a_device_that_was_given_free_time(times: Times, second: int, whom: Any) -> None:
    times.ask("hold.add", person_id=1, seconds=60)
    times.ask("hold.end", device_id=second, seconds=3600)
    times.ask("hold.add", seconds=600, **whom)
    assert {TABLET, SECOND} <= times.kernel.taken


def test_off_for_somebody_else_takes_nothing_back(times: Times) -> None:
    times.ask("hold.add", all=True, seconds=600)
    times.ask("exception.add", person_id=1, kind="free", seconds=300)
    times.ask("hold.add", person_id=2, seconds=60)
    assert times.kernel.taken == {PHONE, TV}


# it ends


@pytest.mark.parametrize("until", [{"morning": True}, {"until": at(18) + 400 * DAY_S}])
def test_an_hour_named_by_a_clock_that_was_ahead_comes(times: Times, until: Any) -> None:
    times.clock.ok = False
    times.clock.at += 400 * DAY_S
    times.ask("hold.add", person_id=1, **until)
    times.clock.at -= 400 * DAY_S
    times.clock.ok = True
    assert times.go(60) == {TABLET} and times.go(DAY_S) == set()


def test_earlier_is_not_for_days(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=[{**NIGHT[0], "days": "mon"}])
    with pytest.raises(BadInput):
        times.ask("exception.add", person_id=1, kind="earlier")
    assert times.kernel.taken == set()


def test_a_request_is_granted_once(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.go(at(21) - at(12))
    asked = times.ask("request.add", device_id=1, kind="time", seconds=900)
    times.ask("request.reply", id=asked["id"], grant=900)
    for grant in (900, "tonight"):
        with pytest.raises(BadInput):
            times.ask("request.reply", id=asked["id"], grant=grant)
    assert times.go(900) == {TABLET}


# odd values


@pytest.mark.parametrize("label", ["\ud800", "a\x7fb", "a\u2028b", "a\u202eb", "\u200d"])
def test_a_name_of_a_window_is_a_line_that_can_be_read(times: Times, label: str) -> None:
    with pytest.raises(BadInput):
        times.ask("limits.set", person_id=1, windows=[{**NIGHT[0], "label": label}])


def brought(times: Times, extra: list[dict[str, Any]]) -> None:
    rows = times.ask("backup", limit=200)["items"] + extra
    for start in range(0, len(rows), 200):
        times.ask("restore", part="more" if start else "first", rows=rows[start : start + 200])
    times.ask("restore", part="last", rows=[])


def rows(kind: str, count: int, *values: object) -> list[dict[str, Any]]:
    """`values` with a number for each %d."""
    made = [[value % n if isinstance(value, str) and "%" in value else value for value in values] for n in range(count)]
    return [{"kind": kind, "row": [n + 1, *row]} for n, row in enumerate(made)]


@pytest.mark.parametrize(
    "extra",
    [
        rows("window", 29, "person", 1, "bedtime", 127, 1200, 420, "", 0),
        rows("window", 29, "device", 4, "break", 1, 0, 1440, "%d", 0),
        rows("window", 1, "person", 1, "bedtime", 1, 1200, 420, "a\u202eb", 0),
        rows("holiday", 21, "person", 1, 20000, 20001),
        rows("holiday", 1, "person", 1, 20001, 20000),
        rows("holiday", 1, "person", 1, 0, 20000),
        rows("content", 600, "person", 1, "always", "a%d.example", "allow", ""),
        rows("content", 1, "person", 1, "service", "youtube", "only", "[" * 8000),
        rows("content", 1, "household", 0, "category", "adult", "block", ""),
    ],
)
def test_a_backup_with_rules_that_nobody_could_have_made_is_refused(times: Times, extra: Any) -> None:
    with pytest.raises(BadInput):
        brought(times, extra)


def test_rules_of_a_device_that_was_removed_do_not_come_back(times: Times) -> None:
    times.ask("content.set", device_id=4, always=["xylophone.example"])
    times.ask("limits.set", device_id=4, windows=NIGHT)
    saved = times.ask("backup", limit=200)["items"]
    times.ask("device.remove", device_id=4)
    times.ask("restore", part="first", rows=saved)
    times.ask("restore", part="last", rows=[])
    assert times.home.household
    path = times.home.household.state.db.path + ".restored"
    assert b"xylophone" not in Path(path).read_bytes()


def test_nothing_that_a_removed_person_asked_for_is_left(times: Times) -> None:
    asked = times.ask("request.add", device_id=1, kind="time", seconds=900, text="Xylophone lesson")
    times.ask("limits.set", person_id=1, windows=[{**NIGHT[0], "label": "Xylophone"}])
    times.ask("content.set", person_id=1, always=["Xylophone.example"])
    times.ask("request.reply", id=asked["id"], answer="no Xylophone")
    times.ask("request.add", device_id=1, kind="objection", text="but my Xylophone")
    kept = times.ask("request.add", device_id=2, kind="objection", text="Ben's own")
    times.ask("person.remove", id=1)
    files = [path for path in Path(times.home.folder).rglob("*") if path.is_file()]
    assert not [path.name for path in files if b"xylophone" in path.read_bytes().lower()]
    assert [row["id"] for row in times.ask("request.list")["items"]] == [kept["id"]]


def test_what_somebody_asked_for_is_not_shown_to_whom_the_device_goes(times: Times) -> None:
    times.ask("request.add", device_id=1, kind="objection", text="for my mother alone")
    times.ask("device.edit", device_id=1, label="old tablet")
    times.ask("device.edit", device_id=1, person_id=1)
    assert len(times.ask("request.list")["items"]) == 1
    times.ask("device.edit", device_id=1, person_id=2)
    assert times.ask("request.list")["items"] == []


def test_what_was_asked_for_is_shown_to_whoever_asked(times: Times) -> None:
    """Neither to whom a shared device goes, nor to who shares it later; nor is it granted to them."""
    assert times.home.household is not None
    times.home.household.clients.mac_of = lambda address: bytes.fromhex(TABLET.replace(":", ""))

    def shown() -> list[str]:
        return [row["text"] for row in times.ask("me", address="192.168.1.2")["requests"]]

    times.ask("device.edit", id=1, person_id=None, shared=True)
    asked = times.ask("request.add", device_id=1, kind="time", seconds=900, text="ours")
    assert shown() == ["ours"]
    times.ask("device.edit", id=1, person_id=2, shared=False)
    assert shown() == []
    times.ask("request.add", device_id=1, kind="exception", text="mine")
    assert shown() == ["mine"]
    with pytest.raises(OperationRejected, match="somebody else"):
        times.ask("request.reply", id=asked["id"], grant=900)
    times.ask("device.edit", id=1, shared=True)
    assert "mine" not in shown()
    times.ask("person.remove", id=2)
    assert "mine" not in [row["text"] for row in times.ask("request.list")["items"]]


# the page of whoever is held


class Hanging(socket.socket):
    """Of a client that resets as soon as it has read."""

    client: socket.socket

    def send(self, *data: Any) -> int:
        sent = super().send(*data)
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.client.close()
        return sent


def test_a_client_that_resets_while_it_is_answered_ends_its_own_connection_only() -> None:
    loop = Loop()
    server = HoldPageServer(loop, free_port(), lambda: True, lambda _: Stay(7, "off", "Mia", ""), lambda *_: True)
    server.open()
    assert server._listener
    client = socket.create_connection(("127.0.0.1", server._port))
    client.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
    server._accept()
    (guest,) = server._open.values()
    slow = Hanging(fileno=guest._sock.detach())
    slow.setblocking(False)
    slow.client, guest._sock = client, slow
    guest._read()
    guest._write()
    assert not server._open and slow.fileno() < 0
    server.close()


def test_a_button_with_a_full_disk_says_that_nothing_was_sent(times: Times, monkeypatch: pytest.MonkeyPatch) -> None:
    household = times.home.household
    assert household

    def full(*_: object) -> None:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(household.state.requests, "add", full)
    assert not ask_for_time(household, 1, "time")
