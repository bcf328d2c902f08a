"""The words that people meet on the page, at /me and on the block page: one for each thing, none of the old ones."""

import json
import re
from pathlib import Path

import pytest

from agent.core import block_page, hold_page
from agent.core.features import FEATURES, NOTICE
from tests.jobs.catalogues import LANGUAGES

TEXT = Path(__file__).resolve().parent.parent.parent / "agent" / "jobs" / "web" / "static" / "text"
# What another word says better: blocked, visited, added, removed, stored, deleted, activity log, list, site.
OLD = {
    "en": r"refus|contacted|contacts\b|pulled in|enrol|forgotten|forget|stranger|household|ledger|\bkept\b|\bkeeps?\b|"
    r"\beras|for good|switch(es|ed)? (it )?(on|off)\b|second factor|whoever|whose page|suspend|bring back|brought back|"
    r"\bfetch|feed|summar|held back|set before|a wish|prove|let through|way around|opt in|opt out|nobody op|"
    r"somebody|hardware address|particulars|real list|take (it )?along|own rules?\b|in your words|privacy-agent",
    "de": r"abgewiesen|abweis|weisen .* ab|\bsperrt|gesperrt|kontaktier|kontakte|vergessenes|vergessen\?$|haushalt|"
    r"\bbuchs?\b|aufbewahr|aufgehoben|fassung|niemand bestimmt|jugendlich|zusammenfassung|einspiel|eingespielt|mitnehm|"
    r"beweis|umweg|durchlass|durchgelassen|zurückgehalten|nachahmung|zweite[rn]? faktor|fremd|gerät.* angemeldet|"
    r"gerät anmelden|nach sich zog|verbraucht\.$|knopf ist verbraucht|hardwareadresse|stumm|macher|wer sich|erfasst",
}  # fmt: skip
# A person's password or PIN may be forgotten, and an operator has a contact.
FINE = {"signin.forgot", "pin.forgot", "operator.contact"}


def texts(language: str) -> dict[str, list[str]]:
    catalogue = json.loads((TEXT / f"{language}.json").read_text())
    found = {key: list(text.values()) if isinstance(text, dict) else [text] for key, text in catalogue.items()}
    found |= {"block page: " + key: [text] for key, text in block_page._TEXTS[language].items()}
    found |= {"hold page: " + key: [text] for key, text in hold_page._TEXTS[language].items()}
    if language == "en":
        found |= {row.name: [row.title, row.reads, row.keeps, row.sends] for row in FEATURES.values()}
        found["notice"] = [NOTICE]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_text_stands_once(language):
    pairs = json.loads((TEXT / f"{language}.json").read_text(), object_pairs_hook=lambda rows: rows)
    keys = [key for key, _ in pairs]
    assert sorted(keys) == sorted(set(keys))


@pytest.mark.parametrize("language", ["en", "de"])
def test_none_of_the_old_words(language):
    old = re.compile(OLD[language], re.I)
    named = {key: text for key, forms in texts(language).items() for text in forms if old.search(plain(text))}
    assert {key: text for key, text in named.items() if key not in FINE} == {}


def plain(text: str) -> str:
    """Without the commands and the names of values that stand in it."""
    text = re.sub(r"\{\w*\}", "{}", text)
    return re.sub(r"privacy-agent (?=[a-z])", "", text) if "setup-code" in text or "Aktualisieren Sie" in text else text


@pytest.mark.parametrize("language", ["en", "de"])
def test_sentences_are_short(language):
    """A reader who is tired gets to the end of each; the table of what is read is a list of things."""
    long = [
        sentence
        for key, forms in texts(language).items()
        if key not in FEATURES and "." in key[:20]
        for text in forms
        for sentence in re.split(r"[.;:!?] ", text)
        if len(sentence.split()) > 25
    ]
    assert long == []


MINE = ("me.", "held.", "request.", "consent.own", "consent.pin", "pin.ask", "pin.pin", "pin.new", "block page: ",
        "hold page: ")  # fmt: skip
BOTH = ("switch.remain", "switch.off", "switch.delete", "facts.", "readers.", "delete.", "problem.", "history.dis",
        "history.undis", "history.no", "suspended.", "recipient.", "leaving.", "activity.", "actor.", "change.",
        "value.", "count.", "time.", "protection.none", "protection.stale", "protection.blocked")  # fmt: skip
SIE = re.compile(r"\bSie\b|\bIhre?[nmrs]?\b|\bIhnen\b")
DU = re.compile(r"\b[Dd](u|ir|ich|eine?[nmrs]?)\b")


def test_german_says_du_to_the_person_at_the_device_and_sie_to_the_one_who_manages():
    for key, forms in texts("de").items():
        for text in forms:
            if key.startswith(MINE + BOTH):
                assert not SIE.search(text), key
            if "." in key and not key.startswith(MINE) and not key.endswith("."):
                assert key.count(" ") or not DU.search(text), key
    assert any(DU.search(text) for key, forms in texts("de").items() if key.startswith(MINE) for text in forms)
