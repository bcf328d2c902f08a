"""Much of everything on a phone: days of thousands of visits, and views that begin with what matters."""

import re

import pytest

from tests.jobs import browser
from tests.jobs.lived_in import Served
from tests.jobs.test_web_pages import VIEWS, address, choose_pin, laptop, state, visit  # noqa: F401

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
NARROW = {"width": 360, "height": 740}
NODES = "document.getElementsByTagName('*').length"
HEIGHT = "document.documentElement.scrollHeight"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("long"), "--visits", "16000")
    served.ask("device.add", label="This laptop", address="127.0.0.1", person_id=2)
    yield served
    served.stop()


def test_a_day_of_thousands_comes_in_pages_of_a_hundred(visit, served):  # noqa: F811
    page = visit("/history", NARROW)
    page.get_by_role("button", name="The day before").click()
    page.get_by_role("heading", name="Yesterday").wait_for()
    rows = page.locator("ul.visits > li")
    rows.nth(99).wait_for(state="attached")
    assert rows.count() == 100
    assert page.evaluate(NODES) < 6000, "55,775 before"
    page.get_by_role("button", name="Show more").click()
    rows.nth(199).wait_for(state="attached")
    assert rows.count() == 200
    # The hours count the whole day, and one is chosen without a hit of ten pixels.
    hours = page.get_by_label("Hours of this day")
    assert hours.bounding_box()["height"] >= 24 and hours.bounding_box()["width"] >= 24
    counts = [int(one.replace(",", "")) for one in re.findall(r"(?<=, )[\d,]+(?= minute)", hours.inner_text())]
    assert len(counts) == 24 and 600 < sum(counts) <= 1440
    hours.select_option("14")
    page.locator("h3.hour", has_text="14:00").wait_for()
    assert page.locator("h3.hour").all_inner_texts() == ["14:00"]
    browser.shoot(page, "long-hour")


def test_headings_follow_each_other_and_names_hold_what_is_seen(visit, served):  # noqa: F811
    from axe_playwright_python.sync_playwright import Axe

    for view in [*map(address, VIEWS), "/?person=2", "/?person=2&part=week", "/?part=week", "/me"]:
        page = visit(view, NARROW)
        browser.settle(page)
        # A switch is named by what and whose; what stands under it in small comes last.
        names = ["label-content-name-mismatch"] if view == "/history" else []
        found = Axe().run(page, options={"runOnly": ["heading-order", *names]}).response["violations"]
        assert [(one["id"], node["html"][:120]) for one in found for node in one["nodes"]] == [], view


def test_rights_come_before_records_and_records_when_asked_for(visit, served, laptop):  # noqa: F811
    page = visit("/me", NARROW, signed_in=False)
    rights = page.get_by_role("button", name="Download a copy").bounding_box()
    assert rights["y"] + rights["height"] <= NARROW["height"], "in the first screen"
    choose_pin(visit("/"), page)
    page.reload()
    page.get_by_role("button", name="Show", exact=True).wait_for()
    assert page.get_by_text("Visited", exact=True).count() == 0
    assert page.evaluate(HEIGHT) <= 3 * NARROW["height"]
    browser.shoot(page, "long-me")
    page.get_by_role("button", name="Show", exact=True).click()
    page.get_by_text("Visited", exact=True).wait_for()
    page.get_by_role("heading", name="Your week").wait_for()
    assert page.locator(".seven tbody tr").count() == 7


def test_the_privacy_view_begins_with_what_one_can_do(visit, served):  # noqa: F811
    page = visit("/privacy", NARROW)
    page.get_by_role("button", name="Download").wait_for()
    assert page.get_by_role("button", name="Download").bounding_box()["y"] < NARROW["height"]
    browser.shoot(page, "long-privacy")
    assert page.evaluate(HEIGHT) <= 2900, "6,807 px before"
