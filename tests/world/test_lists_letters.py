"""A label that disappears, or turns into something else, when a name is mapped: the name is none."""

import pytest

from agent.core.model import BadInput
from agent.jobs.list_reader import ascii_names
from agent.platform.idna import to_ascii

NOTHING = ["\u00ad", "\u200b", "\u2060", "\ufe0f", "\ufeff", "\u034f", "\u180b", "\u2064", "\U000e0100", "\u3164"]
OTHER = ["a\u2024b", "\u2026", "a\uff0fb", "a\u2488", "a\uff1ab", "a\u2105", "a\u00b4b", "\u0301a", "\uff58n--a"]


@pytest.mark.parametrize("label", NOTHING)
def test_a_label_of_nothing_is_none(label: str) -> None:
    for name in (f"com.{label}", f"{label}.com", f"a.{label}.com", f"com.{label}{label}"):
        with pytest.raises(BadInput):
            to_ascii(name)
        line = f"||{name}^".encode()
        assert ascii_names(line) == line


@pytest.mark.parametrize("label", OTHER)
def test_a_label_stays_one_label(label: str) -> None:
    for name in (f"{label}.com", f"com.{label}"):
        with pytest.raises(BadInput):
            to_ascii(name)


def test_names_as_people_write_them() -> None:
    assert to_ascii("b\u00fccher.example") == "xn--bcher-kva.example"
    assert to_ascii("exam\u00adple.com") == to_ascii("\uff45xample\u3002com") == "example.com"
