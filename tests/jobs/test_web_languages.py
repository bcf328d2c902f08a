"""Each catalogue that is there is whole: every text, with the values it needs, in every plural form of its language.

A new language needs no line here.
"""

import json
import re

import pytest

from agent.core import block_page, hold_page
from agent.core.model import Rule
from tests.jobs import catalogues
from tests.jobs.catalogues import LUCI, LUCI_NAMES, OTHER, OTHERS, forms, names, page, plural_forms
from tests.jobs.sentences import errors, filled, said_by_router

TWO_PACKETS = 2 * 1220
BUILT_IN = ("en", "de")  # the block page's and the hold page's texts of these are in agent/core
each = pytest.mark.parametrize("language", OTHERS)
WORDS = r"[^\W\d_]{2,}"


def test_there_are_languages():
    assert set(catalogues.LANGUAGES) >= {"en", "de"}


@each
def test_nothing_is_missing_and_nothing_is_too_much(language):
    wanted = set(page("en")) | said_by_router() | errors()
    assert {
        "missing": wanted - set(page(language)),
        "unused": {key for key in set(page(language)) - wanted if " " not in key},
    } == {
        "missing": set(),
        "unused": set(),
    }


# What ends a start, or is said to another program's author: no page is there.
STARTS = (
    "daemon/dns/",
    "daemon/jobs.py",
    "daemon/locks.py",
    "daemon/daemon.py",
    "daemon/runtime/live_edges.py",
    "core/settings.py",
    "jobs/web/http_types.py",
)


def test_no_value_is_put_into_a_sentence_before_it_is_told():
    """A sentence goes to the page as its text with {} and the values beside it; the page looks at no text for them."""
    assert [one for one in filled() if not one.startswith(STARTS)] == []
    script = (catalogues.PAGE.parent / "js" / "lib" / "i18n.js").read_text()
    assert "RegExp" not in script and ".match(" not in script


@each
def test_values_have_their_places(language):
    for key, text in page(language).items():
        if key in page("en"):
            assert names(text) == names(page("en")[key]), key
        else:
            assert isinstance(text, str) and text.count("{}") <= key.count("{}"), key


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_plural_forms_are_those_of_the_language(language):
    """A text with forms in English has them all; another may have them where {n} stands in it."""
    known = plural_forms(language)
    if known is None:
        pytest.skip("node is not installed: which forms a language has is asked of Intl.PluralRules")
    for key, text in page(language).items():
        has = set(text) if isinstance(text, dict) else {"other"}
        assert has <= known | {"other", "many"}, key
        if isinstance(text, dict) or isinstance(page("en").get(key), dict) and known != {"other"}:
            assert has >= known, (key, known)
            assert "other" in has, key


@each
def test_texts_are_clean_and_translated(language):
    """No blank at an end, no text of several words left in English, none empty."""
    english = page("en")
    left = {}
    for key, text in page(language).items():
        for form in forms(text):
            first = forms(english.get(key, form))[0]
            # A part that is put behind another one begins with its blank.
            assert [form[:1].isspace(), form[-1:].isspace()] == [first[:1].isspace(), first[-1:].isspace()], key
            assert form.strip(), key
            source = forms(english[key]) if key in english else [key]
            # "{device}: {n} of {of}" may well be the same; a sentence is not.
            if form in source and len(re.findall(WORDS, re.sub(r"\{\w*\}", "", form))) > 3:
                left[key] = form
    assert left == {}


@pytest.mark.parametrize("language", [one for one in catalogues.LANGUAGES if one not in BUILT_IN])
def test_the_block_page_and_the_hold_page_speak_it(language):
    told = json.loads((OTHER / f"{language}.json").read_text())
    for name, english in (("block", block_page._TEXTS["en"]), ("hold", hold_page._TEXTS["en"])):
        assert set(told[name]) == set(english), name
        for key, text in told[name].items():
            assert text.count("%s") == english[key].count("%s") == text.count("%"), key
            assert text != english[key] or not re.search(r"\w \w", text), key
            assert text.count("<code>") == text.count("</code>") == english[key].count("<code>"), key
    assert len(told["hold"]["days"].split(" ")) == 7


@each
def test_these_pages_stay_small(language):
    block, hold = (
        (None, None) if language in BUILT_IN else json.loads((OTHER / f"{language}.json").read_text()).values()
    )
    button = block_page.Button("http://router.lan:5392/me/ask", "0a1b")
    assert len(block_page.page("http://" + "x" * 500, Rule("y" * 400), button, language, block)) < TWO_PACKETS
    for why in ("off", "bedtime", "break", "homework", "allowance"):
        said = hold_page.page(why, "&" * 500, "Wed 23:59", True, "0123456789abcdef" * 2, language, hold)
        assert len(said) <= hold_page.BYTES_MAX, why


@each
def test_luci_speaks_it(language):
    """Every text of LuCI's page is translated; what is filled in (%s) stays."""
    template = messages((LUCI / "templates" / "privacy-agent.pot").read_text())
    told = messages((LUCI / LUCI_NAMES.get(language, language) / "privacy-agent.po").read_text())
    assert {text for text in template if not told.get(text)} == set()
    for text, translated in told.items():
        assert translated.count("%s") == text.count("%s"), text


def messages(catalogue: str) -> dict[str, str]:
    """Text → translation of a .po file, without its head."""
    joined = re.sub(r'"\n"', "", catalogue)
    pairs = re.findall(r'^msgid (".*")\nmsgstr (".*")$', joined, re.M)
    return {json.loads(text): json.loads(translated) for text, translated in pairs if text != '""'}


def test_a_damaged_text_falls_back_to_english():
    """A file of another version, or with a value's place lost, never breaks the page that a blocked device gets."""
    given = {"title": "T", "what": "no place", "why": "%d", "who": 5}
    told = block_page.page("x.example", None, None, "xx", given).decode()
    assert "<h1>T</h1>" in told and "The protection of this network blocked <code>x.example</code>." in told
    assert "Reason: a rule of this network." in told and "If this is a mistake" in told
