"""The weekly file's place, size and terms: plain values in, plain values out."""

import json

from agent.core import age, bech32, week_file
from agent.core.model import BadInput

KEY = bech32.encode(age.RECIPIENT, bytes(range(32)))
TARGET = {"address": "https://nas.example/week/", "recipient": KEY}


def refused(given: object) -> str:
    try:
        week_file.check(given)
    except BadInput as error:
        return str(error)
    return ""


def test_a_target_in_its_canonical_form() -> None:
    found = week_file.check({"address": " https://nas.example/week/ ", "recipient": KEY.upper(), "user": None})
    assert found == {"address": TARGET["address"], "recipient": KEY, "user": "", "password": "", "authority": ""}


def test_what_is_no_target() -> None:
    for key, value, said in (
        ("address", "ftp://nas.example/", "https"),
        ("address", "https://nas.example/\n", ""),
        ("address", "https://a b/", "character"),
        ("address", 5, "text"),
        ("recipient", KEY[:-1], "62"),
        ("password", "x", "go together"),
        ("authority", "no", "PEM"),
        ("other", "", "there are"),
    ):
        given = dict(TARGET)
        given[key] = value
        assert said in refused(given) and (not said or refused(given)), (key, value)
    assert "object" in refused(None)


def test_sizes() -> None:
    for size in (0, 1, week_file.SIZES[0], week_file.SIZES[0] + 1, week_file.SIZES[-1]):
        padded = week_file.padded("x" * size)
        assert len(padded) in week_file.SIZES and padded.strip() == b"x" * size
    try:
        week_file.padded("x" * (week_file.SIZES[-1] + 1))
    except BadInput:
        return
    raise AssertionError("more than the largest size")


def test_a_week_that_is_too_long_is_cut_evenly() -> None:
    item = {"name": "Mia", "changes": ["x" * 90] * 300, "gaps": []}
    found = json.loads(week_file.render({"items": [item, item, item]}))
    assert found["cut"] == 20 and [len(one["changes"]) for one in found["items"]] == [20, 20, 20]
    assert len(item["changes"]) == 300
    assert json.loads(week_file.render({"items": [item]}))["cut"] is None


def test_terms_follow_address_and_key_and_not_the_password() -> None:
    def word(**changed: str) -> str:
        given = dict(TARGET)
        given.update(changed)
        return week_file.terms(week_file.check(given), lambda data: data[-32:])

    assert word() == word(user="ada", password="x")
    seen = {week_file.terms(week_file.check(TARGET), lambda data: data[:32])}
    seen.add(week_file.terms(week_file.check({"address": "https://b.example/", "recipient": KEY}), lambda d: d[:32]))
    assert len(seen) == 2


def test_basic_authorization_has_no_line_break() -> None:
    assert week_file.authorization("ada", "x" * 90).count("\n") == 0
    assert week_file.authorization("a", "ü") == "Basic YTrDvA=="
