"""Punycode agrees with Python's own codec; whatever comes, a text goes."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core.lookalike import skeleton
from agent.core.punycode import decode

LABELS = st.text(st.characters(min_codepoint=0x80, max_codepoint=0x2FFF, exclude_categories=("Cs",)), min_size=1)


@given(LABELS, st.text("abcxyz019", max_size=10))
def test_it_reads_what_the_codec_writes(foreign: str, plain: str) -> None:
    label = (plain + foreign).lower()
    assert decode(label.encode("punycode").decode()) == label


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789-", max_size=60))
def test_anything_becomes_a_text(text: str) -> None:
    assert isinstance(decode(text), str) and isinstance(skeleton("xn--" + text), str)
