"""A child's ways round the times, an adult's own word, and that nothing is recorded for any of it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.core.model import BadInput
from agent.core.timezone import DAY_S
from agent.jobs.web.routes import OWN, PERSON, ROUTES
from tests.daemon.limited import LAPTOP, NIGHT, PHONE, TABLET, Times, at
from tests.promises.household import Home

ADDRESSES = {TABLET: "192.168.1.11", PHONE: "192.168.1.12", LAPTOP: "192.168.1.13"}
# What the page at /me may do that changes anything.
MAY = {
    ".my_switch",
    ".my_confirmation",
    ".my_request",
    ".set_pin",
    ".enter_pin",
    ".my_dispute",
    ".my_erase",
    ".my_bonus",
    ".my_time_code",
    ".my_limits",
    ".my_week_file_join",
    ".my_week_file_leave",
}


@pytest.fixture
def times(tmp_path: Path) -> Iterator[Times]:
    with made(tmp_path) as found:
        yield found


@contextlib.contextmanager
def made(folder: Path) -> Iterator[Times]:
    found = Times(Home(str(folder)), at(12))
    found.kernel.mac_of = lambda address: next(  # type: ignore[method-assign]
        (bytes.fromhex(mac.replace(":", "")) for mac, own in ADDRESSES.items() if own == address), None
    )
    assert found.home.household
    found.home.household.clients.mac_of = found.kernel.mac_of
    try:
        yield found
    finally:
        found.home.crash()


def test_the_page_of_a_device_has_nothing_that_lengthens() -> None:
    changing = {route.op for route in ROUTES if route.access in (PERSON, OWN) and route.method != "GET"}
    assert changing == MAY
    for route in ROUTES:
        if route.op.split(".")[0] in ("limits", "hold", "exception", "allowance") or route.op in (
            ".turn_off",
            "request.reply",
            "time.code",
        ):
            assert route.access not in (PERSON, OWN, "public"), route.path


ME = st.sampled_from(["me.off", "me.agree", "me.confirm", "time", "tonight", "objection", "unblock", "me", "me.code"])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(st.tuples(ME, st.integers(0, 900)), max_size=12), data=st.data())
def test_whatever_a_child_does_at_its_page_frees_nobody_sooner(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[str, int]], data: st.DataObject
) -> None:
    with made(tmp_path_factory.mktemp("home")) as times:
        times.ask("limits.set", person_id=1, windows=NIGHT)
        times.go(at(21) - at(12))
        times.ask("hold.add", person_id=1, until=at(8, 0, 20789))
        until = times.ask("limits.get", person_id=1)["now"]["until"]
        for what, later in asked:
            times.go(later)
            mine: dict[str, object] = {"address": ADDRESSES[TABLET]}
            if what.startswith("me."):
                mine["feature"] = data.draw(st.sampled_from(["limits", "history", "protection"]))
                mine |= {"agree": 2, "code": "12345678", "grant": 900}
            elif what != "me":
                mine |= {"kind": what, "seconds": 900, "target": "a.example"}
            with contextlib.suppress(BadInput):
                times.home.ask(what if what.startswith("me") else "request.add", **mine)
            assert times.kernel.taken == {TABLET}
            assert times.ask("limits.get", person_id=1)["now"]["until"] >= until


def test_a_code_gives_once_and_cannot_be_guessed(times: Times) -> None:
    def typed(code: str, grant: object = 900) -> set[str]:
        times.home.ask("me.code", address=ADDRESSES[TABLET], code=code, grant=grant)
        return times.kernel.taken

    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.go(at(21) - at(12))
    with pytest.raises(BadInput, match="is over"):
        typed("00000000")
    code = times.ask("time.code")["code"]
    assert len(code) == 8 and code.isdigit()
    for wrong in (900 + 1, True, "always", None, -1):
        with pytest.raises(BadInput, match="grant"):
            typed(code, wrong)
    asked = times.ask("request.add", device_id=1, kind="time", seconds=3600)
    assert typed(code[:4] + " " + code[4:]) == set() and times.go(899) == set() and times.go(1) == {TABLET}
    assert times.ask("request.list")["items"][0]["state"] == "answered" and asked["state"] == "open"
    with pytest.raises(BadInput, match="is over"):
        typed(code)
    # Wrong ones end it, whoever guesses; so do two minutes, whatever the wall clock says, and a restart.
    code = times.ask("time.code")["code"]
    for guess in range(3):
        with pytest.raises(BadInput, match="not the code"):
            typed(str((int(code) + guess + 1) % 10**8).zfill(8))
    with pytest.raises(BadInput, match="is over"):
        typed(code)
    code = times.ask("time.code")["code"]
    times.go(120)
    times.clock.at -= 200
    with pytest.raises(BadInput, match="is over"):
        typed(code)
    code = times.ask("time.code")["code"]
    times.again()
    with pytest.raises(BadInput, match="is over"):
        typed(code)
    # What holds by hand is lifted too, and the log tells by what.
    times.ask("hold.add", person_id=1, seconds=3600)
    assert typed(times.ask("time.code")["code"], "tonight") == set()
    household = times.home.household
    assert household
    assert [row.actor for row in household.state.ledger.rows() if row.action == "extend"] == ["code", "code"]


def test_pulling_the_plug_at_bedtime_gains_ten_minutes_at_most_of_a_router_that_knows_no_time(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    assert times.go(at(21) - at(12)) == {TABLET}
    times.again(trusted=False)
    assert times.kernel.taken == {TABLET}
    for _ in range(59):
        assert times.go(10) == {TABLET}
    # NTP comes: it is bedtime still.
    times.clock.ok = True
    assert times.go(1) == {TABLET}


def test_a_free_device_is_not_held_by_pulling_the_plug(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.go(600)
    times.again(trusted=False)
    times.go(at(21) - times.clock.at)
    assert times.kernel.taken == set()


def test_a_clock_that_was_put_forward_frees_nobody_who_is_held_for_a_time(times: Times) -> None:
    times.ask("hold.add", person_id=1, seconds=3600)
    times.clock.at += 40 * DAY_S
    times.tick()
    assert times.kernel.taken == {TABLET}


def test_a_new_address_is_given_to_the_same_device_and_held_at_once(times: Times) -> None:
    times.ask("hold.add", person_id=1, seconds=3600)
    times.ask("device.edit", device_id=1, mac="5a:22:fb:00:00:09")
    assert times.kernel.taken == {"5a:22:fb:00:00:09"}


def test_an_adult_s_own_word(times: Times) -> None:
    assert times.ask("limits.set", person_id=3, windows=NIGHT)["consent"] == "waiting"
    mine = {"address": ADDRESSES[LAPTOP], "feature": "limits"}
    assert times.home.ask("me", **mine)["limits"]["consent"] == "waiting"
    times.go(at(21) - at(12))
    assert times.kernel.taken == set()
    times.home.ask("me.agree", agree=2, **mine)
    assert times.kernel.taken == {LAPTOP}
    assert times.ask("hold.add", all=True, seconds=60)["left_out"] == []
    times.home.ask("me.off", **mine)  # at once, whatever the household set
    assert LAPTOP not in times.kernel.taken
    with pytest.raises(BadInput):
        times.ask("hold.add", person_id=3, seconds=60)


def test_an_adult_s_own_times(times: Times) -> None:
    def own(mac: str, windows: list[dict[str, str]], agree: int = 2) -> dict[str, Any]:
        return times.home.ask("me.limits", address=ADDRESSES[mac], windows=windows, agree=agree)

    for mac in (TABLET, PHONE):
        with pytest.raises(BadInput, match="only an adult"):
            own(mac, [])
    with pytest.raises(BadInput, match="agree to version 2"):
        own(LAPTOP, NIGHT, 1)
    shown = own(LAPTOP, NIGHT)
    assert shown["consent"] == "on" and shown["words"] == ["Every day: off 20:30–7:00"]
    assert times.go(at(21) - at(12)) == {LAPTOP}
    # Stricter is so at once, in the midst of it; ending it early takes ten minutes.
    assert own(LAPTOP, [{**NIGHT[0], "end": "08:00"}])["now"]["until"] == at(8, 0, 20789)
    assert own(LAPTOP, [])["now"]["held"]
    assert times.go(599) == {LAPTOP} and times.go(1) == set()
    own(LAPTOP, [{**NIGHT[0], "end": "22:00"}])
    times.go(at(21, 55) - times.clock.at)
    own(LAPTOP, [])
    assert times.go(299) == {LAPTOP} and times.go(1) == set()
    # Their off is at once, and the log tells whose word it was.
    own(LAPTOP, [{**NIGHT[0], "end": "23:00"}])
    assert times.kernel.taken == {LAPTOP}
    times.home.ask("me.off", address=ADDRESSES[LAPTOP], feature="limits")
    assert times.kernel.taken == set()
    household = times.home.household
    assert household and {r.actor for r in household.state.ledger.rows() if r.action in ("limit", "on")} == {"me:3"}


def test_who_turns_18_is_asked(times: Times) -> None:
    household = times.home.household
    assert household
    times.ask("person.edit", id=2, birth_month="2009-01")
    times.ask("limits.set", person_id=2, windows=NIGHT)
    assert times.go(at(21) - at(12)) == {PHONE}
    household.people.birthdays()
    assert times.kernel.taken == {PHONE}
    times.clock.month = lambda: (2027, 1)  # type: ignore[method-assign]
    household.people.birthdays()
    assert times.kernel.taken == set() and times.ask("limits.get", person_id=2)["consent"] == "waiting"


def test_nothing_of_what_a_held_device_asks_for_is_written(times: Times) -> None:
    household = times.home.household
    assert household
    slot = household.state.device(1).slot
    secrets = []
    for number in range(40):
        if number % 2:
            times.ask("hold.add", person_id=1, seconds=60)
        else:
            times.ask("limits.set", person_id=1, windows=NIGHT[: number % 4])
        secret = f"secret{number}xq.example".encode()
        secrets.append(secret)
        household.recorder.allowed(slot, household.gate.generation(slot), secret, "dns", 1)
        household.flush()
        times.go(61)
    assert household.gate.features(slot) == ["limits"]
    assert household.records.count("visits", 1) == household.records.count("attempts", 1) == 0
    for folder in (times.home.state_dir, times.home.run_dir):
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                held = Path(path).read_bytes()
                assert not [secret for secret in secrets if secret in held], name
    # The same is written as soon as history is on.
    times.ask("on", device_id=1, feature="history", agree=1)
    household.recorder.allowed(slot, household.gate.generation(slot), b"www.seen.example", "dns", 1)
    household.flush()
    assert household.records.count("visits", 1) == 1


def test_the_log_tells_each_change_and_holds_no_label(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=[{**NIGHT[0], "label": "Xylophone"}])
    times.ask("hold.add", person_id=1, seconds=60)
    times.ask("hold.end", person_id=1)
    times.ask("exception.add", person_id=1, kind="off")
    household = times.home.household
    assert household
    rows = [row for row in household.state.ledger.rows() if row.feature == "times"]
    assert [row.action for row in rows] == ["limit", "hold", "release", "extend"]
    assert all("Xylo" not in row.detail and row.actor == "web" for row in rows)
    shown = times.home.ask("me", address=ADDRESSES[TABLET])["limits"]
    assert [one["what"] for one in shown["changed"]] == ["extend", "release", "hold", "limit"]
    assert times.ask("audit")["ok"]
