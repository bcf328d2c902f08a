"""What the page says back: beside the field, above every sheet, once; and nothing that was typed is lost."""

import re

import pytest

from tests.jobs import browser
from tests.jobs.lived_in import Served
from tests.jobs.test_web_pages import laptop, serious, state, visit  # noqa: F401
from tests.jobs.web_peer import wait_until

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
ON_TOP = """(note) => { const box = note.getBoundingClientRect();
    const found = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return note.contains(found); }"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("feedback"))
    served.ask("device.add", label="This laptop", address="127.0.0.1", person_id=2)
    yield served
    served.stop()


def test_a_wrong_mac_is_said_beside_the_field_and_nothing_is_lost(visit, served):  # noqa: F811
    page = visit("/devices", browser.SMALL)
    page.get_by_role("button", name="Add a device").click()
    sheet = page.get_by_role("dialog")
    for wrong in ("3c:22:fb:00:00", "3c-22-fb-00-00-0g", "tablet", "192.168.1"):
        sheet.get_by_label("Name", exact=True).fill("New tablet")
        sheet.get_by_label("MAC address").fill(wrong)
        sheet.get_by_role("button", name="Add", exact=True).click()
        sheet.get_by_text("This does not look like a MAC address").wait_for()
        assert sheet.get_by_label("MAC address").get_attribute("aria-invalid") == "true"
        assert sheet.get_by_label("Name", exact=True).input_value() == "New tablet"
        assert sheet.get_by_label("MAC address").input_value() == wrong
    assert serious(page) == []
    browser.shoot(page, "feedback-mac")
    # What only the router can know: that devices go by their address here, and that this one is there already.
    sheet.get_by_label("MAC address").fill("3c:22:fb:00:00:0a")
    sheet.get_by_role("button", name="Add", exact=True).click()
    sheet.get_by_role("alert").wait_for()
    assert sheet.get_by_label("Name", exact=True).input_value() == "New tablet"
    sheet.get_by_label("MAC address").fill("192.168.1.90")
    sheet.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name=re.compile("^New tablet")).wait_for()
    page.get_by_role("button", name="Add a device").click()
    sheet.get_by_label("Name", exact=True).fill("Another")
    sheet.get_by_label("MAC address").fill("192.168.1.90")
    sheet.get_by_role("button", name="Add", exact=True).click()
    sheet.get_by_role("alert").wait_for()
    assert sheet.get_by_label("Name", exact=True).input_value() == "Another"
    page.trouble.clear()


def test_a_wrong_code_for_a_pin_is_said_in_the_sheet(visit, served, laptop):  # noqa: F811
    page = visit("/me", browser.SMALL, signed_in=False)
    served.ask("device.list")
    page.get_by_role("button", name="Choose a PIN").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Code", exact=True).fill("0000 0000")
    sheet.get_by_label("New PIN").fill("4711")
    sheet.get_by_role("button", name="Save").click()
    sheet.get_by_text("Wrong code").wait_for()
    assert sheet.get_by_label("New PIN").input_value() == "4711"
    assert sheet.get_by_label("Code", exact=True).get_attribute("aria-invalid") == "true"
    browser.shoot(page, "feedback-code")
    page.trouble.clear()


def test_messages_stand_above_an_open_sheet(visit, served):  # noqa: F811
    page = visit("/devices", browser.SMALL)
    page.get_by_role("button", name="Add a device").click()
    page.evaluate("import('/js/lib/ui.js').then((ui) => ui.toast('Here it is', {label: 'Undo', call: () => 0}))")
    note = page.locator(".toast", has_text="Here it is")
    note.wait_for()
    browser.settle(page)
    assert note.evaluate(ON_TOP)
    note.get_by_role("button", name="Undo").click()
    note.wait_for(state="detached")
    page.evaluate("import('/js/lib/ui.js').then((ui) => ui.toast('Still here'))")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert page.locator(".toast", has_text="Still here").is_visible(), "a sheet that closes takes no message along"


def test_any_emoji_and_persian_arrive(visit, served, laptop):  # noqa: F811
    page = visit("/me", signed_in=False)
    for text in ("🤷‍♀️ why?", "می‌خواهم بدانم", "🏴󠁧󠁢󠁥󠁮󠁧󠁿 🫨", "Non\u202f!"):
        page.get_by_role("button", name="Object").click()
        page.get_by_label("Your message").fill(text)
        page.get_by_role("button", name="Send").click()
        page.get_by_role("dialog").wait_for(state="detached")
        wait_until(lambda text=text: served.ask("request.list")["items"][-1]["text"] == text.replace("\u202f", " "))
    # A message that can't be sent keeps its words.
    page.route("**/api/v1/me/requests", lambda route: route.abort())
    page.get_by_role("button", name="Object").click()
    page.get_by_label("Your message").fill("Do not lose this.")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("dialog").get_by_text("The router does not respond").wait_for()
    assert page.get_by_label("Your message").input_value() == "Do not lose this."
    page.trouble.clear()


def test_a_request_shows_its_site_and_words_on_every_view_and_can_be_declined(visit, served, laptop):  # noqa: F811
    for one in served.ask("request.list", state="open")["items"]:
        served.ask("request.reply", id=one["id"], answer="Seen.")
    asked = served.ask("request.add", device_id=laptop, kind="unblock", target="quiz.example", text="For school 🙏")
    page = visit("/protection", browser.SMALL)
    page.locator(".nav-item .count", has_text="1").wait_for()
    assert serious(page) == []
    page.get_by_role("link", name=re.compile("message without a reply")).click()
    request = page.locator(".request", has_text="For school 🙏")
    request.get_by_text("quiz.example").wait_for()
    request.get_by_role("button", name="Reply").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_text("quiz.example").wait_for()
    sheet.get_by_role("button", name="Send").click()
    sheet.get_by_text("Write a reply, or choose Decline.").wait_for()
    assert served.ask("request.list", state="open")["items"][0]["id"] == asked["id"]
    page.keyboard.press("Escape")
    browser.shoot(page, "feedback-request")
    request.get_by_role("button", name="Decline").click()
    request.wait_for(state="detached")
    assert served.ask("request.list")["items"][-1]["answer"] == "Declined."
    page.locator(".nav-item .count").wait_for(state="detached")


def test_one_line_says_that_the_router_is_away(visit, served):  # noqa: F811
    tv = next(one["id"] for one in served.ask("device.list")["items"] if one["label"] == "Television")
    served.ask("on", device_id=tv, feature="protection", agree=1, actor="cli")
    page = visit("/?person=none", browser.SMALL)
    page.locator("[role=switch][aria-checked=true][aria-label*='protection, Television']").wait_for()
    page.route("**/api/v1/**", lambda route: route.abort())
    # A first failure is told at once; the line that follows takes its place.
    page.get_by_role("switch", name=re.compile("^Real-time protection, Television")).click()
    page.get_by_text("The router does not respond").wait_for()
    # Somebody looks again: the stream is asked for anew.
    page.evaluate(
        """() => { for (const value of [true, false]) {
            Object.defineProperty(document, "hidden", { value, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        } }"""
    )
    page.get_by_text(re.compile(r"Not connected since \d\d:\d\d")).wait_for()
    page.get_by_role("button", name="Retry").click()
    page.wait_for_timeout(300)
    assert page.get_by_text("The router does not respond").count() == 0, "one message, not two"
    assert page.get_by_text(re.compile("Not connected since")).count() == 1
    assert serious(page) == []
    browser.shoot(page, "feedback-offline")
    page.unroute("**/api/v1/**")  # it tries again by itself, too
    page.get_by_text(re.compile("Not connected since")).wait_for(state="detached")
    page.trouble.clear()


def test_a_site_that_did_not_open_is_asked_for_without_a_pin(visit, served, laptop):  # noqa: F811
    """What is blocked over https shows no page of ours: the browser's error names no button."""
    page = visit("/me", browser.SMALL, signed_in=False)
    page.get_by_role("button", name="Ask to unblock a site").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("button", name="Send").click()
    sheet.get_by_text("Enter a site such as tiktok.com.").wait_for()
    sheet.get_by_label("Site", exact=True).fill("quiz.example")
    sheet.get_by_role("button", name="Send").click()
    sheet.wait_for(state="detached")
    asked = served.ask("request.list", state="open")["items"][-1]
    assert (asked["kind"], asked["target"], asked["device_id"]) == ("unblock", "quiz.example", laptop)


def test_the_address_of_the_own_page_is_whole_and_a_picture(visit, served, laptop):  # noqa: F811
    page = visit("/devices", browser.SMALL)
    page.get_by_role("button", name=re.compile("^This laptop")).click()
    page.get_by_role("button", name="PIN code").click()
    address = f"http://127.0.0.1:{served.port}/me"
    page.get_by_role("dialog").get_by_text(address).first.wait_for()
    page.get_by_text("Show the address as a QR code").click()
    assert page.locator("dialog .qr").is_visible()
    assert serious(page) == []


def test_a_request_for_a_whole_ending_is_asked_about_twice(visit, served, laptop):  # noqa: F811
    served.ask("request.add", device_id=laptop, kind="unblock", target="com")
    page = visit("/")
    request = page.locator(".request", has_text="com").first
    request.get_by_text("everything whose name ends in .com").wait_for()
    request.get_by_role("button", name="Always allow").click()
    page.get_by_role("dialog").get_by_text("covers every site whose name ends in .com").wait_for()
    assert served.ask("rule.list")["items"] == []
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").wait_for(state="detached")
    assert served.ask("rule.list")["items"] == []
    assert served.ask("request.list", state="open")["items"][-1]["target"] == "com"
    request.get_by_role("button", name="Always allow").click()
    page.get_by_role("dialog").get_by_role("button", name="Allow", exact=True).click()
    request.wait_for(state="detached")
    (rule,) = served.ask("rule.list")["items"]
    assert (rule["name"], rule["scope"], rule["device_id"]) == ("com", "device", laptop)
    served.ask("rule.remove", id=rule["id"])
    page.trouble.clear()  # the 409 that the question answers
