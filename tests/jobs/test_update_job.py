"""The feeds job on a real server, without the daemon: what is taken, held, refused, and what a kill leaves."""

import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.core.model import BadInput
from agent.jobs.feedstore import NoRoom, Store
from agent.jobs.fetch import FetchLimits
from agent.jobs.update_job import FetchPlan, UpdateRun, deliver
from agent.platform.rulefile import open_ruleset
from tests.jobs.bad_server import Authority, BadServer, names, text, validated, zipped

LIMITS = FetchLimits(idle_s=1.0, total_s=3.0, size_bytes=4 << 20)
POPULAR = ["search.example", "shop.example", "bank.example", "news.example"]


class Home:
    """A folder, a server with two lists, and runs of the job."""

    def __init__(self, folder: Path, server: BadServer) -> None:
        self.server = server
        self.folder = folder / "lists"
        self.folder.mkdir()
        self.set = folder / "rules.bin"
        (folder / "popular.txt").write_text("# well-known\n" + " # -\n".join(POPULAR) + "\n")
        self.popular = folder / "popular.txt"
        self.said: list[dict] = []
        self.step: Callable[[str], None] = lambda name: None
        self.reserve = 0
        self.numbers = itertools.count(1)
        self.serve("one", names(3000, "one"))
        self.serve("two", names(2000, "two"))

    def serve(self, id: str, body: bytes) -> None:
        self.server.pages[f"/{id}"] = validated(body, f'"{hash(body)}"')

    def plan(self, **more: object) -> FetchPlan:
        feeds = [
            {
                "id": id,
                "name": "List " + id,
                "address": self.server.address("/" + id),
                "syntax": "domains",
                "category": "phishing",
                "rules": 0,
            }
            for id in ("one", "two")
        ]
        row = {
            "feeds": feeds,
            "fetch": True,
            "forced": True,
            "number": next(self.numbers),
            "in_use": self.in_use(),
            "decisions": [],
            "suffixes_file": "/nonexistent",
            "popular_file": str(self.popular),
            "shared_file": "/nonexistent",
        }
        return FetchPlan({**row, **more})

    def in_use(self) -> list[dict[str, str]]:
        if not self.set.exists():
            return []
        found = open_ruleset(str(self.set))
        found.close()
        return [{"id": row["id"], "version": row["version"]} for row in found.lists]

    def run(self, **more: object) -> dict:
        """One run; what it said at the end."""
        self.said.clear()
        incoming = self.set.with_suffix(".incoming")
        descriptor = os.open(incoming, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            store = Store(str(self.folder), self.reserve)
            update = UpdateRun(self.plan(**more), store, self.tell, deliver(descriptor), self.step, LIMITS)
            update.run()
        finally:
            os.close(descriptor)
        outcome = self.said[-1]
        if outcome["offered"]:
            os.rename(incoming, self.set)
        return {row["id"]: row for row in outcome["items"]} | {"": outcome}

    def tell(self, op: str, **arguments: object) -> None:
        self.said.append({"op": op, **arguments})

    def refuses(self, name: str) -> bool:
        found = open_ruleset(str(self.set))
        try:
            verdict = found.decide(name.encode())
            return verdict is not None and verdict.blocked
        finally:
            found.close()


@pytest.fixture
def home(tmp_path: Path, authority: Authority) -> Iterator[Home]:
    server = BadServer(authority.context("good"))
    yield Home(tmp_path, server)
    server.close()


def test_lists_are_fetched_compiled_and_offered(home: Home) -> None:
    said = home.run()
    assert said[""]["offered"] and said[""]["message"] == ""
    assert home.refuses("one7.example") and home.refuses("www.two7.example") and not home.refuses("three.example")
    assert said["one"]["version"].startswith(time.strftime("%Y-%m-%d.", time.gmtime()))
    steps = [row["step"] for row in home.said if row["op"] == "feeds.progress"]
    assert [step for step in ("fetch", "compile", "check", "swap") if step in steps] == list(dict.fromkeys(steps))
    assert sorted(path.name for path in home.folder.iterdir()) == ["one.gz", "state.json", "two.gz"]


def test_what_did_not_change_is_neither_sent_nor_compiled(home: Home) -> None:
    home.run()
    home.server.log.clear()
    said = home.run()
    assert (
        not said[""]["offered"]
        and [asked.headers.get("if-none-match") is not None for asked in home.server.log] == [True] * 2
    )
    assert not [row for row in home.said if row.get("step") == "compile"]
    # A server that knows no validators sends the same text: that is no update, either.
    home.server.pages["/one"] = text(names(3000, "one"))
    assert not home.run()[""]["offered"]
    # Nor is a new ETag or another way of sending.
    for answer in (text(names(3000, "one"), 'ETag: "new"'), zipped(names(3000, "one"), 0, 'ETag: W/"newer"')):
        home.server.pages["/one"] = answer
        said = home.run()
        assert not said[""]["offered"] and said["one"]["failures"] == 0


def test_an_answer_that_nothing_changed_to_a_first_question_is_no_list(home: Home) -> None:
    home.server.pages["/one"] = lambda asked: asked.head("304 Not Modified", 'ETag: "one"')
    said = home.run()
    assert "never had" in said["one"]["message"] and said["one"]["failures"] == 1 and said[""]["offered"]


def test_a_change_becomes_a_new_version(home: Home) -> None:
    before = home.run()["one"]["version"]
    home.serve("one", names(3100, "one"))
    said = home.run()
    assert said[""]["offered"] and said["one"]["version"] != before and home.refuses("one3099.example")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (names(400, "one"), "shrank from about 3000 rules to 400"),
        (names(20000, "one"), "grew from about 3000 rules to 20000"),
    ],
)
def test_an_implausible_update_waits_and_the_old_one_stays(home: Home, body: bytes, why: str) -> None:
    before = home.run()["one"]["version"]
    home.serve("one", body)
    home.serve("two", names(2050, "two"))
    said = home.run()
    assert said["one"]["version"] == before and why in said["one"]["held"]["reason"]
    # The others are not held back with it.
    assert said[""]["offered"] and home.refuses("two2049.example")
    assert home.refuses("one2999.example") and not home.refuses("bank.example")
    # It is not fetched again, and waits on.
    assert home.run()["one"]["held"]["reason"] == said["one"]["held"]["reason"]


