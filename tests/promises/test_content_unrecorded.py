"""What a category or a service blocks leaves no trace: no row, no counter, no event, no byte, for whatever is on."""

import json
import random
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.client import ControlClient
from agent.core.features import FEATURES
from agent.jobs.compile import Source, compile_lists
from tests.promises.running import TABLET, Running, query

ADULT, SERVICE, PHISHING, PLAIN = "zq-adult", "zq-app", "zq-phish", "zq-plain"
ROUNDS = 60
VERSIONS = {name: of.version for name, of in FEATURES.items()}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    data, run = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    run.mkdir(mode=0o700)
    sources = []
    for id, category, name in (("pornlist", "adult", ADULT), ("phish", "phishing", PHISHING)):
        (tmp_path / id).write_text(name + ".example\n")
        sources.append(Source(str(tmp_path / id), id, id, "v1", category, "domains"))
    compile_lists(sources, str(run / "rules.bin"))
    services = [{"id": "app", "title": "App", "group": "social", "names": [SERVICE + ".example"]}]
    (data / "services.json").write_text(json.dumps({"format": 1, "services": services}))
    (data / "helplines.txt").write_text("help.example  # crisis; DE; A helpline; example.org\n")
    made = Running(tmp_path, data_dir=str(data), ruleset_file=str(run / "rules.bin"))
    yield made
    made.stop()


def ask(port: int, name: str, number: int) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        device.bind((TABLET, 0))
        device.settimeout(10)
        device.sendto(query(name, number), ("127.0.0.1", port))
        return device.recv(2048)


def counted(client: ControlClient) -> dict[str, Any]:
    """All that is counted of what was blocked."""
    told = {op: numbers(client.call(op), op) for op in ("status", "today", "blocked.counts")}
    wanted = ("refused", "block", "attempt")
    found: dict[str, Any] = {
        key: value for of in told.values() for key, value in of.items() if any(word in key for word in wanted)
    }
    return {**found, "rows": client.call("blocked", all=True)["items"]}


def numbers(value: object, path: str) -> dict[str, object]:
    """Every number in a reply, by where it is."""
    if isinstance(value, dict):
        return {at: of for key, one in value.items() for at, of in numbers(one, f"{path}.{key}").items()}
    if isinstance(value, list):
        return {at: of for key, one in enumerate(value) for at, of in numbers(one, f"{path}.{key}").items()}
    return {path: value} if isinstance(value, int) else {}


def bytes_of(folder: Path, words: list[str]) -> list[tuple[str, str]]:
    found = []
    for of in folder.rglob("*"):
        if of.is_file() and of.name not in ("rules.bin", "services.json", "pornlist", "phish"):
            content = of.read_bytes()
            found += [(str(of), word) for word in words if word.encode() in content]
    return found


def test_no_trace(running: Running, tmp_path: Path) -> None:
    with closing(running.client()) as client:
        attack(running, client)
    assert bytes_of(tmp_path, [ADULT]) == []


def attack(running: Running, client: ControlClient) -> None:
    client.call("person.add", name="Mia", group="child")
    client.call("device.add", label="tablet", address=TABLET, person_id=1)
    for feature in ("limits", "protection", "history"):
        client.call("on", device_id=1, feature=feature, agree=VERSIONS[feature])
    client.call("content.set", person_id=1, categories=["adult"], services=[{"id": "app", "mode": "block"}])
    ask(running.port, f"x.{PHISHING}.example", 1)
    ask(running.port, f"x.{PLAIN}.example", 2)
    client.call("blocked", all=True)
    before = counted(client)
    assert len(before["rows"]) == 1 and len(before) > 2, "the trap of this test: protection records"
    rng = random.Random(5)
    secrets = []
    for number in range(ROUNDS):
        word = f"zq{rng.randrange(1 << 40):x}"
        secrets.append(word)
        answer = ask(running.port, f"{word}.{rng.choice((ADULT, SERVICE))}.example", number)
        assert answer[-4:] == bytes(4) or b"\0\0\0\0" in answer, "not blocked"
        ask(running.port, f"{ADULT}.example", number)  # one that is asked for again and again
        if number % 20 == 19:
            client.call("off", device_id=1, feature="protection")
            client.call("on", device_id=1, feature="protection", agree=VERSIONS["protection"])
    assert counted(client) == before
    shown = json.dumps(
        [
            client.call(op, **of)
            for op, of in (
                ("blocked", {"all": True}),
                ("history", {"all": True, "show": "all"}),
                ("recipients", {}),
                ("activity", {}),
                ("export", {"all": True}),
                ("status", {}),
                ("today", {}),
                ("lists", {}),
                ("content.get", {"person_id": 1}),
            )
        ]
    )
    assert [word for word in [*secrets, ADULT, SERVICE] if word in shown] == []
    assert bytes_of(running.folder, [*secrets, ADULT]) == []
    client.call("off", device_id=1, feature="limits")
    assert b"\0\0\0\0" not in ask(running.port, f"y.{ADULT}.example", 3)[-4:], "limits are off, and it blocks"
