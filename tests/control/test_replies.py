"""Every operation, asked of a real household, replies what the table of operations says; and nobody reads more."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from agent.control.operations import OPERATIONS
from agent.control.replies import SHAPES, fields
from agent.core.features import FEATURES, NOTICE_VERSION
from tests.control.shapes import wrong
from tests.daemon.counted import Counted, counted
from tests.daemon.limited import LAPTOP
from tests.daemon.reporting import Operator, Weeks, seal_all
from tests.daemon.test_week_file import TARGET
from tests.promises.control_server import stored

__all__ = ["counted"]

ME = "192.0.2.3"
ROOT = Path(__file__).resolve().parents[2]
# Need a loaded list, a restart, a child process or a job: these tests ask, and what they ask by holds them to it.
ELSEWHERE = {
    "lists.decide": "tests/daemon/test_list_updates.py",
    "lists.update": "tests/daemon/test_list_updates.py",
    "lists.rollback": "tests/daemon/test_list_updates.py",
    "history_copy.unlock": "tests/promises/test_sealed_copy.py",
    "history_copy.drop": "tests/promises/test_sealed_copy.py",
    "block.report": "tests/daemon/test_rules.py",
    "history_copy.seal": "tests/promises/test_sealed_copy.py",
    "history_copy.unseal": "tests/promises/test_sealed_copy.py",
    "lists.reload": "tests/daemon/test_settings_live.py",
    "me.prove": "tests/promises/test_agreement_proven.py",
    "web.prove": "tests/promises/test_taken_over_web_job.py",
    "me.week_file": "tests/promises/test_week_file_adults.py",
    "me.week_file_join": "tests/promises/test_week_file_adults.py",
    "me.week_file_leave": "tests/promises/test_week_file_adults.py",
    "me.confirm": "tests/promises/test_agreement_proven.py",
    "report.file_text": "tests/daemon/test_week_file.py",
    "report.file_sealed": "tests/daemon/test_week_file.py",
    "report.file_body": "tests/daemon/test_week_file.py",
    "report.file_outcome": "tests/daemon/test_week_file.py",
}


# Line by line: an operation and its arguments. What is asked at /me is asked by the laptop, Ann's (3).
SCENARIO = """
status
features
notice
notice.read {"version": 2}
recipients
helplines
person.add {"name": "Eva", "group": "child"}
device.add {"label": "console", "mac": "3c:22:fb:00:00:05"}
device.list
device.new
device.known {"mac": "3c:22:fb:00:00:09"}
device.edit {"id": 1, "label": "Mia's tablet"}
person.list
person.edit {"id": 1, "name": "Mia"}
on {"device_id": 1, "feature": "history", "agree": 1}
on {"person_id": 1, "feature": "usage", "agree": 2}
on {"device_id": 3, "feature": "history", "agree": 1}
me.agree {"address": "192.0.2.3", "feature": "history", "agree": 1}
limits.set {"person_id": 1, "windows": [{"kind": "break", "days": "mon", "begin": "10:00", "end": "10:30"}]}
limits.get {"person_id": 1}
hold.add {"person_id": 1, "seconds": 600}
hold.list
hold.end {"person_id": 1}
exception.add {"person_id": 1, "kind": "free", "seconds": 600}
allowance.set {"person_id": 1, "minutes": [60, 60, 60, 60, 60, null, null]}
allowance.give {"person_id": 1, "minutes": 5, "text": "reading"}
usage.days {"person_id": 1}
week {"person_id": 1}
today
history {"all": true}
history.days {"device_id": 1}
blocked
blocked.counts
activity
audit
visit.mark_wrong {"id": 1}
visit.background {"id": 1, "background": true}
visit.delete {"id": 1, "preview": true}
export {"all": true}
pause
resume {"all": true, "agree": 1}
block {"name": "bad.example"}
allow {"name": "good.example", "seconds": 60}
rule.list
rule.export
rule.import {"lines": ["block x.example", "||||"], "preview": true}
rule.remove {"id": 2}
explain {"name": "www.bad.example", "device_id": 1}
categories
services
content.get {"person_id": 1}
content.set {"person_id": 1, "categories": ["games"]}
lists
lists.add {"url": "https://lists.example/one.txt", "name": "One"}
lists.waiting
lists.progress
feeds.plan
feeds.progress {"step": "fetch"}
feeds.room
feeds.outcome {"items": [], "offered": false}
me {"address": "192.0.2.3"}
request.add {"address": "192.0.2.3", "kind": "objection", "text": "no"}
request.list
request.reply {"id": 1, "answer": "we talk"}
me.limits {"address": "192.0.2.3", "windows": [{"kind": "break", "days": "mon,tue,wed,thu,fri,sat,sun",\
 "begin": "20:30", "end": "21:00"}], "agree": 2}
