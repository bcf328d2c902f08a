"""P7 of times: what `explain` says of a moment to come is what happens then."""

import random

import pytest

from agent.core.model import BadInput
from agent.core.timezone import DAY_S, weekday
from agent.core.windows import DAYS, KINDS
from tests.daemon.limited import NIGHT, TABLET, ZONE, Times, at

NAME = "www.shop.example"


@pytest.mark.parametrize("seed", range(3))
def test_what_is_said_of_a_week_is_what_happens(times: Times, seed: int) -> None:
    chance = random.Random(seed)
    windows = [
        {
            "kind": chance.choice(KINDS),
            "days": ",".join(chance.sample(DAYS, chance.randint(1, 4))),
            "begin": f"{chance.randrange(24):02}:{chance.choice(['00', '30'])}",
            "end": f"{chance.randrange(24):02}:15",
        }
        for _ in range(6)
    ]
    times.ask("limits.set", person_id=1, windows=windows)
    said = []
    for moment in sorted(chance.sample(range(at(12, 1), at(12) + 6 * DAY_S, 60), 25)):
        wall = ZONE.wall(moment)
        words = f"{DAYS[weekday(wall // DAY_S)]} {wall % DAY_S // 3600}:{wall % 3600 // 60:02}"
        told = times.ask("explain", name=NAME, person_id=1, at=words)
        assert told["at"] == moment
        assert (" the internet is off (" in told["how"]) == told["internet"]["held"]
        said.append((moment, told["internet"]))
    assert {row["held"] for _, row in said} == {True, False}
    for moment, row in said:
        assert (times.go(moment - times.clock.at) == {TABLET}) == row["held"], (moment, row)
        now = times.ask("limits.get", person_id=1)["now"]
        assert (now["why"], now["until"]) == (row["why"], row["until"])


def test_what_is_reached_all_the_same(times: Times) -> None:
    times.ask(
        "limits.set", person_id=1, windows=[*NIGHT, {**NIGHT[0], "kind": "homework", "begin": "15:00", "end": "16:00"}]
    )
    times.ask("content.set", person_id=1, always=["always.example"], homework=["school.example"])

    def told(name: str, when: str) -> str:
        return str(times.ask("explain", name=name, person_id=1, at=when)["how"])

    assert told(NAME, "21:00").endswith(
        " At 21:00 the internet is off (Mia's bedtime until 7:00): so it is not reached then."
    )
    assert told("www.always.example", "fri 21:00").endswith("it is reached all the same.")
    assert told("www.school.example", "fri 15:30").endswith("it is reached all the same.")
    assert told("www.school.example", "fri 21:00").endswith("so it is not reached then.")
    assert "internet is off" not in told(NAME, "12:30")
    assert times.ask("explain", name=NAME, person_id=1)["internet"] == {"held": False, "why": "", "until": None}
    assert times.ask("explain", name=NAME)["internet"] is None
    for wrong in ("never", "fri", "fri 25:00", "21:00 fri"):
        with pytest.raises(BadInput):
            told(NAME, wrong)


def test_a_rule_that_is_over_by_then_decides_nothing(times: Times) -> None:
    times.ask("block", name="games.example", seconds=3600)
    times.ask("block", name="chat.example", person_id=1, seconds=3600)
    times.ask("block", name="stays.example")

    def told(name: str, when: str | None = None, **of: int) -> str:
        return str(times.ask("explain", name=name, **of, **({"at": when} if when else {}))["verdict"])

    for name, of in (("games.example", {}), ("games.example", {"person_id": 1}), ("chat.example", {"person_id": 1})):
        assert [told(name, when, **of) for when in (None, "12:30", "13:30", "sun 3:17")] == [
            "block",
            "block",
            "allow",
            "allow",
        ]
    how = [times.ask("explain", name="chat.example", at=when)["how"] for when in ("12:30", "13:30")]
    assert ["For Mia it is blocked" in one for one in how] == [True, False]
    assert told("stays.example", "sun 3:17") == "block"
    assert told("games.example", person_id=1) == "block", "and now it blocks as before"


def test_the_hour_as_people_say_it(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    moments = [
        times.ask("explain", name=NAME, person_id=1, at=when)["at"]
        for when in ("fri 20:00", "fri 8 pm", "fri 8pm", "Fri 8 PM", "Fri 8:00 pm")
    ]
    assert len(set(moments)) == 1
    assert times.ask("explain", name=NAME, at="8 pm")["at"] == times.ask("explain", name=NAME, at="20:00")["at"]
    for wrong in ("pm", "fri pm", "13 pm"):
        with pytest.raises(BadInput):
            times.ask("explain", name=NAME, at=wrong)


def test_of_several_days_the_next_counts(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    assert times.ask("explain", name=NAME, device_id=1, at="sat,sun 20:29")["internet"]["held"] is False
    assert times.ask("explain", name=NAME, device_id=1, at="sat,sun 20:30")["internet"]["why"] == "bedtime"
    assert times.ask("explain", name=NAME, device_id=1, at="tue 11:00")["at"] == at(11) + 7 * DAY_S
