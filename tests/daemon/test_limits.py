"""Times and internet off: what is held, what the kernel is told, and what is refused."""

from pathlib import Path

import pytest

from agent.core.model import BadInput
from agent.core.timezone import DAY_S
from agent.daemon.operations.arguments import OperationRejected
from tests.daemon.limited import NIGHT, PHONE, TABLET, TV, Times, at
from tests.promises.household import Home


def test_bedtime(times: Times) -> None:
    said = times.ask("limits.set", person_id=1, windows=NIGHT)
    assert said["words"] == ["Every day: off 20:30–7:00"] and said["consent"] == "on" and not said["now"]["held"]
    assert said["now"]["text"] == "free until 20:30" and said["next"] == {
        "held": True,
        "why": "bedtime",
        "at": at(20, 30),
    }
    assert times.go(at(20, 29) - at(12)) == set() and times.go(60) == {TABLET}
    now = times.ask("limits.get", person_id=1)["now"]
    assert now == {
        "held": True,
        "why": "bedtime",
        "label": "",
        "until": at(7, day=20789),
        "text": "Mia's bedtime until 7:00",
    }
    internet = times.ask("person.list")["items"][2]["internet"]
    assert internet == {"held": True, "why": "bedtime", "until": now["until"], "next": internet["next"]}
    assert internet["next"]["held"] is False and internet["next"]["at"] == now["until"]
    assert times.go(now["until"] - at(20, 30)) == set()


