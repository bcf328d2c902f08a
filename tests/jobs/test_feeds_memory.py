"""Where memory is short the compiled texts go, and come again when a list has changed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.jobs.feedstore import Store
from agent.jobs.update_job import UpdateRun, deliver
from tests.jobs.bad_server import Authority, BadServer, missing, names
from tests.jobs.test_update_job import LIMITS, Home


class Small(Home):
    """With so much memory to be had."""

    available = 30 << 20

    def run(self, **more: object) -> dict:
        self.said.clear()
        incoming = self.set.with_suffix(".incoming")
        descriptor = os.open(incoming, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            store = Store(str(self.folder), 0, lambda: self.available)
            UpdateRun(self.plan(**more), store, self.tell, deliver(descriptor), self.step, LIMITS).run()
        finally:
            os.close(descriptor)
        outcome = self.said[-1]
        if outcome["offered"]:
            os.rename(incoming, self.set)
        return {row["id"]: row for row in outcome["items"]} | {"": outcome}

    def texts(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.name != "state.json")


@pytest.fixture
def home(tmp_path: Path, authority: Authority) -> Iterator[Small]:
    server = BadServer(authority.context("good"))
    yield Small(tmp_path, server)
    server.close()


def test_compiled_texts_go_and_what_did_not_change_is_not_sent_again(home: Small) -> None:
    assert home.run()[""]["offered"] and home.texts() == []
    home.server.log.clear()
    said = home.run()
    assert not said[""]["offered"] and said[""]["message"] == ""
    assert [asked.headers.get("if-none-match") is not None for asked in home.server.log] == [True] * 2
    assert home.refuses("one7.example") and home.refuses("two7.example")


def test_when_one_has_changed_the_others_come_again(home: Small) -> None:
    home.run()
    home.serve("one", names(3100, "one"))
    said = home.run()
    assert said[""]["offered"] and said[""]["message"] == "" and home.texts() == []
    assert home.refuses("one3099.example") and home.refuses("two7.example")
    assert said["two"]["failures"] == 0 and said["two"]["version"]


def test_one_that_is_gone_meanwhile_keeps_the_set_in_use(home: Small) -> None:
    home.run(in_use=[])
    fetched = {"fetched": 1 << 40}
    home.serve("one", names(3100, "one"))
    home.server.pages["/two"] = missing
    said = home.run(in_use=[row | fetched for row in home.in_use()])
    assert not said[""]["offered"] and "not to be had again: two" in said[""]["message"]
    home.serve("two", names(2000, "two"))
    said = home.run(in_use=[row | fetched for row in home.in_use()])
    assert said[""]["offered"] and home.refuses("one3099.example") and home.refuses("two7.example")


def test_with_memory_again_they_stay(home: Small) -> None:
    home.run()
    home.available = 1 << 30
    home.serve("one", names(3100, "one"))
    assert home.run()[""]["offered"] and home.texts() == ["one.gz", "two.gz"]
    home.available = 1 << 20
    assert not home.run()[""]["offered"] and home.texts() == []


def test_without_room_to_compile_the_set_before_goes_first(home: Small) -> None:
    home.available = 0
    said = home.run()
    assert "memory is short" in said[""]["message"] and not said[""]["offered"]


def test_room_is_asked_for(home: Small) -> None:
    asked: list[str] = []

    def tell(op: str, **arguments: object) -> None:
        Small.tell(home, op, **arguments)
        if op == "feeds.room":
            asked.append(op)
            home.available = 1 << 30

    home.available = 1 << 19
    home.tell = tell  # type: ignore[method-assign]
    assert home.run()[""]["offered"] and asked == ["feeds.room"]
