import json

from agent.core.content import CATEGORIES, Content, changed, check_row, from_rows, reply, rows_of
from agent.core.model import BadInput

GIVEN = {
    "categories": ["gambling", "adult"],
    "services": [
        {"id": "tiktok", "mode": "block"},
        {"id": "roblox", "mode": "only", "windows": [{"days": "sat,sun", "begin": "10:00", "end": "12:00"}]},
    ],
    "search": "strict",
    "youtube": "moderate",
    "always": ["Moodle.School.example", "moodle.school.example."],
    "homework": ["wiki.example"],
    "lists": {"own-1": "off", "urlhaus": "on"},
}


def refused(given: dict) -> str:  # type: ignore[type-arg]
    try:
        changed(Content(), given)
    except BadInput as error:
        return str(error)
    return ""


def test_what_is_set_is_what_is_kept_and_told() -> None:
    made = changed(Content(), GIVEN)
    told = reply(made)
    assert told["categories"] == ["adult", "gambling"] and told["always"] == ["moodle.school.example"]
    assert [row["id"] for row in told["services"]] == ["roblox", "tiktok"]  # type: ignore[index, attr-defined]
    assert from_rows(rows_of(made)) == made and changed(Content(), told) == made
    for row in rows_of(made):
        check_row(row)


def test_fields_that_are_not_given_stay() -> None:
    made = changed(changed(Content(), GIVEN), {"categories": [], "search": None})
    assert made.categories == [] and made.search == "strict" and "tiktok" in made.services


def test_the_version_follows_what_it_says() -> None:
    made = changed(Content(), GIVEN)
    assert made.version == changed(Content(), GIVEN).version
    assert made.version != changed(made, {"youtube": "off"}).version != Content().version


def test_a_list_without_a_mode_is_not_chosen_any_more() -> None:
    made = changed(Content(), GIVEN)
    assert changed(made, {"lists": {"own-1": None, "urlhaus": "off"}}).lists == {"urlhaus": "off"}


def test_what_is_wrong_is_said() -> None:
    window = {"days": "sat", "begin": "10:00", "end": "12:00"}
    assert "no category" in refused({"categories": ["porn"]})
    assert "categories must be" in refused({"categories": "adult"})
    assert "search must be one of" in refused({"search": "yes"})
    assert "youtube must be one of" in refused({"youtube": "on"})
    assert refused({"always": ["not a name"]}) and refused({"always": ["x.example"] * 101})
    assert "needs an id" in refused({"services": [{"mode": "block"}]})
    half = json.loads('"a\\ud800"')  # of a character
    assert "needs an id" in refused({"services": [{"id": half}]}) and "needs an id" in refused({"lists": {half: "on"}})
    assert "or it has windows" in refused({"services": [{"id": "a", "mode": "only"}]})
    assert "or it has windows" in refused({"services": [{"id": "a", "mode": "block", "windows": [window]}]})
    for wrong in ({"days": "someday"}, {"begin": "nine"}, {"end": "24:01"}, {"begin": "10:60"}, {"days": None}):
        row = dict(window)
        row.update(wrong)
        assert refused({"services": [{"id": "a", "mode": "not", "windows": [row]}]}), wrong
    assert "a list's mode" in refused({"lists": {"a": "maybe"}})


def test_a_row_of_another_hand_is_refused() -> None:
    for row in (
        ("category", "porn", "block", ""),
        ("other", "x", "", ""),
        ("search", "", "off", ""),
        ("service", "a", "only", ""),
        ("always", "UPPER.example", "allow", ""),
    ):
        try:
            check_row(row)
        except BadInput:
            continue
        raise AssertionError(row)


def test_the_fifteen_names_are_fixed() -> None:
    assert len(CATEGORIES) == 15 and CATEGORIES[0][0] == "adult"
