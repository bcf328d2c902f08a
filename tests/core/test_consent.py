"""The toggle state machine, epochs, generations, and the ledger's chain."""

from agent.core import consent
from agent.core.consent import (
    GENESIS,
    OFF,
    ON,
    SUSPENDED,
    WAITING,
    ConsentState,
    Gate,
    LedgerRow,
    digest,
    next_state,
    sealed,
)
from agent.core.model import HISTORY, PROTECTION, BadInput, Device, Permit


def weak_sum(data):
    """Stands in for SHA-256, which the core is handed: 32 bytes that depend on all of `data`."""
    total = 1
    for byte in data:
        total = (total * 257 + byte + 1) % (1 << 61)
    return (str(total) + "x" * 32).encode()[:32]


def row(seq, action, enrolment="e1", feature=HISTORY):
    return LedgerRow(seq, 1000 + seq, "cli", enrolment, feature, action, 1, b"")


def refused(call):
    try:
        call()
    except BadInput as error:
        return str(error)
    return None


def test_every_transition_of_the_table_and_no_other():
    states = (OFF, WAITING, ON, SUSPENDED)
    actions = ("on", "ask", "agree", "off", "suspend", "resume")
    allowed = 0
    for state in states:
        for action in actions:
            if (state, action) in consent.TRANSITIONS:
                assert next_state(state, action) == consent.TRANSITIONS[(state, action)]
                allowed += 1
            else:
                assert refused(lambda s=state, a=action: next_state(s, a)) is not None
    assert allowed == len(consent.TRANSITIONS)


def test_epochs_share_what_is_equal():
    """Each switch makes one, and all stay: with parts of its own each took half a kilobyte."""
    state = ConsentState()
    detail = "subject:1/child/own terms:30/ram/household"
    for seq in range(1, 9):
        enrolment = "".join(["e", "1"])
        state.add(LedgerRow(seq, 1, "cli", enrolment, HISTORY, "on" if seq % 2 else "off", 1, b"", "".join([detail])))
    first, *others = state.epochs.values()
    assert first.subject is not None and first.terms is not None and len(others) == 3
    for other in others:
        assert other.subject is first.subject and other.terms is first.terms and other.enrolment is first.enrolment


def test_off_is_reachable_from_everywhere_but_off():
    for state in (WAITING, ON, SUSPENDED):
        assert next_state(state, "off") == OFF


def test_nothing_leads_to_on_without_consent():
    leading = sorted([action for (_, action), after in consent.TRANSITIONS.items() if after == ON])
    assert leading == ["agree", "on", "resume"]


def test_epochs_are_between_on_and_off():
    register = ConsentState()
    for seq, action in ((1, "on"), (2, "off"), (3, "on"), (4, "suspend"), (5, "resume")):
        register.add(row(seq, action))
    assert sorted(register.epochs) == [1, 3, 5]
    assert register.epochs[1].closed == 2 and register.epochs[3].closed == 4 and register.epochs[5].closed is None
    assert register.epoch("e1", HISTORY) == 5
    assert register.in_state(ON) == [("e1", HISTORY)]


def test_features_and_devices_are_apart():
    register = ConsentState()
    register.add(row(1, "on"))
    register.add(row(2, "on", feature=PROTECTION))
    register.add(row(3, "off"))
    assert register.state("e1", HISTORY) == OFF
    assert register.state("e1", PROTECTION) == ON
    assert register.state("e2", HISTORY) == OFF


def test_a_note_switches_nothing():
    register = ConsentState()
    register.add(row(1, "enrol", feature=""))
    assert register.epochs == {} and register.in_state(ON) == []


def test_a_ledger_that_does_not_fit_is_refused():
    register = ConsentState()
    assert refused(lambda: register.add(row(1, "off"))) is not None
    register.add(row(1, "on"))
    assert refused(lambda: register.add(row(2, "on"))) is not None
    assert refused(lambda: register.add(row(2, "dance"))) is not None


