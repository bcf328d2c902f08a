"""A web job that somebody took over: what needs the household's password or a PIN it can't do by itself."""

import time
from typing import Any

import pytest

from agent.control.operations import CLI, OPERATIONS, WEB
from tests.promises.control_server import LAPTOP, PIN, TABLET, Server, code, stored, two_people
from tests.promises.household import Home

PASSWORD = "a short sentence is good"
SESSION = "web:0123abcd"
CALLS: dict[str, dict[str, Any]] = {
    "export": {"all": True},
    "delete": {"all": True},
    "backup": {},
    "restore": {"part": "first", "rows": []},
    "device.remove": {"id": 1},
    "person.remove": {"id": 1},
    "statistics.opt_in": {"agree": 1, "terms": "x"},
    "visit.delete": {"id": 1},
    "week_file.turn_on": {"target": {}, "agree": 1},
    "history_copy.seal": {"passphrase": "seven words that nobody else knows"},
    "history_copy.unseal": {},
    "history_copy.drop": {},
    "off": {"device_id": 1, "feature": "history", "erase": True},
}


@pytest.fixture
def family(home: Home) -> Home:
    two_people(home)
    home.ask("web.put", key="account", value={"password": stored(PASSWORD), "trusted": []})
    home.ask("web.put", key="pins", value={"2": {"pin": stored(PIN)}})
    return home


def word(server: Server, password: str = PASSWORD, actor: str = SESSION) -> str | None:
    reply = server.ask(WEB, op="web.prove", password=password, actor=actor)
    return reply["ok"]["proof"] if "ok" in reply else None


def visits(family: Home) -> int:
    return len(family.ask("history", all=True)["items"])


def test_each_operation_that_needs_it_is_tried() -> None:
    assert {name for name, one in OPERATIONS.items() if one.proven} | {"off"} == set(CALLS)


@pytest.mark.parametrize("op", CALLS)
def test_without_the_password_it_is_not_done(family: Home, server: Server, op: str) -> None:
    mine, other = word(server), word(server, actor="web:ffffffff")
    assert mine and other
    assert word(server, "another password") is None
    for proof, actor in (
        (None, SESSION),
        ("0" * 32, SESSION),
        (other, SESSION),
        (mine, "web:ffffffff"),
        (mine, "me:2"),
    ):
        asked = {**CALLS[op], "actor": actor, **({"proof": proof} if proof else {})}
        if actor.startswith("me:"):
            asked |= {"address": LAPTOP, "device_id": 2}
            asked.pop("all", None)
        assert code(server.ask(WEB, op=op, **asked)) == "forbidden", (proof, actor)
    assert visits(family) == 1 and len(family.ask("device.list")["items"]) == 2
    done = server.ask(WEB, op=op, **CALLS[op], actor=SESSION, proof=mine)
    assert code(done) != "forbidden", done
    assert code(server.ask(CLI, op=op, **CALLS[op])) != "forbidden", "root needs no word"


def test_a_word_ends(family: Home, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = word(server)
    later = time.monotonic() + 1000
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert code(server.ask(WEB, op="export", all=True, actor=SESSION, proof=mine)) == "forbidden"


def test_a_preview_needs_none(server: Server) -> None:
    assert code(server.ask(WEB, op="delete", all=True, preview=True, actor=SESSION)) == "ok"


def test_a_persons_own_needs_their_pin(family: Home, server: Server) -> None:
    mine: dict[str, Any] = {"address": LAPTOP, "device_id": 2, "actor": "me:2"}
    for op in ("export", "delete"):
        assert code(server.ask(WEB, op=op, **mine)) == "forbidden"
        no_pin = {"address": TABLET, "device_id": 1, "actor": "me:1"}
        assert code(server.ask(WEB, op=op, **no_pin)) == "forbidden", "nothing proves who is there"
    proof = server.ask(WEB, op="me.prove", address=LAPTOP, pin=PIN)["ok"]["proof"]
    for op in ("export", "delete"):
        assert code(server.ask(WEB, op=op, **mine, proof=proof)) == "ok"


def test_a_password_is_changed_with_the_present_one(family: Home, server: Server) -> None:
    def put(value: object, **more: object) -> str:
        return code(server.ask(WEB, op="web.put", key="account", value=value, **more))

    present = family.ask("web.get", key="account")["value"]
    mine = {"password": stored("known to the attacker")}
    for value in (mine, {}, None, present | mine):
        assert put(value) == "forbidden"
        assert put(value, proof="0" * 32, actor=SESSION) == "forbidden"
    assert put(present | {"trusted": ["device:1"]}) == "ok"
    assert put(present | mine, proof=word(server), actor=SESSION) == "ok"
    # A setup code lets one new password be stored.
    setup = family.ask("setup.code")["code"]
    assert code(server.ask(WEB, op="setup.check", code=setup)) == "ok"
    assert put(present) == "ok"
    assert put(mine) == "forbidden"


def test_a_pin_is_replaced_by_a_code_of_the_household_alone(family: Home, server: Server) -> None:
    def put(row: object, **more: object) -> str:
        rows = {"2": row} if row is not None else {}
        return code(server.ask(WEB, op="web.put", key="pins", value=rows, **more))

    pin = family.ask("web.get", key="pins")["value"]["2"]["pin"]
    mine = stored("0000")
    coded = {"pin": pin, "code": "12345678", "until": int(time.time()) + 900, "tries": 0}
    for row in ({"pin": mine}, {}, None, {"left": mine, "pin": pin}, coded, coded | {"pin": mine}):
        assert put(row) == "forbidden", row
        assert put(row, proof="0" * 32, actor=SESSION) == "forbidden", row
    assert put({"pin": pin}) == "ok"
    assert put(coded, proof=word(server), actor=SESSION) == "ok"
    assert put(coded | {"tries": 1}) == "ok"
    assert put(coded | {"until": coded["until"] + 900}) == "forbidden"
    assert put({"pin": mine}) == "ok"
    assert put({"pin": pin}) == "forbidden", "the code is used up"


def test_an_old_code_replaces_nothing(family: Home, server: Server) -> None:
    pin = family.ask("web.get", key="pins")["value"]["2"]["pin"]
    old = {"pin": pin, "code": "12345678", "until": int(time.time()) - 1, "tries": 0}
    assert code(server.ask(WEB, op="web.put", key="pins", value={"2": old}, proof=word(server), actor=SESSION)) == "ok"
    assert code(server.ask(WEB, op="web.put", key="pins", value={"2": {"pin": stored("0000")}})) == "forbidden"