def test_one_wrong_line_costs_one_line(home: Home) -> None:
    home.run()
    home.serve("one", names(3000, "one") + "\n".join(POPULAR).encode() + b"\n127.0.0.1.example\n")
    said = home.run()["one"]
    assert said["held"] is None and home.refuses("one2999.example") and home.refuses("127.0.0.1.example")
    assert not [name for name in POPULAR if home.refuses(name)]
    (why,) = [why for why in said["skipped"] if "well-known" in why]
    assert said["skipped"][why] == len(POPULAR) and "bank.example" in why


def test_the_household_decides_over_what_is_held(home: Home) -> None:
    home.run()
    home.serve("one", names(400, "new"))
    held = home.run()["one"]["held"]
    wrong = [{"id": "one", "version": "2020-01-01.00000000", "accept": True}]
    assert home.run(fetch=False, decisions=wrong)["one"]["held"] == held
    asked = len(home.server.log)
    said = home.run(fetch=False, decisions=[{"id": "one", "version": held["version"], "accept": True}])
    assert said["one"]["version"] == held["version"] and said["one"]["held"] is None and home.refuses("new7.example")
    assert len(home.server.log) == asked


def test_what_the_household_refused_stays_refused(home: Home) -> None:
    before = home.run()["one"]["version"]
    home.serve("one", names(400, "new"))
    held = home.run()["one"]["held"]
    said = home.run(fetch=False, decisions=[{"id": "one", "version": held["version"], "accept": False}])
    assert said["one"]["version"] == before and said["one"]["held"] is None
    assert home.run()["one"]["held"] is None and home.refuses("one7.example")
    home.server.pages["/one"] = text(names(400, "new"))
    assert home.run()["one"]["held"] is None
    # What comes after it is judged anew.
    home.serve("one", names(3050, "one"))
    assert home.run()["one"]["version"] != before


def test_a_first_text_far_from_what_the_table_says_waits(home: Home) -> None:
    feeds = home.plan().feeds
    rows = [{key: getattr(feed, key) for key in ("id", "name", "address", "syntax", "category")} for feed in feeds]
    said = home.run(feeds=[{**rows[0], "rules": 100_000}, {**rows[1], "rules": 2500}])
    assert "shrank from about 100000" in said["one"]["held"]["reason"] and said["two"]["held"] is None
    assert home.refuses("two7.example") and not home.refuses("one7.example")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>please sign in</html>",
        b"",
        b'{"error": "limit"}',
        b"\x89PNG\r\n\0\0" + b"\0" * 5000,
        b"what is this, and why\n" * 99,
    ],
)
def test_what_is_no_list_is_refused_and_the_others_go_on(home: Home, body: bytes) -> None:
    home.run()
    home.server.pages["/one"] = text(body)
    home.serve("two", names(2050, "two"))
    said = home.run()
    assert (
        said["one"]["failures"] == 1 and "not a list" in said["one"]["message"] and said["one"]["next_at"] > time.time()
    )
    assert home.refuses("one7.example") and home.refuses("two2049.example")