def test_the_hash_covers_every_field_and_the_row_before():
    base = sealed(row(1, "on"), GENESIS, weak_sum)
    assert base.hash == digest(base, GENESIS, weak_sum)
    changed = (
        LedgerRow(2, 1001, "cli", "e1", HISTORY, "on", 1, b""),
        LedgerRow(1, 1002, "cli", "e1", HISTORY, "on", 1, b""),
        LedgerRow(1, 1001, "web", "e1", HISTORY, "on", 1, b""),
        LedgerRow(1, 1001, "cli", "e2", HISTORY, "on", 1, b""),
        LedgerRow(1, 1001, "cli", "e1", PROTECTION, "on", 1, b""),
        LedgerRow(1, 1001, "cli", "e1", HISTORY, "off", 1, b""),
        LedgerRow(1, 1001, "cli", "e1", HISTORY, "on", 2, b""),
    )
    for other in changed:
        assert digest(other, GENESIS, weak_sum) != base.hash
    assert digest(base, b"\x01" * 32, weak_sum) != base.hash


def test_fields_can_not_run_into_each_other():
    one = LedgerRow(1, 1, "ab", "c", "", "on", 1, b"")
    other = LedgerRow(1, 1, "a", "bc", "", "on", 1, b"")
    assert digest(one, GENESIS, weak_sum) != digest(other, GENESIS, weak_sum)


def tablet(slot=7):
    return Device(3, "e1", "Mia's tablet", slot=slot)


def test_a_permit_only_while_open():
    gate = Gate()
    assert gate.issue(7, 0, HISTORY) is None
    gate.open(tablet(), HISTORY, 41)
    assert gate.issue(7, gate.generation(7), HISTORY) == Permit(3, HISTORY, 41)
    assert gate.issue(7, gate.generation(7), PROTECTION) is None
    gate.close(tablet(), HISTORY)
    assert gate.issue(7, gate.generation(7), HISTORY) is None
    assert gate.devices() == []


def test_an_old_generation_gets_no_permit():
    gate = Gate()
    gate.open(tablet(), HISTORY, 1)
    before = gate.generation(7)
    gate.close(tablet(), HISTORY)
    gate.open(tablet(), HISTORY, 3)
    assert gate.issue(7, before, HISTORY) is None
    assert gate.issue(7, gate.generation(7), HISTORY) == Permit(3, HISTORY, 3)


def test_a_second_feature_takes_a_new_generation_too():
    gate = Gate()
    gate.open(tablet(), HISTORY, 1)
    before = gate.generation(7)
    gate.open(tablet(), PROTECTION, 2)
    assert gate.issue(7, before, HISTORY) is None
    assert gate.features(7) == [HISTORY, PROTECTION]


def test_another_slot_is_another_device():
    gate = Gate()
    gate.open(tablet(), HISTORY, 1)
    assert gate.issue(8, gate.generation(7), HISTORY) is None


def test_closing_twice_or_never_opened_is_harmless():
    gate = Gate()
    gate.close(tablet(), HISTORY)
    gate.open(tablet(), HISTORY, 1)
    gate.close(tablet(), HISTORY)
    gate.close(tablet(), HISTORY)
    assert gate.devices() == []


def told(seq, action, detail, notice=1, feature=HISTORY):
    return LedgerRow(seq, 1000 + seq, "web", "e1", feature, action, notice, b"", detail)


ADULT_OWN = "subject:4/adult/own terms:7/ram/self by:self"
CHILD = "subject:5/child/own terms:7/ram/household"


def test_the_hash_is_over_netstrings_and_covers_a_detail_where_there_is_one():
    """Ledgers that stand on routers are checked by this: it must never change."""
    seen = []

    def noted(data):
        seen.append(data)
        return bytes(32)

    digest(row(1, "on"), b"P", noted)
    digest(told(1, "on", "a:b"), b"P", noted)
    assert seen[0] == b"P1:1,4:1001,3:cli,2:e1,7:history,2:on,1:1,"
    assert seen[1] == b"P1:1,4:1001,3:web,2:e1,7:history,2:on,1:1,3:a:b,"


