"""The history view as people meet it: visits, and the background folded under them."""

import pytest

from tests.jobs import browser
from tests.jobs.test_web_pages import serious, served, state, visit  # noqa: F401  fixtures, by name

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")


def test_background_is_folded_until_somebody_looks(visit, served):  # noqa: F811
    tablet = next(one["id"] for one in served.ask("device.list")["items"] if one["address"] == "127.0.0.2")
    rows = served.ask("history", device_id=tablet, show="visits", limit=200)["items"]
    cause = next(row for row in rows if row["folded"])
    page = visit("/history")
    page.get_by_role("button", name="Mia's tablet", exact=True).click()
    days = page.evaluate(
        "(at) => Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at * 1000).setHours(0, 0, 0, 0)) / 864e5)",
        cause["last"],
    )
    for _ in range(days):
        page.get_by_role("button", name="The day before").click()
    opened = page.locator(f"[data-key=visit-{cause['id']}]")
    opened.locator("summary .site").click()
    assert page.get_by_text("tracker.example", exact=True).count() == 0, "folded away, and not even asked for"
    opened.get_by_text("2 other addresses loaded by this page").click()
    opened.get_by_text("tracker.example", exact=True).wait_for()
    assert opened.get_by_text("content.example", exact=True).is_visible()
    browser.shoot(page, "history-background")
    assert serious(page) == []
    opened.get_by_role("button", name="Not opened by a person").last.click()
    page.get_by_text("It counts as background activity from now on.").wait_for()
    opened.wait_for(state="detached")
    page.locator("summary", has_text="Background activity").click()
    moved = page.locator(f"[data-key=visit-{cause['id']}]")
    moved.locator("summary .site").first.click()
    moved.get_by_role("button", name="Opened by a person").first.click()
    page.get_by_text("It counts as a visit from now on.").wait_for()
    then = {"from": cause["last"], "to": cause["last"] + 1}
    (now,) = [row for row in served.ask("history", device_id=tablet, **then)["items"] if row["id"] == cause["id"]]
    assert (now["background"], now["corrected"]) == (False, True)
    page.get_by_label("Search all days").fill("app.example")
    page.locator(".badge", has_text="background activity").first.wait_for()


def test_a_search_that_finds_much_says_so_and_goes_on(visit):  # noqa: F811
    """Of a long listing the first pages, and the rest when somebody asks; here the pages are small."""
    page = visit("/history")
    page.route("**/history?*", lambda route: route.continue_(url=route.request.url.replace("limit=100", "limit=10")))
    page.get_by_label("Search all days").fill("example")
    page.get_by_text("More than 10 visits found").wait_for()
    page.get_by_role("button", name="Show more").click()
    page.get_by_text("More than 20 visits found").wait_for()
    assert page.locator("ul.visits > li").count() == 20
