"""Languages on the smallest phone: nothing overflows, nothing is a bare key; pictures to look at.

Three stand for all: long compounds, the longest texts, another script. EVERY_LANGUAGE=1 looks at each that is there,
as whoever adds one does.
"""

import os
import re

import pytest

from tests.jobs import browser, catalogues
from tests.jobs.lived_in import Served

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
VIEWS = {
    "overview": "/",
    "person": "/?person=1",
    "times": "/?person=1&part=times",
    "content": "/?person=1&part=content",
    "history": "/history",
    "protection": "/protection",
    "privacy": "/privacy",
    "devices": "/devices",
    "account": "/account",
    "me": "/me",
}
SEEN = catalogues.LANGUAGES if os.environ.get("EVERY_LANGUAGE") else ["de", "fr", "zh-cn"]
KEYS = re.compile("|".join(rf"\b{re.escape(key)}\b" for key in catalogues.page("en") if "." in key))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("look"))
    own = served.ask("device.add", label="This phone", address="127.0.0.1", person_id=2)["id"]
    served.ask("on", device_id=own, feature="history", agree=1)
    yield served
    served.stop()


@pytest.fixture(scope="module")
def state(chromium, served):
    context = chromium.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{served.port}/")
    served.sign_in(page)
    kept = context.storage_state()
    context.close()
    return kept


def looked(chromium, served, state, locale: str, seen) -> None:
    context = chromium.new_context(viewport=browser.SMALL, locale=locale, storage_state=state)
    page = browser.watched(context)
    try:
        for name, address in VIEWS.items():
            page.goto(f"http://127.0.0.1:{served.port}{address}")
            page.locator("h1").first.wait_for()
            seen(page, name)
        assert page.trouble == []
    finally:
        context.close()


@pytest.mark.parametrize("language", SEEN)
def test_a_language_on_the_smallest_phone(chromium, served, state, language):
    def seen(page, name):
        assert page.evaluate("document.documentElement.lang").lower()[:2] == language[:2]
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
        assert KEYS.findall(page.locator("body").inner_text()) == [], name
        browser.shoot(page, f"{name}-{language}")

    looked(chromium, served, state, language, seen)


def test_from_right_to_left(chromium, served, state):
    """No such language is there yet; its layout is the same, turned round."""

    def seen(page, name):
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
        browser.shoot(page, f"{name}-rtl")

    looked(chromium, served, state, "en-GB", seen)
