"""Home is people: a card for each, one line for the house; switches are on a person's page, mixed if some are on."""

import re

import pytest

from tests.jobs import browser
from tests.jobs.lived_in import Served
from tests.jobs.test_web_pages import serious, state, visit  # noqa: F401 - fixtures

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
NARROW = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("people"))
    yield served
    served.stop()


def test_eight_devices_fit_a_screen_and_a_half(visit, served):  # noqa: F811
    served.ask("notice.read", version=2)
    for n in range(8 - len(served.ask("device.list")["items"])):
        served.ask("device.add", label=f"Device {n + 2}", address=f"127.0.7.{n + 1}", person_id=1 + n % 3)
    for scheme in ("light", "dark"):
        page = visit("/", NARROW, color_scheme=scheme)
        page.locator("a.person").first.wait_for()
        browser.shoot(page, f"people-{scheme}")
        assert page.evaluate("document.documentElement.scrollHeight") <= 1.5 * NARROW["height"]
        assert page.get_by_text(re.compile("^Not (yet )?protecting")).count() <= 1, "one line, not one a switch"
        assert serious(page) == []


def test_forty_devices_stay_usable_and_in_the_order_of_their_numbers(visit, served):  # noqa: F811
    for n in range(40 - len(served.ask("device.list")["items"])):
        served.ask("device.add", label=f"Room {n + 1}", address=f"127.0.8.{n + 1}")
    page = visit("/", NARROW)
    page.get_by_role("link", name=re.compile("^Not assigned")).wait_for()
    assert page.evaluate("document.documentElement.scrollHeight") <= 2 * NARROW["height"]
    page.get_by_role("link", name=re.compile("^Not assigned")).click()
    page.get_by_role("heading", name="Not assigned").wait_for()
    labels = [one for one in page.locator(".device h2").all_inner_texts() if one.startswith("Room ")]
    assert labels == [f"Room {n + 1}" for n in range(len(labels))] and len(labels) > 10
    page.get_by_label("Search devices").fill("room 12")
    page.get_by_role("heading", name="Room 12").wait_for()
    assert page.locator(".device").count() == 1
    browser.shoot(page, "people-search")
    page = visit("/devices", NARROW)
    rows = [one for one in page.locator(".row strong").all_inner_texts() if one.startswith("Room ")]
    assert rows == sorted(rows, key=lambda one: int(one.split()[1]))


def test_a_persons_page_has_their_day_and_their_rules(visit, served):  # noqa: F811
    served.ask("block", name="tiktok.com", scope="person", person_id=1, actor="cli")
    served.ask("block", name="other.example", scope="person", person_id=2, actor="cli")
    for scheme in ("light", "dark"):
        page = visit("/?person=1", NARROW, color_scheme=scheme)
        rules = page.locator("[data-key=person-rules]")
        rules.get_by_role("heading", name="Rules").click()
        rules.get_by_text("tiktok.com").wait_for()
        assert rules.get_by_text("other.example").count() == 0
        assert page.locator("[data-key=person-today]").get_by_role("heading", name="Today").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
        assert serious(page) == []
        browser.shoot(page, f"people-person-{scheme}")
    rules.get_by_role("button", name="Remove the rule for tiktok.com").click()
    rules.get_by_text("tiktok.com").wait_for(state="detached")


def test_some_on_is_mixed_and_goes_both_ways(visit, served):  # noqa: F811
    ben = [one for one in served.ask("device.list")["items"] if (one["person"] or {}).get("id") == 2]
    for one in ben:
        served.ask("off", device_id=one["id"], feature="protection", actor="cli")
    served.ask("on", device_id=ben[0]["id"], feature="protection", agree=1, actor="cli")
    page = visit("/?person=2", NARROW)
    everyone = page.get_by_role("switch", name=re.compile("^Real-time protection, All of Ben's devices"))
    assert everyone.get_attribute("aria-checked") == "mixed"
    browser.shoot(page, "people-mixed")
    assert serious(page) == []
    everyone.click()
    page.get_by_role("button", name="Turn off for all").click()
    page.locator("[role=switch][aria-checked=false][aria-label^='Real-time protection, All of Ben']").wait_for()
    assert not any(row["features"]["protection"]["on"] for row in of_ben(served))
    served.ask("on", device_id=ben[0]["id"], feature="protection", agree=1, actor="cli")
    page.locator("[role=switch][aria-checked=mixed][aria-label^='Real-time protection, All of Ben']").wait_for()
    everyone.click()
    page.get_by_role("button", name="Turn on for all").click()
    page.get_by_role("button", name="Agree and turn on").click()
    page.locator("[role=switch][aria-checked=true][aria-label^='Real-time protection, All of Ben']").wait_for()
    assert all(row["features"]["protection"]["on"] for row in of_ben(served))


def test_what_the_switches_need_is_said_at_them(visit, served):  # noqa: F811
    ben = of_ben(served)[0]
    for feature in ("history", "protection"):
        served.ask("off", person_id=2, feature=feature, actor="cli")
        served.ask("on", device_id=ben["id"], feature=feature, agree=1, actor="cli")
    page = visit("/?person=2", NARROW)
    page.get_by_text("If Private DNS on an Android device is set to a host name").wait_for()
    assert page.get_by_text("iCloud Private Relay").count() == 0, "protection keeps devices off it"
    served.ask("off", person_id=2, feature="protection", actor="cli")
    page.get_by_text("opened through iCloud Private Relay").wait_for()
    browser.shoot(page, "people-good")
    page.get_by_role("switch", name=re.compile("^Real-time protection, Ben's phone")).click()
    page.get_by_role("dialog").get_by_text("set it to “Automatic”").wait_for()
    browser.shoot(page, "people-consent")


def of_ben(served):
    return [one for one in served.ask("device.list")["items"] if (one["person"] or {}).get("id") == 2]


@pytest.mark.parametrize("path", ["/?part=week", "/?person=1&part=content"])
def test_what_stands_beside_a_title_stays_beside_it(visit, path):  # noqa: F811
    page = visit(path, NARROW)
    page.locator(".heading h1").wait_for()
    title, account = page.locator(".heading h1").bounding_box(), page.locator(".to-account").bounding_box()
    assert account["y"] < title["y"] + title["height"] and account["x"] > title["x"] + 100, (title, account)


def test_figures_of_a_week_stand_under_each_other(visit):  # noqa: F811
    page = visit("/?part=week", NARROW)
    page.locator(".visit .times").first.wait_for()
    ends = page.locator(".visit .times").evaluate_all("all => all.map((one) => one.getBoundingClientRect().right)")
    assert len(ends) > 5 and max(ends) - min(ends) < 1
