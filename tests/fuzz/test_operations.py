"""Every operation of the control socket, asked with anything: a reply or a refusal, never an exception.

PRIVACY_AGENT_FUZZ_INPUTS=1000000 asks for more.
"""

import contextlib
import json
import os
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.control.operations import CLI, OPERATIONS
from agent.core import age, bech32
from agent.core.features import NOTICE_VERSION
from agent.daemon.control import ControlServer
from agent.daemon.household import Household
from agent.daemon.loop import Loop
from agent.daemon.operations import TABLE
from tests.fuzz import nasty
from tests.promises.household import Home, observe

INPUTS = int(os.environ.get("PRIVACY_AGENT_FUZZ_INPUTS", "40000"))
SECONDS_MAX = 60.0  # on a busy machine fewer inputs have to do
STEPS_MAX = 20_000
FRESH = 500  # requests after which the household gets its people and devices again
ROLE = {name: OPERATIONS[name].roles[0] for name in OPERATIONS}
# What is asked seldom, for it takes long.
SLOW = {"audit": 20, "backup": 5, "export": 5, "restore": 3, "overview": 5, "history_copy.seal": 3}

# What somebody may well ask; of it one or two values are exchanged. Those that need nothing are not here.
WHO = {"device_id": 1}
PAGE = {"limit": 10, "after": "0"}
SWITCH = {**WHO, "feature": "history", "agree": 1, "erase": False, "actor": "web:1"}
ME = {"address": "127.0.0.3", "feature": "history", "agree": 1, "erase": True}
RECIPIENT = bech32.encode(age.RECIPIENT, bytes(range(32)))
STORED_AT = {"address": "https://x.example/", "recipient": RECIPIENT, "user": "a", "password": "b"}
OPERATOR = {"name": "x", "contact": "x@example.org", "country": "AT", "purpose": "x", "retention": "30 days",
            "address": "https://reports.example/", "key": "05" * 32}  # fmt: skip