def test_rules_follow_the_present_person(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.go(at(21) - at(12))
    assert times.kernel.taken == {TABLET}
    times.ask("device.edit", device_id=1, person_id=2)
    assert times.kernel.taken == set()
    times.ask("device.edit", device_id=2, person_id=1)
    assert times.kernel.taken == {PHONE}


def test_another_s_change_is_shown(times: Times) -> None:
    first = times.ask("limits.get", person_id=1)["version"]
    times.ask("limits.set", person_id=1, windows=NIGHT, version=first)
    with pytest.raises(OperationRejected) as refused:
        times.ask("limits.set", person_id=1, windows=[], version=first)
    assert refused.value.code == "conflict" and refused.value.detail["words"] == ["Every day: off 20:30–7:00"]


def test_off_now_for_everybody_leaves_out_who_did_not_agree(times: Times) -> None:
    done = times.ask("hold.add", all=True, seconds=900)
    assert done["left_out"] == ["Ann"] and times.kernel.taken == {TABLET, PHONE, TV}
    assert times.ask("hold.list")["items"] == done["holds"]
    assert times.go(899) == {TABLET, PHONE, TV} and times.go(1) == set()
    assert times.ask("hold.add", children=True, ended=True)["left_out"] == []
    assert times.kernel.taken == {TABLET, PHONE}
    assert times.go(86399) == {TABLET, PHONE} and times.go(1) == set()


def test_an_adult_is_asked(times: Times) -> None:
    with pytest.raises(OperationRejected) as refused:
        times.ask("hold.add", person_id=3, seconds=900)
    assert refused.value.code == "conflict" and "Ann" in str(refused.value)
    said = times.ask("limits.set", person_id=3, windows=NIGHT)
    assert said["consent"] == "waiting" and times.go(at(21) - at(12)) == set()


def test_ends_one_of_two(times: Times) -> None:
    times.ask("hold.add", person_id=1, seconds=900)
    long = times.ask("hold.add", device_id=1, seconds=3600)["holds"][0]
    assert times.ask("limits.get", person_id=1)["now"]["until"] == times.clock.at + 3600
    assert times.ask("hold.end", id=long["id"])["now"]["until"] == times.clock.at + 900
    times.ask("hold.end", person_id=1)
    assert times.kernel.taken == set()
    with pytest.raises(BadInput):
        times.ask("hold.end", person_id=1)


def test_free_for_a_quarter_of_an_hour_and_back(times: Times) -> None:
    times.ask("hold.add", person_id=1, ended=True)
    times.ask("hold.add", person_id=1, seconds=3600)
    times.ask("exception.add", person_id=1, kind="free", seconds=900)
    assert times.kernel.taken == set() and times.go(900) == {TABLET}
    times.ask("exception.add", person_id=1, kind="free", seconds=900)
    times.ask("hold.add", person_id=1, seconds=60)  # the last word counts
    assert times.kernel.taken == {TABLET}


def test_tonight(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.ask("exception.add", person_id=1, kind="later", seconds=1800)
    said = times.ask("exception.add", person_id=1, kind="later", seconds=1800)
    assert said["next"]["at"] == at(21, 30) and [one["kind"] for one in said["exceptions"]] == ["later"]
    with pytest.raises(OperationRejected):
        times.ask("exception.add", person_id=1, kind="later", seconds=3 * 3600)
    assert times.go(at(21, 30) - at(12)) == {TABLET}
    times.ask("exception.add", person_id=1, kind="later", seconds=900)  # resumes later
    assert times.kernel.taken == set() and times.go(900) == {TABLET}
    times.ask("exception.add", person_id=1, kind="off")
    assert times.kernel.taken == set() and times.go(at(20, 30, 20789) - at(21, 45)) == {TABLET}
    times.go(at(12, 0, 20790) - times.clock.at)
    times.ask("exception.add", person_id=1, kind="earlier")
    assert times.kernel.taken == {TABLET}
    assert times.ask("limits.get", person_id=1)["now"]["until"] == at(7, 0, 20791)


def test_what_the_kernel_refuses_is_not_claimed(times: Times) -> None:
    times.kernel.refuses = "There is no room."
    with pytest.raises(OperationRejected) as refused:
        times.ask("hold.add", person_id=1, seconds=900)
    assert refused.value.code == "busy" and "no room" in str(refused.value)
    times.kernel.refuses = ""
    times.go(60)
    assert times.kernel.taken == set() and times.ask("hold.list")["items"] == []


def test_asked_and_granted(times: Times) -> None:
    assert times.home.household
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.go(at(21) - at(12))
    asked = times.ask("request.add", device_id=1, kind="time", seconds=900)
    assert asked["seconds"] == 900 and times.ask("request.add", device_id=1, kind="time", seconds=900) == asked
    with pytest.raises(BadInput):
        times.ask("request.add", device_id=1, kind="time", seconds=901)
    done = times.ask("request.reply", id=asked["id"], grant=900)
    assert done["state"] == "answered" and done["answer"] == "yes" and times.kernel.taken == set()
    assert times.go(900) == {TABLET}
    tonight = times.ask("request.add", device_id=1, kind="tonight")
    times.ask("request.reply", id=tonight["id"], grant="tonight", answer="ok")
    assert times.kernel.taken == set() and times.go(at(20, 30, 20789) - times.clock.at) == {TABLET}
    times.ask("hold.add", person_id=1, seconds=3600)
    again = times.ask("request.add", device_id=1, kind="time", seconds=1800)
    times.ask("request.reply", id=again["id"], answer="no")
    assert times.kernel.taken == {TABLET}


def test_what_nobody_answered_ends_with_what_it_was_about(times: Times) -> None:
    def states() -> list[str]:
        return [row["state"] for row in times.ask("request.list")["items"]]

    def ask(kind: str = "tonight", **more: object) -> int:
        return int(times.ask("request.add", device_id=1, kind=kind, **more)["id"])

    times.ask("limits.set", person_id=1, windows=NIGHT)
    ask()  # before bedtime: until that is over
    ask("objection", text="no")
    times.go(at(6, 59, 20789) - at(12))
    assert states() == ["open", "open"]
    times.go(60)
    assert states() == ["ended", "open"] and [r["kind"] for r in times.ask("request.list", state="open")["items"]] == [
        "objection"
    ]
    with pytest.raises(OperationRejected, match="is over"):
        times.ask("request.reply", id=1, grant=900)
    # The same again is another one; a jump of the clock ends nothing, and a restart brings nothing back.
    times.ask("hold.add", person_id=1, seconds=3600)
    assert ask() == 3
    times.clock.at += 40 * DAY_S
    times.tick()
    assert states() == ["ended", "open", "open"]
    times.again()
    times.go(3600)
    assert states() == ["ended", "open", "ended"]
    # Where nothing is to come, a day.
    times.ask("limits.set", person_id=1, windows=[])
    ask()
    times.go(DAY_S - 1)
    assert states()[-1] == "open"
    times.go(1)
    assert states()[-1] == "ended" and times.ask("request.reply", id=4, answer="sorry")["state"] == "answered"


def test_a_device_may_ask_ten_times_a_day(times: Times) -> None:
    for seconds in (900, 1800, 3600):
        times.ask("request.add", device_id=1, kind="time", seconds=seconds)
    with pytest.raises(OperationRejected):
        times.ask("request.add", device_id=1, kind="tonight")
    for _ in range(7):
        open_ones = times.ask("request.list", state="open")["items"]
        times.ask("request.reply", id=open_ones[0]["id"], answer="no")
        times.ask("request.add", device_id=1, kind="time", seconds=open_ones[0]["seconds"])
    times.ask("request.reply", id=times.ask("request.list", state="open")["items"][0]["id"], answer="no")
    with pytest.raises(OperationRejected):
        times.ask("request.add", device_id=1, kind="tonight")


def test_devices_known_by_address_are_refused_with_the_reason(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    home.start()
    home.ask("device.add", label="tablet", address="127.0.0.2")
    for op, more in (
        ("hold.add", {"seconds": 900}),
        ("limits.set", {"windows": NIGHT}),
        ("exception.add", {"kind": "off"}),
    ):
        with pytest.raises(OperationRejected) as refused:
            home.ask(op, device_id=1, **more)
        assert "known by their address" in str(refused.value)
    home.crash()


def test_ends_by_hours_and_mornings(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    assert times.ask("hold.add", person_id=1, morning=True)["holds"][0]["until"] == at(7, 0, 20789)
    assert times.ask("hold.add", person_id=2, until=at(18))["holds"][0]["until"] == at(18)
    assert times.ask("hold.add", device_id=4, morning=True)["holds"][0]["until"] == at(7, 0, 20789)
    for wrong in ({}, {"until": at(11)}, {"until": at(12) + 9 * DAY_S}, {"seconds": 60, "ended": True}):
        with pytest.raises(BadInput):
            times.ask("hold.add", person_id=1, **wrong)


def test_forgotten_with_the_person(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=[{**NIGHT[0], "label": "Xylophone"}])
    times.ask("hold.add", person_id=1, seconds=3600)
    times.ask("person.remove", id=1)
    assert times.kernel.taken == set() and times.home.household
    assert times.home.household.state.limits.owners() == set()
    assert b"Xylophone" not in Path(times.home.state_dir, "state.db").read_bytes()


def test_a_restored_router_holds_nobody(times: Times) -> None:
    assert times.home.household
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.ask("pause")
    assert times.go(at(21) - at(12)) == {TABLET}  # to pause the recording ends no limits
    household = times.home.household
    household.toggles.off([(household.state.device(1), "limits")], "suspend", "restore")
    assert times.kernel.taken == set() and times.ask("limits.get", person_id=1)["consent"] == "suspended"
    times.ask("resume")
    assert times.kernel.taken == {TABLET}


def test_everybody_leaves_out_who_waits(times: Times) -> None:
    restored(times)
    assert times.ask("hold.add", all=True, seconds=60)["left_out"] == ["Ann", "phone", "tablet"]
    assert times.kernel.taken == {TV}


def restored(times: Times) -> None:
    """Mia's times and Ben's, as they are after a backup was brought back."""
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.ask("limits.set", person_id=2, windows=NIGHT)
    assert times.go(at(21) - at(12)) >= {TABLET, PHONE}
    household = times.home.household
    assert household
    devices = [one for one in household.state.devices() if household.keeper.is_on(one)]
    household.toggles.off([(device, "limits") for device in devices], "suspend", "restore")
    assert times.kernel.taken == set()


def test_no_other_change_confirms_what_was_restored(times: Times) -> None:
    restored(times)
    for op, more in (("limits.set", {"windows": NIGHT[:1]}), ("content.set", {"search": "on"})):
        times.ask(op, person_id=1, **more)
        assert times.ask("limits.get", person_id=1)["consent"] == "suspended" and times.kernel.taken == set()
    for whom in ({"person_id": 1}, {"device_id": 1}, {"children": True}):
        with pytest.raises(OperationRejected) as refused:
            times.ask("hold.add", seconds=60, **whom)
        assert refused.value.code == "conflict" and times.ask("hold.list")["items"] == []
    # A device that comes to Mia meanwhile waits with the others.
    times.ask("device.edit", device_id=4, person_id=1, shared=False)
    assert times.kernel.taken == set()
    # Each owner is confirmed by themselves, in either way.
    times.ask("resume", person_id=1)
    assert times.kernel.taken == {TABLET, TV}
    assert times.ask("limits.get", person_id=2)["consent"] == "suspended"
    times.ask("on", person_id=2, feature="limits", agree=2)
    assert times.kernel.taken == {TABLET, PHONE, TV}


def test_a_device_that_is_not_confirmed_is_named(times: Times) -> None:
    times.ask("device.edit", device_id=4, person_id=1, shared=False)
    restored(times)
    times.ask("resume", device_id=1)
    assert times.ask("hold.add", person_id=1, seconds=60)["left_out"] == ["TV"]
    with pytest.raises(OperationRejected):
        times.ask("hold.add", device_id=4, seconds=60)


def test_what_was_turned_off_ends_with_times(times: Times) -> None:
    times.ask("device.edit", device_id=4, person_id=1, shared=False)
    times.ask("hold.add", person_id=1, seconds=3600)
    times.ask("hold.add", device_id=2, seconds=3600)
    assert times.kernel.taken == {TABLET, TV, PHONE}
    times.ask("off", device_id=1, feature="limits")
    times.ask("off", device_id=2, feature="limits")
    assert times.kernel.taken == {TV}
    for device in (1, 2):
        times.ask("on", device_id=device, feature="limits", agree=2)
    assert times.kernel.taken == {TV} and times.go(3599) == {TV} and times.go(1) == set()


def test_what_the_kernel_refused_leaves_times_as_they_were(times: Times) -> None:
    times.ask("limits.set", person_id=2, windows=NIGHT)
    times.kernel.refuses = "no room"
    for person, consent in ((1, "off"), (2, "on")):
        with pytest.raises(OperationRejected, match="no room"):
            times.ask("hold.add", person_id=person, seconds=60)
        assert times.ask("limits.get", person_id=person)["consent"] == consent
    assert times.ask("hold.list")["items"] == []


def test_nothing_is_recorded_for_limits(times: Times) -> None:
    times.ask("hold.add", person_id=1, seconds=3600)
    household = times.home.household
    assert household
    slot = household.state.device(1).slot
    assert household.gate.features(slot) == ["limits"]
    for feature in ("limits", "history", "protection"):
        assert household.gate.issue(slot, household.gate.generation(slot), feature) is None
    epoch = household.state.ledger.register.epoch(household.state.device(1).enrolment, "limits")
    attempts = "target, at, age, hits, source, rule, scope, list, list_name, list_version, category"
    for table, columns in (("visits", "site, first, last, age, hits, hosts, source"), ("attempts", attempts)):
        values = ",".join("0" for _ in columns.split(","))
        with pytest.raises(Exception, match="outside consent"):
            household.records.db.sql.execute(
                f"INSERT INTO {table}(device, epoch, batch, {columns}) VALUES (1, {epoch}, 1, {values})"
            )


def test_a_device_with_times_alone_is_read_only_while_it_is_held(times: Times) -> None:
    household = times.home.household
    assert household
    times.ask("limits.set", person_id=1, windows=NIGHT)
    assert [device.label for device in household._open_devices()] == []
    times.kernel.covers = lambda device: False  # type: ignore[method-assign]
    said = times.ask("status")
    assert said["kernel"]["uncovered"] == [] and said["health_code"] != "uncovered"
    times.go(at(21) - at(12))
    assert [device.label for device in household._open_devices()] == ["tablet"]
    assert times.ask("status")["kernel"]["uncovered"] == [1]


def test_the_zone_is_read_again_every_minute(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    Path(times.home.run_dir, "timezone").write_text("EST5EDT,M3.2.0,M11.1.0")
    times.go(60)
    said = times.ask("limits.get", person_id=1)
    assert said["clock"]["offset_min"] == -300 and said["now"]["until"] == at(7) + 6 * 3600  # six in the morning there
    assert times.kernel.taken == {TABLET}
    Path(times.home.run_dir, "timezone").write_text("nonsense")
    times.go(61)
    assert times.ask("limits.get", person_id=1)["clock"]["zone"] != "nonsense"


def test_a_clock_that_jumps_neither_ends_nor_prolongs_a_hold(times: Times) -> None:
    for jump in (40 * DAY_S, -40 * DAY_S, 3600, -3600):
        times.ask("hold.add", person_id=1, seconds=900)
        times.go(300)
        times.clock.at += jump
        times.tick()
        assert times.kernel.taken == {TABLET}
        assert times.go(598) == {TABLET} and times.go(4) == set()


def test_a_hold_survives_the_power_cut(times: Times) -> None:
    times.ask("hold.add", person_id=1, seconds=900)
    times.again(trusted=False)
    assert times.kernel.taken == {TABLET} and times.go(899) == {TABLET} and times.go(2) == set()


def test_backup_and_restore_bring_times_back_held_back(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT, dates=[{"first": "2026-12-21", "last": "2027-01-06"}])
    rows, after = [], None
    while True:
        page = times.ask("backup", **({"after": after} if after else {}))
        rows += page["items"]
        after = page["next"]
        if not after:
            break
    assert [row["row"][3:] for row in rows if row["kind"] == "window"] == [["bedtime", 127, 1230, 420, "", 0]]
    assert [row["kind"] for row in rows].count("holiday") == 1
    times.ask("restore", part="first", rows=rows)
    assert times.ask("restore", part="last", rows=[])["restored"]["window"] == 1
    damaged = [{"kind": "window", "row": [1, "person", 1, "bedtime", 127, 1230, 1441, "", 0]}]
    times.ask("restore", part="first", rows=[])
    with pytest.raises(BadInput):
        times.ask("restore", part="last", rows=damaged)


def test_for_how_long_times_were_not_kept_is_told(times: Times) -> None:
    times.ask("limits.set", person_id=1, windows=NIGHT)
    times.go(at(20) - at(12))
    for off_s, told in ((60, 0), (1200, 0), (3600, 1)):
        begun = times.clock.at
        times.home.crash()  # the router goes on
        times.clock.go(off_s)
        times.begin()
        times.tick()
        assert times.home.household
        rows = [row for row in times.home.household.state.ledger.rows() if row.action == "gap"]
        assert len(rows) == told
    assert rows[0].detail == f"from:{begun} to:{begun + 3600}" and rows[0].actor == "schedule"
    assert times.kernel.taken == {TABLET} and times.ask("audit")["ok"]


def test_an_18th_birthday_is_told_a_month_before(times: Times) -> None:
    def told() -> list[object]:
        times.home.household.clients.mac_of = lambda address: bytes.fromhex(PHONE.replace(":", ""))  # type: ignore[union-attr]
        mine = times.ask("me", address="192.168.1.12")["device"]["person"]
        return [next(row for row in times.ask("person.list")["items"] if row["id"] == 2)["becomes"], mine["becomes"]]

    assert told() == [None, None]
    times.ask("person.edit", id=2, birth_month="2009-01")
    assert told() == [None, None], "it is 1 December"
    times.go(DAY_S)
    adult = {"group": "adult", "at": 1798761600}  # 1 January 2027, UTC
    assert told() == [adult, adult]
