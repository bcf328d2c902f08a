"""Own rules as text: what is written is read again, times agree with Python's, and any text is a rule or BadInput."""

import contextlib
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from agent.core.model import BadInput
from agent.core.rule_text import OwnLine, read_line, read_time, show_time

LABELS = st.text(st.characters(blacklist_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=60).map(
    lambda text: " ".join(text.split())
)
TIMES = st.integers(0, read_time("2999-12-31T23:59:59Z"))
RULES = st.builds(
    lambda action, name, whose, until: OwnLine(action, name.encode(), *(whose or ("household", "")), until),
    st.sampled_from(["allow", "block"]),
    st.from_regex(r"[a-z0-9]{1,20}(\.[a-z0-9]{1,20}){0,3}", fullmatch=True),
    st.none() | st.tuples(st.sampled_from(["device", "person"]), LABELS.filter(bool)),
    st.none() | TIMES,
)


@given(RULES)
def test_round_trip(rule: OwnLine) -> None:
    assert read_line(rule.text) == rule


@given(TIMES)
def test_times_agree_with_pythons(seconds: int) -> None:
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert show_time(seconds) == text and read_time(text) == seconds


@given(st.text(max_size=500), st.sampled_from(["", "allow", "block"]))
def test_any_text(text: str, action: str) -> None:
    with contextlib.suppress(BadInput):
        rule = read_line(text, action)
        assert rule is None or read_line(rule.text) == rule
