"""What a report may say, and that it says nothing else."""

from agent.core import summary
from agent.core.model import ADULT, CHILD, TEEN, BadInput
from agent.core.summary import Facts


def facts(**changed):
    given = {"blocked": {}, "protection": 0, "history": 0, "lists": "none", "version": "0.1.0"}
    given.update(changed)
    return Facts(given["blocked"], given["protection"], given["history"], given["lists"], given["version"])


def named(found):
    return {row.name: summary.said(row, number) for row, number in zip(summary.TABLE, summary.answers(found))}


def counter(start=1):
    """Bytes that are no noise at all, but reproducible: for the shape of things."""
    state = [start]

    def draw(size):
        out = b""
        while len(out) < size:
            state[0] = (state[0] * 6364136223846793005 + 1442695040888963407) % (1 << 64)
            out += bytes([state[0] >> 56])
        return out

    return draw


def refused(call):
    try:
        call()
    except BadInput:
        return True
    return False


def test_counts_are_bounded_and_categories_folded():
    found = named(facts(blocked={"phishing": 1, "fraud": -1, "fake-shops": 15, "bypass": 1, "new": 2, "malware": -4}))
    assert found["blocked"] == str(summary.BLOCKED_MAX)
    assert (found["blocked.phishing"], found["blocked.malware"], found["blocked.fraud"]) == ("1+", "0", "1+")
    assert named(facts(blocked={"bypass": 2, "malware": 2}))["blocked"] == "4"


def test_ranges_have_one_answer():
    for number, label in ((-1, "0"), (0, "0"), (1, "1-2"), (2, "1-2"), (3, "3-5"), (5, "3-5"), (6, "6+"), (255, "6+")):
        assert named(facts(protection=number))["devices.protection"] == label
    for state in ("none", "stale", "ready"):
        assert named(facts(lists=state))["lists"] == state
    assert named(facts(lists="unheard of"))["lists"] == "none"


def test_only_adults_and_shared_devices_count():
    assert summary.counts_for_summary(ADULT, False)
    assert summary.counts_for_summary(ADULT, True)
    assert summary.counts_for_summary(None, True)
    for group, shared in ((CHILD, False), (CHILD, True), (TEEN, False), (TEEN, True), (None, False)):
        assert not summary.counts_for_summary(group, shared)


def test_the_noise_covers_what_one_household_can_change():
    """A count changes by its bound at most, and its noise is of that scale; a range's epsilon is randomized's own."""
    low, high = facts(), facts(blocked={"phishing": 99, "malware": 9, "fraud": 9}, protection=9, lists="ready")
    for row, one, other in zip(summary.TABLE, summary.answers(low), summary.answers(high)):
        assert one != other
        if row.kind == summary.COUNT:
            for epsilon in summary.EPSILONS:
                t, s = summary.scale(row, epsilon)
                assert abs(one - other) * s * 1000 == epsilon * t, "no less, and no more than it has to be"


def test_each_question_is_drawn_and_gets_all_of_epsilon():
    draw, asked = counter(), {}
    for _ in range(600):
        answer = summary.noised(summary.answers(facts()), 500, draw)
        asked[answer.field] = asked.get(answer.field, 0) + 1
        assert answer.epsilon == 500
    assert sorted(asked) == sorted([row.name for row in summary.TABLE])
    assert min(asked.values()) > 50 and max(asked.values()) < 160, asked


def test_which_question_is_drawn_does_not_hang_on_the_answers():
    quiet, busy = facts(), facts(blocked={"phishing": 9, "malware": 9, "fraud": 9}, protection=9, lists="ready")
    for start in range(40):
        one, other = [summary.noised(summary.answers(found), 500, counter(start)) for found in (quiet, busy)]
        assert one.field == other.field


def test_no_household_is_marked_by_an_epsilon_of_its_own():
    for spent, step in ((10, 10), (99, 10), (100, 100), (437, 250), (500, 500), (600, 500), (1999, 1000), (2000, 2000)):
        assert summary.noised(summary.answers(facts()), spent, counter()).epsilon == step


def test_a_report_reads_back_and_fits():
    for row in summary.TABLE:
        numbers = [-summary.ANSWER_MAX, 0, 7] if row.kind == summary.COUNT else range(len(row.labels))
        for number in numbers:
            answer = summary.Answer(row.name, 500, number)
            padded = summary.pad(summary.render(bytes(range(16)), 2968, answer))
            assert len(padded) == summary.PLAIN_BYTES
            assert summary.read(padded) == summary.DecodedReport(bytes(range(16)).hex(), 2968, answer)


def test_what_is_no_report():
    good = summary.pad(summary.render(bytes(16), 2968, summary.Answer("lists", 500, 0)))
    count = summary.pad(summary.render(bytes(16), 2968, summary.Answer("blocked", 500, 3)))
    assert summary.read(good) and summary.read(count)
    for bad in (
        b"",
        good[:-1],
        good + b" ",
        b"\xff" + good[1:],
        good.replace(b'"schema":2', b'"schema":1'),
        good.replace(b'"lists"', b'"lusts"'),
        good.replace(b'"none"', b'"nine"'),
        good.replace(b'"none"', b"0")[:-1] + b"      ",
        good.replace(b'"none"', b'["none"]')[:-2],
        good.replace(b'"none"}', b'"none","blocked":1}')[:-12],
        good.replace(b'{"lists":"none"}', b"{}")[:-1] + b" " * 15,
        good.replace(b'"epsilon":500', b'"epsilon":437'),
        good.replace(b'"epsilon":500', b'"epsilon":5e2'),
        good.replace(b'"epsilon":500,', b"") + b" " * 14,
        count.replace(b'"blocked":3', b'"blocked":0.5')[:-2],
        count.replace(b'"blocked":3', b'"blocked":true')[:-3],
        count.replace(b'"blocked":3', b'"blocked":9999999')[:-6],
        count.replace(b'"blocked":3', b'"blocked":"3"')[:-2],
        good.replace(b'"period":2968', b'"period":null'),
        good.replace(b"00000000", b"zzzzzzzz"),
    ):
        assert refused(lambda one=bad: summary.read(one)), bad


def test_epsilon_has_limits():
    for epsilon in (0, 9, 2001, -1):
        assert refused(lambda e=epsilon: summary.noised([0] * len(summary.TABLE), e, counter()))


def test_periods_begin_on_mondays():
    monday = 1795392000  # 2026-11-23 00:00 UTC
    assert summary.period_of(monday) == summary.period_of(monday - 1) + 1
    assert summary.period_of(monday + summary.WEEK_S - 1) == summary.period_of(monday)
    assert summary.period_start(summary.period_of(monday + 12345)) == monday


def test_a_report_has_no_place_for_anything_else():
    words = " ".join(summary.columns())
    for never in ("domain", "url", "mac", "name", "hour", "zone", "install", "child", "teen", "host"):
        assert never not in words
