"""The family's week as a parent looks at it on a phone and prints it, and as a person sees their own at /me."""

import re

import pytest

from tests.jobs import browser
from tests.jobs.lived_in import Served
from tests.jobs.test_web_pages import serious, state, visit  # noqa: F401 - fixtures

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
NARROW, PHONE = {"width": 320, "height": 700}, {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("week"))
    yield served
    served.stop()


def test_a_persons_week(visit, served):  # noqa: F811
    told = served.ask("week", person_id=1)["items"][0]
    longest = told["history"]["sites"][0]
    page = visit("/?person=1", PHONE)
    page.get_by_role("group", name="Times and content").get_by_role("link", name=re.compile("^Week")).click()
    page.get_by_role("heading", name="Mia's week").wait_for()
    assert page.locator(".seven tbody tr").count() == 7 and page.locator(".heat tbody tr").count() == 7
    site = page.locator("details.visit", has_text=longest["site"]).first
    site.locator("summary").click()
    site.locator(".visit-more li").first.wait_for()
    assert site.locator(".visit-more li").count() == longest["visits"]
    page.get_by_role("button", name="The seven days before").click()
    page.locator("button[aria-pressed=true]", has_text="before").wait_for()
    page.get_by_role("button", name="The last seven days").click()
    page.locator("details.visit").first.wait_for()
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation").first.is_visible()
    assert not page.get_by_role("button", name="Print").is_visible()
    assert page.locator(".seven").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_familys_week_fits_a_small_phone(visit, served, scheme):  # noqa: F811
    page = visit("/", NARROW, color_scheme=scheme)
    page.get_by_role("link", name="The family's week").click()
    page.get_by_role("heading", name="The family's week").wait_for()
    names = [one["name"] for one in served.ask("week")["items"]]
    assert page.locator(".seven-days > h2").all_inner_texts() == names
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert serious(page) == []
    browser.shoot(page, f"week-family-{scheme}")


def test_in_german(visit, served):  # noqa: F811
    page = visit("/?person=1&part=week", NARROW, locale="de-DE")
    page.get_by_role("heading", name="Woche von Mia").wait_for()
    page.get_by_role("button", name="Drucken").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    browser.shoot(page, "week-de")


@pytest.mark.parametrize("path", ["/?person=1&part=week", "/?part=week"])
def test_it_is_printed_without_what_is_pressed(visit, path):  # noqa: F811
    page = visit(path)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})  # A4 at 96 dots an inch
    pressed = (
        "[...document.querySelectorAll('nav, button, .back, .to-account')].filter((one) => one.offsetWidth).length"
    )
    assert page.evaluate(pressed) == 0 and page.locator("h1").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 794
    browser.shoot(page, "week-print")
