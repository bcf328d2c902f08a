"""Screen time as a parent sets it on a phone, and as it is seen at /me: the real daemon, no kernel."""

import pytest

from tests.jobs import browser
from tests.jobs.test_web_pages import serious
from tests.jobs.test_web_times import look, person_id, served
from tests.jobs.web_peer import wait_until

__all__ = ["look", "served"]
pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")


def test_agreed_to_then_an_allowance_and_more_for_today(look, served):
    mia = person_id(served, "Mia")
    page = look(f"/?person={mia}&part=minutes")
    page.get_by_text("off: nothing is counted").wait_for()
    page.get_by_role("switch", name="Screen time").click()
    page.get_by_text("never where to").wait_for()
    assert served.ask("usage.days", person_id=mia)["consent"] == "off"
    page.get_by_role("button", name="Agree and turn on").click()
    page.get_by_text("minutes are counted", exact=True).wait_for()
    page.get_by_label("Monday to Friday").select_option("90")
    page.get_by_label("Saturday and Sunday").select_option("180")
    page.get_by_role("button", name="Save the allowance").click()
    wait_until(lambda: served.ask("usage.days", person_id=mia)["week"])
    assert served.ask("usage.days", person_id=mia)["week"] == [90] * 5 + [180] * 2
    page.get_by_role("button", name="30 min more today").click()
    page.get_by_text("30 min more", exact=True).wait_for()
    page.get_by_role("button", name="Save minutes").click()
    page.get_by_label("Minutes", exact=True).fill("301")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("A whole number up to 300.").wait_for()
    page.get_by_label("Minutes", exact=True).fill("20")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved: 20 min").wait_for()
    found = served.ask("usage.days", person_id=mia)
    assert found["bank"] == 20 and found["now"]["allowed"] - 30 in (90, 180)
    assert serious(page) == []
    browser.shoot(page, "minutes")
    page.goto(page.url.partition("?")[0])
    page.get_by_text("About 0 min today").first.wait_for()


def test_off_is_off_for_everybody_of_a_person(look, served):
    ben = person_id(served, "Ben")
    page = look(f"/?person={ben}&part=minutes")
    page.get_by_role("switch", name="Screen time").click()
    page.get_by_role("button", name="Agree and turn on").click()
    page.get_by_text("minutes are counted", exact=True).wait_for()
    page.get_by_role("switch", name="Screen time").click()
    page.get_by_text("off: nothing is counted").wait_for()
    assert served.ask("usage.days", person_id=ben)["consent"] == "off"
