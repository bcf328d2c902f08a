"""P1 where the storage refuses any one call: it is said, and memory says what the file does."""

import errno
from pathlib import Path
from typing import Any

import pytest

from tests.promises import refusing

SYNC, TRUNCATE = 2, 8
ONE = {"device_id": 1, "feature": "history"}
TWO = {"device_id": 2, "feature": "history"}


@pytest.fixture(scope="module")
def preload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = refusing.library(tmp_path_factory.mktemp("refusing"))
    if made is None:
        pytest.skip("not here: a C compiler")
    return made


def tried(op: str, arguments: dict[str, Any], kinds: int, error: int, **more: Any) -> dict[str, Any]:
    return {"op": op, "arguments": arguments, "kinds": kinds, "errno": error, "lasting": 0, "done": 0, **more}


def sound(told: dict[str, Any]) -> bool:
    answers = [told["answer"], told.get("after", "done")]
    said = all(answer == "done" or answer.startswith("StorageError: ") for answer in answers)
    return bool(said and told["goes on"] == told["again"] == "done" and told["agrees"] and told["on"] == told["gate"])


@pytest.mark.parametrize("done", [0, 1], ids=["not done", "done all the same"])
@pytest.mark.parametrize("lasting", [0, 1], ids=["once", "from then on"])
def test_a_commit_that_reports_an_error_is_read_back(preload: Path, tmp_path: Path, lasting: int, done: int) -> None:
    """`on` is refused or it is on; `off` after it is off in the file, or says that it is not saved."""
    switch = {"lasting": lasting, "done": done}
    calls = [
        tried("on", {**TWO, "agree": 1}, SYNC | TRUNCATE, errno.EIO, after=[("off", TWO)], **switch),
        tried("off", ONE, SYNC | TRUNCATE, errno.EIO, **switch),
    ]
    answers = refusing.run(preload, tmp_path, calls)
    assert len(answers) > 8
    assert [told for told in answers if not sound(told)] == []
    assert {tuple(told["on"]) for told in answers if told["op"] == "on"} == {("history", "protection")}
    assert {tuple(told["on"]) for told in answers if told["op"] == "off"} == {("protection",)}
