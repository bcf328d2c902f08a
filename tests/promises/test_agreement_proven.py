"""Whoever takes over the web job's connection agrees for no adult who has a PIN, and speaks for no other device."""

import pytest

from agent.control.operations import CLI, WEB
from agent.platform import sodium
from tests.promises.control_server import LAPTOP, PIN, TABLET, Server, code, stored, two_people
from tests.promises.household import Home, observe

AGREE = {"op": "me.agree", "address": LAPTOP, "feature": "history", "agree": 1, "actor": "me:2"}


@pytest.fixture
def family(home: Home) -> Home:
    return two_people(home)


def pin(family: Home, given: str = PIN, device: int = 2) -> None:
    family.ask("web.put", key="pins", value={str(device): {"pin": stored(given)}})


def recorded(family: Home) -> bool:
    laptop = next(one for one in family.ask("device.list")["items"] if one["address"] == LAPTOP)
    return bool(laptop["features"]["history"]["on"])


def test_an_adult_with_a_pin_agrees_with_it_alone(family: Home, server: Server) -> None:
    pin(family)
    for proof in (None, "", "0" * 32, PIN, 7, ["x"]):
        assert code(server.ask(WEB, **AGREE, proof=proof)) in ("forbidden", "bad_request"), proof
    for given in ("0000", "", None, 4711, PIN + " ", "x" * 65, "é" * 64):
        assert code(server.ask(WEB, op="me.prove", address=LAPTOP, pin=given)) in ("forbidden", "bad_request"), given
    assert not recorded(family)
    word = server.ask(WEB, op="me.prove", address=LAPTOP, pin=PIN)["ok"]["proof"]
    assert server.ask(WEB, **AGREE, proof=word)["ok"]["features"]["history"]["on"]


def test_a_proof_is_of_one_device_one_pin_and_a_time(family: Home, server: Server, monkeypatch) -> None:
    both = sodium.load().hash_password(PIN.encode())
    family.ask("web.put", key="pins", value={"1": {"pin": both}, "2": {"pin": both}})
    childs = server.ask(WEB, op="me.prove", address=TABLET, pin=PIN)["ok"]["proof"]
    assert code(server.ask(WEB, **AGREE, proof=childs)) == "forbidden"
    word = server.ask(WEB, op="me.prove", address=LAPTOP, pin=PIN)["ok"]["proof"]
    pin(family, "another")
    assert code(server.ask(WEB, **AGREE, proof=word)) == "forbidden", "of the PIN of before"
    late = server.ask(WEB, op="me.prove", address=LAPTOP, pin="another")["ok"]["proof"]
    monkeypatch.setattr("agent.daemon.proofs.HOLDS_S", 0.0)
    over = server.ask(WEB, op="me.prove", address=LAPTOP, pin="another")["ok"]["proof"]
    assert code(server.ask(WEB, **AGREE, proof=over)) == "forbidden"
    assert code(server.ask(WEB, **AGREE, proof=late)) == "ok"


def test_what_was_decided_about_an_adult_is_confirmed_with_the_pin(family: Home, server: Server) -> None:
    pin(family)
    family.ask("device.edit", id=2, person_id=1)
    assert code(server.ask(WEB, op="me.confirm", address=LAPTOP)) == "forbidden"
    word = server.ask(WEB, op="me.prove", address=LAPTOP, pin=PIN)["ok"]["proof"]
    assert code(server.ask(WEB, op="me.confirm", address=LAPTOP, proof=word)) == "ok"


def test_a_person_speaks_at_their_own_page_for_their_own_device(family: Home, server: Server) -> None:
    mine = {"device_id": 1, "actor": "me:1", "address": TABLET}
    for op in ("history", "blocked"):
        assert code(server.ask(WEB, op=op, **mine)) == "ok", op
        assert code(server.ask(CLI, op=op, **mine)) == "forbidden", op
        for wrong in (
            {"address": LAPTOP},
            {"address": "127.0.0.77"},
            {"address": None},
            {"device_id": 2},
            {"person_id": 2},
            {"all": True},
            {"actor": "me:2"},
            {"actor": "me:"},
            {"actor": "me:¹"},
            {"actor": "me:01"},
        ):
            assert code(server.ask(WEB, op=op, **(mine | wrong))) != "ok", (op, wrong)
    assert code(server.ask(CLI, op="delete", **mine)) == "forbidden"
    assert code(server.ask(WEB, op="delete", **mine)) == "forbidden"
    pin(family, device=1)
    word = server.ask(WEB, op="me.prove", address=TABLET, pin=PIN)["ok"]["proof"]
    assert code(server.ask(WEB, op="delete", **mine, proof=word)) == "ok"


def test_nothing_is_deleted_without_a_word(family: Home, server: Server) -> None:
    """By whatever operation: one visit as all."""
    observe(family.household, TABLET, b"www.example.org")
    family.ask("off", device_id=1, feature="history")
    visit = family.ask("history", device_id=1, show="all")["items"][0]["id"]
    for asked in (
        {"op": "visit.delete", "id": visit},
        {"op": "delete", "device_id": 1},
        {"op": "off", "device_id": 1, "feature": "history", "erase": True},
        {"op": "device.remove", "id": 1},
        {"op": "person.remove", "id": 1},
    ):
        for proof in (None, "0" * 32):
            assert code(server.ask(WEB, **asked, actor="web:1", proof=proof)) == "forbidden", asked
    assert family.ask("history", device_id=1, show="all")["items"]
    family.ask("web.put", key="account", value={"password": stored(PIN)})
    word = server.ask(WEB, op="web.prove", actor="web:1", password=PIN)["ok"]["proof"]
    assert code(server.ask(WEB, op="visit.delete", id=visit, actor="web:1", proof=word)) == "ok"


def test_what_is_said_at_a_device_is_not_the_command_lines(server: Server) -> None:
    for op in ("me.agree", "me.confirm", "me.off", "me.prove"):
        assert code(server.ask(CLI, op=op, address=LAPTOP, feature="history", agree=1, pin=PIN)) == "forbidden"