LATEST = 2**37  # seconds: within the year 9999
RULE = {"name": "example.com", "scope": "device", **WHO, "seconds": 3600, "actor": "cli", "sure": True}
ROW = {"kind": "person", "row": [9, "Ben", "child", "2012-05"]}
WINDOW = {"kind": "bedtime", "days": "mon,tue", "begin": "20:30", "end": "07:00", "label": "x"}
GOOD: dict[str, dict[str, Any]] = {
    "device.add": {"label": "y", "mac": "3c:22:fb:00:00:0a", "address": "127.0.0.9", "person_id": 1, "shared": False},
    "device.edit": {"id": 1, "label": "z", "person_id": 1}, "device.remove": WHO,
    "device.known": {"mac": "3c:22:fb:00:00:0a"},
    "person.add": {"name": "Ben", "group": "teen", "birth_month": "2012-05"},
    "person.edit": {"id": 1, "name": "Ben", "group": "adult", "birth_month": "2001-05"}, "person.remove": {"id": 1},
    "on": SWITCH, "off": SWITCH, "resume": SWITCH, "delete": {**SWITCH, "from": 0, "to": LATEST, "preview": False},
    "history": {**WHO, "limit": 10, "from": 0, "to": LATEST, "search": "example", "show": "all", "cause": 1},
    "history.days": {**WHO, "tz_offset": 3600}, "blocked": {**WHO, **PAGE}, "today": {"since": 0},
    "week": {**WHO, "person_id": 1, "ago": 1},
    "blocked.counts": {"days": 7, "tz_offset": 0}, "activity": PAGE, "audit": {"head": "0" * 64},
    "visit.mark_wrong": {"id": 1, "undo": False}, "visit.background": {"id": 1, "background": True},
    "visit.delete": {"id": 1},
    "allow": RULE, "block": RULE, "rule.remove": {"id": 1}, "rule.list": PAGE, "rule.export": PAGE,
    "rule.import": {"lines": ["example.com", "# x", "a.example"], "action": "block", "preview": False},
    "explain": {"name": "www.example.com", **WHO},
    "block.report": {"name": "www.example.com", **WHO, "with_day": True, "note": "x"},
    "export": {**WHO, **PAGE}, "backup": {"history": True, **PAGE}, "restore": {"part": "first", "rows": [ROW]},
    "lists.choose": {"id": "starter", "on": True}, "lists.decide": {"id": "starter", "decision": "accept"},
    "request.add": {"address": "127.0.0.2", **WHO, "kind": "exception", "text": "why", "target": "example.com"},
    "request.list": {"state": "open", **PAGE}, "request.reply": {"id": 1, "answer": "no"},
    "me": ME, "me.agree": ME, "me.off": ME, "me.confirm": ME, "request.unblock": {"address": "127.0.0.2", "word": "x"},
    "statistics.show": {"id": 1}, "report.body": {"id": 1}, "report.sealed": {"id": 1, "body": "00" * 2048},
    "report.outcome": {"id": 1, "outcome": "done", "message": ""},
    "statistics.opt_in": {"agree": 2, "terms": "x"},
    "statistics.operator_set": {"operator": OPERATOR},
    "history_copy.seal": {"passphrase": "x" * 12}, "history_copy.unlock": {"passphrase": "x" * 12},
    "week_file.turn_on": {"target": STORED_AT, "agree": 2},
    "report.file_sealed": {"id": 1, "body": "AA=="}, "report.file_body": {"id": 1}, "report.file_text": {"id": 1},
    "report.file_outcome": {"id": 1, "outcome": "done", "message": "", "pause_s": 0}, "week_file.list": PAGE,
    "feeds.progress": {"step": "fetch", "done": 1, "total": 3, "list_id": "starter"},
    "feeds.outcome": {"items": [{"id": "starter", "state": "ready", "checked": 1}], "offered": False, "message": ""},
    "limits.set": {**WHO, "windows": [WINDOW], "dates": [{"first": "2026-12-21", "last": "2027-01-06"}]},
    "me.limits": {"address": "127.0.0.3", "windows": [WINDOW], "agree": 2, "actor": "me:2", "proof": "0" * 32},
    "me.week_file": {"address": "127.0.0.3"}, "me.week_file_leave": {"address": "127.0.0.3"},
    "me.week_file_join": {"address": "127.0.0.3", "terms": "0" * 16, "agree": 2, "proof": "0" * 32},
    "me.bonus": {"address": "127.0.0.2"}, "limits.get": WHO, "lists.remove": {"id": "starter"},
    "me.code": {"address": "127.0.0.2", "code": "12345678", "grant": 900}, "me.prove": {**ME, "pin": "4711"},
    "hold.add": {**WHO, "seconds": 900, "address": "127.0.0.9"},
    "hold.end": {**WHO, "id": 1, "seconds": 60}, "exception.add": {**WHO, "kind": "later", "seconds": 900},
    "allowance.set": {"person_id": 1, "minutes": [60] * 7}, "usage.days": {**WHO, "days": 7},
    "allowance.give": {"person_id": 1, "minutes": 15, "text": "reading", "bank": True},
    "content.set": {
        "person_id": 1, "categories": ["adult"], "search": "on", "youtube": "moderate", "always": ["moodle.example"],
        "services": [{"id": "tiktok", "mode": "block"}], "lists": {"starter": "off"},
    },
    "lists.add": {"url": "https://lists.example/x.txt", "name": "x", "category": "adult", "syntax": "hosts"},
    "settings.set": {"key": "history_days", "value": 7}, "notice.read": {"version": NOTICE_VERSION},
    "setup.check": {"code": "x"},
    "web.put": {"key": "account", "value": {"a": [1]}}, "web.get": {"key": "account"}, "web.prove": {"password": "x"},
}  # fmt: skip


class Watched(dict[str, Any]):
    """A request that notes what was looked for in it."""

    wanted: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.wanted.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.wanted.add(str(key))
        return super().__contains__(key)

    def __getitem__(self, key: str) -> Any:
        self.wanted.add(key)
        return super().__getitem__(key)


@pytest.fixture
def household(tmp_path: Path) -> Iterator[Household]:
    home = Home(str(tmp_path))
    made = home.start()
    made.state.db.sql.execute("PRAGMA synchronous=OFF")
    furnish(made)
    yield made
    home.crash()


def furnish(household: Household) -> None:
    """A child and an adult with a device each; the child's has everything on."""

    def ask(op: str, **arguments: object) -> Any:
        result: Any = TABLE[op](household, arguments)
        return result if isinstance(result, dict) else drive(result)

    for device in household.state.devices():
        ask("device.remove", id=device.id)
    for person in household.state.persons():
        ask("person.remove", id=person.id)
    for name, group, address in (("Mia", "child", "127.0.0.2"), ("Anna", "adult", "127.0.0.3")):
        person_id = ask("person.add", name=name, group=group)["id"]
        device_id = ask("device.add", label=name, address=address, person_id=person_id)["id"]
        for feature in ("history", "protection"):
            ask("on", device_id=device_id, feature=feature, agree=1)
        for host in (b"www.example.com", b"cdn.example", b"\\255.example"):
            observe(household, address, host)
    household.flush()


def drive(steps: Any) -> Any:
    for _ in range(STEPS_MAX):
        try:
            next(steps)
        except StopIteration as end:
            return end.value
    raise AssertionError("it does not end")


def answer(control: ControlServer, name: str, request: dict[str, Any]) -> dict[str, object]:
    result: Any = control.perform(request, ROLE[name])
    made: dict[str, object] = result if isinstance(result, dict) else drive(result)
    return made


