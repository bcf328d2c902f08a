"""P1 where the storage refuses any one call: it is said, all goes on, and memory says what the file does."""

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.core import age, bech32
from agent.core.features import NOTICE_VERSION
from tests.promises import refusing

WRITE, SYNC, UNLINK, TRUNCATE, CREATE = 1, 2, 4, 8, 16
ONE = {"device_id": 1, "feature": "history"}
TWO = {"device_id": 2, "feature": "history"}

RECIPIENT = bech32.encode(age.RECIPIENT, bytes([9, *[0] * 31]))
OWN = {"url": "https://lists.example/a.txt", "name": "A", "category": "ads", "syntax": "domains"}
FEED = "phishing-database"

FILE: dict[str, Any] = {
    "target": {"address": "https://nas.example/", "recipient": RECIPIENT, "user": "ada", "password": "x"},
    "agree": NOTICE_VERSION,
}
FILED = ("week_file.turn_on", FILE)

# Operations that change something, each with its arguments, and what is done before.
OPERATIONS: list[tuple[Any, ...]] = [
    ("on", {**TWO, "agree": 1}),
    ("off", ONE),
    ("off", {**ONE, "erase": True}),
    ("pause", {}),
    ("notice.read", {"version": 1}),
    ("device.add", {"label": "new", "address": "127.0.0.9"}),
    ("device.edit", {"id": 1, "label": "other"}),
    ("device.edit", {"id": 1, "person_id": None, "shared": True}),
    ("device.remove", {"id": 1}),
    ("person.add", {"name": "Ada", "group": "adult"}),
    ("person.edit", {"id": 1, "name": "Mara"}),
    ("person.edit", {"id": 1, "group": "teen"}),
    ("person.remove", {"id": 1}),
    ("visit.mark_wrong", {"id": 1}),
    ("visit.background", {"id": 1, "background": True}),
    ("visit.delete", {"id": 1}),
    ("delete", {"device_id": 1}),
    ("block", {"name": "other.example", "scope": "household"}),
    ("allow", {"name": "other.example", "scope": "device", "device_id": 1}),
    ("rule.remove", {"id": 1}),
    ("rule.import", {"lines": ["one.example", "two.example"], "action": "block"}),
    ("request.add", {"device_id": 1, "kind": "erasure", "text": "all of it", "address": "127.0.0.2"}),
    ("request.reply", {"id": 1, "answer": "yes"}),
    ("settings.set", {"key": "keep_history", "value": False}),
    ("settings.set", {"key": "history_days", "value": 3}),
    ("web.put", {"key": "session", "value": "x"}),
    ("lists.add", OWN),
    ("setup.code", {}),
    ("me.off", {"address": "127.0.0.2", "feature": "history", "erase": True}),
    ("resume", {}, [("pause", {})]),
    ("restore", {"part": "last", "rows": []}, [("restore", {"part": "first", "rows": []})]),
    ("lists.reload", {}),
    ("lists.rollback", {}),
    ("lists.choose", {"id": FEED, "on": True}),
    ("lists.choose", {"id": FEED, "on": False}),
    ("statistics.operator_set", {"operator": {**refusing.OPERATOR, "name": "Another Lab"}}),
    ("statistics.operator_set", {"operator": None}),
    ("statistics.opt_in", {"agree": NOTICE_VERSION, "terms": "of today"}),
    ("statistics.opt_out", {}, [("statistics.opt_in", {"agree": NOTICE_VERSION, "terms": "of today"})]),
    ("week_file.turn_on", FILE),
    ("week_file.turn_on", {**FILE, "target": {**FILE["target"], "address": "https://other.example/"}}, [FILED]),
    ("week_file.turn_off", {}, [FILED]),
    ("content.set", {"person_id": 1, "categories": ["adult"], "always": ["moodle.example"], "search": "on"}),
    ("allowance.set", {"person_id": 1, "minutes": [60] * 7}),
    ("allowance.give", {"person_id": 1, "minutes": 15, "text": "reading", "bank": True}),
    ("time.code", {}),
    ("device.known", {"all": True}),
    ("activity", {}),
    ("audit", {}),
]


@pytest.fixture(scope="module")
def preload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = refusing.library(tmp_path_factory.mktemp("refusing"))
    if made is None:
        pytest.skip("not here: a C compiler")
    return made


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """In memory, where there is some: what is tried here is refused, not slow."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def tried(op: str, arguments: dict[str, Any], kinds: int, error: int, **more: Any) -> dict[str, Any]:
    return {"op": op, "arguments": arguments, "kinds": kinds, "errno": error, "lasting": 0, "done": 0, **more}


def sound(told: dict[str, Any]) -> bool:
    answers = [told["answer"], told.get("after", "done")]
    said = all(answer == "done" or answer.startswith("StorageError: ") for answer in answers)
    return bool(said and told["goes on"] == told["again"] == "done" and told["agrees"] and told["on"] == told["gate"])


@pytest.mark.parametrize("done", [0, 1], ids=["not done", "done all the same"])
@pytest.mark.parametrize("lasting", [0, 1], ids=["once", "from then on"])
def test_a_commit_that_reports_an_error_is_read_back(preload: Path, quick: Path, lasting: int, done: int) -> None:
    """`on` is refused or it is on; `off` after it is off in the file, or says that it is not saved."""
    switch = {"lasting": lasting, "done": done}
    calls = [
        tried("on", {**TWO, "agree": 1}, SYNC | TRUNCATE, errno.EIO, after=[("off", TWO)], **switch),
        tried("off", ONE, SYNC | TRUNCATE, errno.EIO, **switch),
    ]
    answers = refusing.run(preload, quick, calls)
    assert len(answers) > 8
    assert [told for told in answers if not sound(told)] == []
    assert {tuple(told["on"]) for told in answers if told["op"] == "on"} == {("history", "protection")}
    assert {tuple(told["on"]) for told in answers if told["op"] == "off"} == {("protection",)}


# (which calls, every so many of them is refused): writes are many and alike.
KINDS = {
    "write": (WRITE, int(os.environ.get("P1_WRITES_STEP", "9"))),
    "sync": (SYNC, 1),
    "unlink, truncate or create": (UNLINK | TRUNCATE | CREATE, 1),
}


@pytest.mark.parametrize("lasting", [0, 1], ids=["once", "from then on"])
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_operation_at_every_call(preload: Path, quick: Path, kind: str, error: int, lasting: int) -> None:
    kinds, step = KINDS[kind]
    calls = [
        tried(op, arguments, kinds, error, lasting=lasting, step=step, before=[*before][0] if before else [])
        for op, arguments, *before in OPERATIONS
    ]
    answers = refusing.run(preload, quick, calls)
    assert len(answers) > 50
    assert [told for told in answers if not sound(told)] == []