def test_one_server_down_keeps_nobody_else_back(home: Home) -> None:
    home.server.pages["/one"] = lambda asked: asked.reply(b"", status="500 Oops")
    said = home.run()
    assert said["one"]["message"] == "the server answers 500" and said["one"]["failures"] == 1
    assert said[""]["offered"] and home.refuses("two7.example")
    # By itself it waits longer and longer; asked by the household it tries at once.
    home.server.log.clear()
    home.run(forced=False)
    assert [asked.path for asked in home.server.log] == ["/two"]
    first = said["one"]["next_at"]
    assert home.run()["one"]["next_at"] > first + 300


def test_a_server_that_wants_to_be_left_alone_is_left_alone(home: Home) -> None:
    home.server.pages["/one"] = lambda asked: asked.reply(b"", "Retry-After: 3600", status="429 Too Many Requests")
    said = home.run()
    assert said["one"]["next_at"] >= time.time() + 3500
    home.server.log.clear()
    home.run()
    assert [asked.path for asked in home.server.log] == ["/two"]


def test_an_update_that_was_cut_off_goes_on_where_it_was(home: Home) -> None:
    def cut(name: str) -> None:
        if name == "fetched":
            raise Cut

    home.step = cut
    with pytest.raises(Cut):
        home.run(number=99)
    home.step = lambda name: None
    home.server.log.clear()
    assert home.run(number=99)[""]["offered"]
    assert [asked.path for asked in home.server.log] == ["/two"]


class Cut(Exception):
    pass


def test_low_storage_is_a_clear_refusal(home: Home) -> None:
    home.run()
    home.serve("one", names(3100, "one"))
    found = os.statvfs(home.folder)
    home.reserve = found.f_bavail * found.f_frsize + (1 << 30)
    said = home.run()
    assert "storage is low" in said[""]["message"] and not said[""]["offered"]
    assert home.refuses("one7.example")
    assert not list(home.folder.glob("*.part"))
    with pytest.raises(NoRoom):
        Store(str(home.folder), home.reserve).require(1)


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "state.json").mkdir()
    with pytest.raises(BadInput):
        Store(str(tmp_path))


def test_a_damaged_state_only_costs_a_download(home: Home) -> None:
    home.run()
    (home.folder / "state.json").write_text('{"one": {"etag"')
    home.server.log.clear()
    said = home.run()
    assert said["one"]["version"] and len(home.server.log) == 2 and home.refuses("one7.example")


STEPS = ("decided", "received", "kept", "fetched", "compiled", "judged", "written", "promoted")


def test_killed_at_each_step_the_texts_and_the_set_are_whole(home: Home) -> None:
    """At each step of a first update and of a second one, the job is killed; the next run ends as if nothing was."""
    for body, last in ((3000, "one2999.example"), (3100, "one3099.example"), (3200, "one3199.example")):
        home.serve("one", names(body, "one"))
        home.serve("two", names(body - 1000, "two"))
        for step in STEPS:
            for count in (1, 2):
                killed_at(home, step, count)
                store = Store(str(home.folder), 0)
                for id, entry in store.entries.items():
                    for kept in (entry.current, entry.next):
                        assert kept is None or kept.version, (step, id)
                if home.set.exists():
                    check_whole(home)
        said = home.run()
        assert said[""]["message"] == "" and home.refuses(last)
        assert sorted(path.name for path in home.folder.iterdir()) == ["one.gz", "state.json", "two.gz"]
        assert home.in_use() == [{"id": id, "version": said[id]["version"]} for id in ("one", "two")]


def check_whole(home: Home) -> None:
    found = open_ruleset(str(home.set))
    try:
        found.verify()
    finally:
        found.close()


def killed_at(home: Home, step: str, count: int) -> None:
    """Run in a child that kills itself the so-many-th time that it comes to the step."""
    pid = os.fork()
    if pid == 0:
        seen = 0

        def die(name: str) -> None:
            nonlocal seen
            seen += name == step
            if seen == count:
                os.kill(os.getpid(), signal.SIGKILL)

        home.step = die
        try:
            home.run()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def test_killed_at_random_moments(home: Home) -> None:
    for round_ in range(25):
        home.serve("one", names(3000 + round_, "one"))
        number = next(home.numbers)
        pid = os.fork()
        if pid == 0:
            try:
                home.run(number=number)
            finally:
                os._exit(0)
        time.sleep(0.004 * round_)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        if home.set.exists():
            check_whole(home)
    home.run()
    assert home.refuses("one3023.example")