def exchanged(value: Any, chance: random.Random) -> Any:
    """Another value, or the same with another inside."""
    if isinstance(value, list) and value and chance.random() < 0.8:
        at = chance.randrange(len(value))
        return [*value[:at], exchanged(value[at], chance), *value[at + 1 :]]
    if isinstance(value, dict) and value and chance.random() < 0.8:
        key = chance.choice(sorted(value))
        return {**value, key: exchanged(value[key], chance)}
    if isinstance(value, str) and chance.random() < 0.3:
        return value[: chance.randrange(len(value) + 1)] + nasty.text(chance)
    return nasty.value(chance)


def test_every_operation_takes_anything(household: Household, tmp_path: Path) -> None:
    chance = random.Random(20261201)
    loop = Loop()
    control = ControlServer(loop, household, str(tmp_path / "sock"))
    names = {name: {"id", "device_id", "feature"} for name in OPERATIONS}
    order = [name for name in sorted(OPERATIONS) for _ in range(1 if name in SLOW else 20)]
    ids = [1]
    asked, end = 0, time.monotonic() + SECONDS_MAX
    while asked < INPUTS and time.monotonic() < end:
        if asked % FRESH == 0:
            furnish(household)
            ids = (
                [device.id for device in household.state.devices()]
                + [p.id for p in household.state.persons()]
                + [1, 2, 3]
            )
        name = chance.choice(order)
        known = sorted(names[name] - {"op"})
        good = GOOD.get(name, {}) if chance.random() < 0.8 else {}
        request = Watched({"op": name, "tag": asked, **good})
        for key in ("id", "device_id", "person_id"):
            if key in good:
                request[key] = chance.choice(ids)
        for key in chance.sample(
            known, min(len(known), chance.choice((0, 1, 1, 2, 3)) if good else chance.randrange(9))
        ):
            if chance.random() < 0.2:
                request.pop(key, None)
            else:
                request[key] = exchanged(request.get(key), chance)
        Watched.wanted = names[name]
        try:
            reply = answer(control, name, request)
            json.dumps(reply).encode()
        except Exception as error:
            raise AssertionError(f"{name} with {dict(request)!r:.2000}") from error
        assert ("ok" in reply) != ("error" in reply), reply
        asked += 1
    assert asked >= min(INPUTS, 10_000)
    control.close()


def test_every_line_is_answered(household: Household, tmp_path: Path) -> None:
    """As it comes in by the socket: bytes that are no JSON, or JSON that Python reads and others do not."""
    chance = random.Random(20261202)
    loop = Loop()
    control = ControlServer(loop, household, str(tmp_path / "sock"))
    ours, theirs = socket.socketpair()
    control.adopt(theirs, lambda: None, CLI)
    ours.setblocking(False)
    seeds = [
        b'{"op":"status","tag":1}', b'{"op":"history","device_id":1,"after":"1","tag":[1,{"a":null}]}', b"", b"[]",
        *[b'{"op":"web.put","key":"a","tag":' + b"[" * deep + b"]" * deep + b"}" for deep in range(900, 1000)],
        b"1e400",
        b'{"op":"status","op":"notice"}', b'{"op":' + b"[" * 5000, b"[" * 60000, b'{"a":' * 5000,
        b'{"op":"on","agree":NaN}',
        b'{"op":"\\ud800"}', b'{"op":"status","tag":"\\udfff\\u0000"}', b'{"op":"status","tag":' + b"9" * 5000 + b"}",
        b'{"op":"person.add","name":"\\ud800","group":"child"}', b'\xef\xbb\xbf{"op":"status"}', b"\xff\xfe",
        b'{"op":"activity","after":"\xc2\xb2"}', b'{"op":"activity","limit":1e400}',
        b'{"op":"activity","limit":-Infinity}',
    ]  # fmt: skip
    sent = INPUTS // 5
    left = sent
    end = time.monotonic() + SECONDS_MAX
    while left and time.monotonic() < end:
        lines = []
        for _ in range(min(20, left)):
            seed = chance.choice(seeds)
            line = seed if chance.random() < 0.1 else nasty.mutated(seed, chance)
            lines.append(line.replace(b"\n", b"")[:60000] + b"\n")
        left -= len(lines)
        waiting, got = b"".join(lines), b""
        while got.count(b"\n") < len(lines):
            with contextlib.suppress(BlockingIOError):
                waiting = waiting[ours.send(waiting) :] if waiting else b""
            loop.after(0, loop.stop)
            loop.run()
            with contextlib.suppress(BlockingIOError):
                got += ours.recv(1 << 20)
            assert time.monotonic() < end + 30, lines
    assert sent - left >= min(sent, 2000)
    ours.close()
    control.close()