me.off {"address": "192.0.2.3", "feature": "history", "erase": true}
off {"person_id": 1, "feature": "history", "erase": true}
delete {"all": true}
setup.code
settings.get
settings.set {"key": "history_days", "value": 6}
history_copy.status
week_file.status
week_file.preview
week_file.list
report.file_work
statistics.operator
statistics.preview
"""


def test_every_operation_replies_what_the_table_says(counted: Counted) -> None:
    asked = set()

    def ask(op: str, **arguments: Any) -> dict[str, Any]:
        reply = counted.ask(op, **arguments)  # Home.ask holds it to the table, too
        assert not wrong(op, reply)
        asked.add(op)
        return reply

    house = counted.home.household
    assert house
    counted.asks_from(LAPTOP)
    for line in SCENARIO.strip().splitlines():
        op, _, arguments = line.partition(" ")
        if op == "history":  # with a visit
            seen = [house.clients.identify(mark, "") for mark in house.clients.marks()]
            slot, generation = next((one.slot, one.generation) for one in seen if one and one.device_id == 1)
            house.recorder.allowed(slot, generation, b"www.example.com", "dns", 1)
            house.flush()
        ask(op, **json.loads(arguments or "{}"))
    ask("request.unblock", address=ME, word=house.asks.token(3, "bad.example"))
    ask("web.put", key="pins", value={"3": {"pin": stored("one two three")}})
    ask("web.get", key="pins")
    ask("week_file.turn_on", target=TARGET, agree=NOTICE_VERSION)
    ask("week_file.turn_off")
    ask("statistics.operator_set", operator=Operator().row)
    # What needs what another said.
    ask("setup.check", code=ask("setup.code")["code"])
    ask("allowance.set", person_id=3, minutes=[60] * 7)
    ask("on", device_id=3, feature="usage", agree=FEATURES["usage"].version)
    ask("allowance.give", person_id=3, minutes=30, bank=True)
    ask("me.bonus", address=ME)
    ask("me.code", address=ME, code=ask("time.code")["code"], grant=1800)
    own = ask("lists")["feeds"][-1]["id"]
    ask("lists.choose", id=own, on=False)
    ask("lists.remove", id=own)
    weeks = Weeks(house)
    now = ask("statistics.status")
    ask("statistics.opt_in", agree=now["notice"], terms=now["terms"])
    weeks.on(8 * 86400)
    house.reports.tick()
    ask("report.work")
    seal_all(counted.home)
    asked.add("report.sealed")
    weeks.to_send()
    report = ask("statistics.list")["items"][0]["id"]
    ask("statistics.show", id=report)
    ask("report.body", id=report)
    ask("report.outcome", id=report, outcome="done", message="")
    ask("statistics.opt_out")
    rows = ask("backup", history=True, limit=200)["items"]
    ask("restore", part="first", rows=rows)
    ask("device.remove", id=5)
    ask("person.remove", id=4)
    ask("restore", part="last", rows=[])
    assert asked | set(ELSEWHERE) == set(OPERATIONS)


@pytest.mark.parametrize("op", ELSEWHERE)
def test_what_is_held_elsewhere_is_asked_there(op: str) -> None:
    assert f'"{op}"' in (ROOT / ELSEWHERE[op]).read_text()


def shapes_within(words: str) -> set[str]:
    found: set[str] = set()
    for _, kind, _ in fields(words):
        name = re.sub(r"(\[\]|\{\}|\|null)+$", "", kind)
        if name in SHAPES:
            found |= {name} | (shapes_within(SHAPES[name]) if ":" in SHAPES[name] else set())
    for word in words.split():
        if ":" not in word and word in SHAPES:
            found |= {word} | shapes_within(SHAPES[word])
    return found


def test_each_shape_is_of_some_reply() -> None:
    used = set().union(*(shapes_within(operation.reply) for operation in OPERATIONS.values()))
    assert set(SHAPES) - used == {"Group", "State", "DayMinutes", "Hours"} - used


def test_the_command_line_reads_no_other_field() -> None:
    """Of `row["name"]`, `reply.get("name")` in its files; those of settings, options and errors are its own."""
    replies = [*SHAPES.values(), *(operation.reply for operation in OPERATIONS.values())]
    told = {name for words in replies if ":" in words for name, _, _ in fields(words)}
    nodes = [node for path in (ROOT / "agent/cli").glob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    keys = [node.slice for node in nodes if isinstance(node, ast.Subscript)]
    read = {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    assert {name for name in read - told if name.islower()} == {"show", "internal"}
