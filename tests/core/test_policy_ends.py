"""When a rule that was made for a time is over, by the household's age; and what a view says of its device."""

from agent.core.model import ALLOW, BLOCK
from agent.core.policy import ROUNDED_S, OwnRule, View
from agent.core.safesearch import OFF

MADE, AGE, HOUR = 1_000_000, 5_000, 3600


def rule(until: "int | None", made: "int | None" = AGE) -> OwnRule:
    return OwnRule(7, b"a.example", ALLOW, "person", 3, until, MADE, made)


def test_a_rule_is_what_it_was_made_of() -> None:
    one = OwnRule(7, b"a.example", BLOCK, "device", 3, 10, 11, 12)
    assert (one.id, one.name, one.action, one.scope, one.owner) == (7, b"a.example", BLOCK, "device", 3)
    assert (one.until, one.created, one.made) == (10, 11, 12)


def test_one_without_end_stays() -> None:
    for made in (AGE, None):
        assert rule(None, made).ends(MADE, AGE) is None
        assert not rule(None, made).over(10 * MADE, 10 * AGE)


def test_one_without_an_age_ends_by_the_clock() -> None:
    one = rule(MADE + HOUR, None)
    assert one.ends(MADE + 9 * HOUR, AGE) == MADE + HOUR
    assert not one.over(MADE + HOUR - 1, AGE) and one.over(MADE + HOUR, AGE) and one.over(MADE + HOUR + 1, AGE)


def test_one_with_an_age_ends_by_that() -> None:
    one = rule(MADE + HOUR)
    assert not one.over(MADE + HOUR - 1, AGE + HOUR - 1) and one.over(MADE + HOUR, AGE + HOUR)
    for moved in (-10 * HOUR, -ROUNDED_S - 1, ROUNDED_S + 1, 10 * HOUR):  # the wall clock was set meanwhile
        assert one.ends(MADE + moved + 5, AGE + 5) == MADE + HOUR + moved
        assert not one.over(MADE + moved + HOUR - 1, AGE + HOUR - 1)
        assert one.over(MADE + moved + HOUR, AGE + HOUR)


def test_seconds_that_were_rounded_move_no_end() -> None:
    for moved in range(-ROUNDED_S, ROUNDED_S + 1):
        assert rule(MADE + HOUR).ends(MADE + moved + 5, AGE + 5) == MADE + HOUR


def test_a_view() -> None:
    one = View((("device", 1),), "strict", "moderate", 6, 8, ("a",))
    assert (one.scopes, one.search, one.youtube) == ((("device", 1),), "strict", "moderate")
    assert (one.protecting, one.filtering, one.services) == (6, 8, ("a",))
    assert View(()).safe is False
    for search, youtube in (("on", OFF), (OFF, "moderate"), ("on", "moderate")):
        assert View((), search, youtube).safe is True
