"""What a report may say, and that it says nothing else."""

from agent.core import summary
from agent.core.model import ADULT, CHILD, TEEN, BadInput
from agent.core.summary import Facts


def facts(**changed):
    given = {"refused": {}, "protection": 0, "history": 0, "lists": "none", "version": "0.1.0"}
    given.update(changed)
    return Facts(given["refused"], given["protection"], given["history"], given["lists"], given["version"])


def named(found):
    return dict(zip(summary.columns(), summary.answers(found)))


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
    found = named(facts(refused={"phishing": 3, "fraud": 15, "fake-shops": 15, "bypass": 1, "new": 2, "malware": -4}))
    assert found["refused.phishing"] == 3
    assert found["refused.fraud"] == summary.REFUSED_MAX
    assert found["refused.other"] == 3
    assert found["refused.malware"] == 0


def test_ranges_have_one_answer():
    for number, label in ((0, "0"), (1, "1-2"), (2, "1-2"), (3, "3-5"), (5, "3-5"), (6, "6+"), (255, "6+")):
        found = named(facts(protection=number))
        assert [one for one in sorted(found) if one.startswith("devices.protection=") and found[one]] == [
            "devices.protection=" + label
        ]
    for version, label in (("0.1.0", "0"), ("1.9", "1"), ("7.0", "2+"), ("x", "0")):
        assert named(facts(version=version))["version=" + label] == 1
    for state in ("none", "stale", "ready"):
        assert named(facts(lists=state))["lists=" + state] == 1
    assert sum(summary.answers(facts(lists="unheard of"))) == 3


def test_only_adults_and_shared_devices_count():
    assert summary.counts_for_summary(ADULT, False)
    assert summary.counts_for_summary(ADULT, True)
    assert summary.counts_for_summary(None, True)
    for group, shared in ((CHILD, False), (CHILD, True), (TEEN, False), (TEEN, True), (None, False)):
        assert not summary.counts_for_summary(group, shared)


def test_the_noise_covers_what_one_household_can_change():
    """The privacy loss is the sum over the columns of the change, over the scale: never beyond epsilon."""
    cases = [
        facts(),
        facts(refused={"phishing": 99, "malware": 99, "fraud": 99, "x": 99}, protection=9, history=9, lists="ready"),
        facts(protection=1, history=1, lists="stale", version="3.0"),
    ]
    for epsilon in (10, 500, 2000):
        worst = 0
        for one in cases:
            for other in cases:
                loss = 0
                for a, b, (t, s) in zip(summary.answers(one), summary.answers(other), summary.scales(epsilon)):
                    loss += abs(a - b) * s * 10**6 // t
                worst = max(worst, loss)
        assert worst <= epsilon * 1000 and worst >= epsilon * 850, worst


def test_a_report_reads_back_and_fits():
    numbers = summary.noised(summary.answers(facts(lists="ready")), 500, counter())
    text = summary.render(bytes(range(16)), 2968, numbers)
    padded = summary.pad(text)
    assert len(padded) == summary.PLAIN_BYTES
    read = summary.read(padded)
    assert (read.id, read.period, read.numbers) == (bytes(range(16)).hex(), 2968, numbers)
    longest = summary.render(bytes(16), 10**6, [-summary.ANSWER_MAX] * len(numbers))
    assert len(summary.pad(longest)) == summary.PLAIN_BYTES


def test_what_is_no_report():
    good = summary.pad(summary.render(bytes(16), 2968, [0] * len(summary.columns())))
    assert summary.read(good)
    for bad in (
        b"",
        good[:-1],
        good + b" ",
        b"\xff" + good[1:],
        good.replace(b'"schema":1', b'"schema":2'),
        good.replace(b'"lists=none":0', b'"lists=nine":0'),
        good.replace(b'"lists=none":0', b'"lists=none":0.5')[:-2],
        good.replace(b'"lists=none":0', b'"lists=none":true')[:-3],
        good.replace(b'"lists=none":0', b'"lists=none":9999999')[:-6],
        good.replace(b'"period":2968', b'"period":null'),
        good.replace(b"00000000", b"zzzzzzzz"),
    ):
        assert refused(lambda one=bad: summary.read(one)), bad


def test_epsilon_has_limits():
    for epsilon in (0, 9, 2001, -1):
        assert refused(lambda e=epsilon: summary.noised([0] * len(summary.columns()), e, counter()))


def test_periods_begin_on_mondays():
    monday = 1795392000  # 2026-11-23 00:00 UTC
    assert summary.period_of(monday) == summary.period_of(monday - 1) + 1
    assert summary.period_of(monday + summary.WEEK_S - 1) == summary.period_of(monday)
    assert summary.period_start(summary.period_of(monday + 12345)) == monday


def test_a_report_has_no_place_for_anything_else():
    words = " ".join(summary.columns())
    for never in ("domain", "url", "mac", "name", "hour", "zone", "install", "child", "teen", "host"):
        assert never not in words
