"""Blocked accesses become rows: one a rule and minute."""

from agent.core.attempts import REPEAT_S, WAITING_MAX, Attempts
from agent.core.model import PROTECTION, Permit, Rule

RULE = Rule("bad.example", list_id="phish")


def block(attempts, target, age, device=1, rule=RULE, epoch=1):
    attempts.observe(Permit(device, PROTECTION, epoch), rule, target, "dns", 1, 5000 + age, age)


def shown(rows):
    return [(row.device_id, row.target, row.hits) for row in rows]


def test_the_same_name_each_second_is_one_row_a_minute():
    attempts = Attempts()
    rows = []
    for age in range(2 * REPEAT_S):
        block(attempts, "bad.example", age)
        rows += [row for row in attempts.dirty() if row not in rows]
        attempts.written()
    assert shown(rows) == [(1, "bad.example", REPEAT_S)] * 2
    assert [row.at - 5000 for row in rows] == [59, 119]


def test_many_names_below_one_rule_are_one_row_that_says_so():
    attempts = Attempts()
    for number in range(6500):
        block(attempts, "n" + str(number) + ".bad.example", number // 200)
    assert shown(attempts.dirty()) == [(1, "bad.example", 6500)]


def test_other_rules_devices_and_epochs_have_their_own_rows():
    attempts = Attempts()
    block(attempts, "bad.example", 0)
    block(attempts, "bad.example", 0, device=2)
    block(attempts, "bad.example", 0, epoch=2)
    block(attempts, "bad.example", 0, rule=Rule("bad.example", list_id="other"))
    block(attempts, "worse.example", 0, rule=Rule("worse.example", list_id="phish"))
    assert len(attempts.dirty()) == 5


def test_a_target_that_is_not_below_the_rules_text_stays():
    attempts = Attempts()
    for target in ("http://a.example/x", "http://a.example/y"):
        block(attempts, target, 0, rule=Rule("http://a.example/*"))
    assert shown(attempts.dirty()) == [(1, "http://a.example/x", 2)]


def test_one_device_leaves_room_for_another():
    attempts = Attempts()
    for number in range(9000):
        block(attempts, "x", 0, rule=Rule("n" + str(number) + ".example"))
    block(attempts, "bad.example", 0, device=2)
    assert len(attempts.dirty()) == WAITING_MAX + 1 and attempts.dropped == 9000 - WAITING_MAX


def test_what_has_ended_or_was_removed_does_not_grow_on():
    attempts = Attempts()
    block(attempts, "bad.example", 0)
    (row,) = attempts.close([1])
    assert attempts.dirty() == []
    block(attempts, "bad.example", 1)
    (again,) = attempts.dirty()
    assert again is not row
    again.id = 7
    attempts.written()
    attempts.drop({7})
    block(attempts, "bad.example", 2)
    (third,) = attempts.dirty()
    assert third is not again and third.hits == 1
    attempts.lost()
    block(attempts, "bad.example", 3)
    assert len(attempts.dirty()) == 2