def test_an_epoch_tells_whose_it_is_and_on_which_terms():
    register = ConsentState()
    register.add(told(3, "on", CHILD))
    epoch = register.epochs[3]
    assert (epoch.seq, epoch.enrolment, epoch.feature, epoch.closed) == (3, "e1", HISTORY, None)
    assert (epoch.subject.person, epoch.subject.group, epoch.terms.days) == (5, "child", 7)
    assert register.since("e1", HISTORY).seq == 3
    assert register.since("e1", PROTECTION) is None


def test_what_is_not_on_has_no_epoch():
    register = ConsentState()
    assert refused(lambda: register.epoch("e1", HISTORY)) == "history is not on"
    register.add(row(1, "on"))
    register.add(row(2, "off"))
    assert refused(lambda: register.epoch("e1", HISTORY)) == "history is not on"


def test_an_agreement_lasts_through_a_suspension_and_ends_with_off():
    register = ConsentState()
    assert register.agreement("e1", HISTORY) is None
    register.add(told(1, "on", CHILD, notice=2))
    made = register.agreement("e1", HISTORY)
    assert (made.subject.person, made.terms.reader, made.notice, made.own) == (5, "household", 2, False)
    register.add(told(2, "suspend", "", notice=0))
    register.add(told(3, "resume", ADULT_OWN, notice=0))
    assert register.agreement("e1", HISTORY) == made, "a resume that nobody read for agrees to nothing"
    register.add(told(4, "off", "", notice=0))
    assert register.agreement("e1", HISTORY) is None


def test_a_restore_forgets_who_agreed_for_themselves_and_nobody_else():
    register = ConsentState()
    register.add(told(1, "on", CHILD, feature=PROTECTION))
    register.add(told(2, "ask", ""))
    register.add(told(3, "agree", ADULT_OWN))
    assert register.agreement("e1", HISTORY).own
    register.add(LedgerRow(4, 9, "restore", "", "", "enrol", 0, b""))
    assert register.agreement("e1", HISTORY), "another note changes nothing"
    register.add(LedgerRow(5, 9, "restore", "", "", "restore", 0, b""))
    assert register.agreement("e1", HISTORY) is None
    assert register.agreement("e1", PROTECTION)


def test_generations_begin_at_nought_and_grow_by_one():
    gate = Gate()
    assert gate.generation(7) == 0
    gate.open(tablet(), HISTORY, 1)
    gate.open(tablet(), PROTECTION, 2)
    assert gate.generation(7) == 2
    assert gate.devices() == [tablet()]
    gate.close(tablet(), HISTORY)
    assert gate.devices() == [tablet()], "one feature of it is left"


def joined(*rows: LedgerRow) -> "list[str]":
    state = ConsentState()
    for one in rows:
        state.add(one)
    return sorted(state.joined)


def test_who_joined_takes_part_until_they_leave():
    """An adult's part in the household's weekly file."""
    first, second = row(1, "join", feature=""), row(2, "join", "e2", "")
    state = ConsentState()
    state.add(first)
    assert state.joined == {"e1": first}
    assert joined(first, second) == ["e1", "e2"]
    assert joined(second) == ["e2"], "the others never did"
    assert joined(first, second, row(3, "leave", "e1", "")) == ["e2"]
    assert joined(first, second, row(3, "forget", "e2", "")) == ["e1"]
    assert joined(row(1, "leave", feature="")) == [], "who never joined may say so"
    assert joined(first, second, row(3, "restore", "", "")) == [], "whoever left since a backup is not back"
    assert joined(first, second, row(3, "restore", "", ""), row(4, "join", "e2", "")) == ["e2"]


def test_another_person_or_age_group_takes_no_part():
    first, second = row(1, "join", feature=""), row(2, "join", "e2", "")
    for detail, stays in (
        ("person:1>2", False),
        ("group:adult>teen", False),
        ("shared:no>yes", False),
        ("label:a>b", True),
        ("", True),
    ):
        changed = LedgerRow(3, 1003, "cli", "e1", "", "correct", 0, b"", detail)
        assert joined(first, second, changed) == (["e1", "e2"] if stays else ["e2"]), detail
