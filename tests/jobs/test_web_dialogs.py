"""Every sheet that opens over a view: for screen readers, keyboard, thumbs, 320 pixels, light and dark; and undo."""

import re

import pytest

from tests.jobs import browser
from tests.jobs.test_web_pages import PASSWORD, serious, served, state, visit  # noqa: F401 - fixtures

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
# (view, what is pressed): each opens one sheet.
SHEETS = {
    "consent": ("/?person=none", ("switch", "^Browsing history, Television")),
    "notice": ("/", ("button", "^Read$")),
    "answer": ("/", ("button", "^Reply$")),
    "why": ("/protection", ("button", "free-coins|cheap-sneakers|login.bank|parcel")),
    "lists": ("/protection", ("button", "^Choose lists$")),
    "helplines": ("/protection", ("button", "^Helplines$")),
    "add": ("/devices", ("button", "^Add a device$")),
    "device": ("/devices", ("button", "^Ben's phone")),
    "person": ("/devices", ("button", "^Mia Child")),
    "confirm": ("/account", ("button", "^Set up$")),
}
# Elements smaller than a thumb in either direction; what is inside a label that is large enough does not count.
SMALL = """() => [...document.querySelectorAll('dialog button, dialog a, dialog select, dialog input, dialog textarea')]
  .filter(one => !one.closest('label')).map(one => [one.getBoundingClientRect(), one.outerHTML.slice(0, 90)])
  .filter(([box]) => box.width && (box.height < 43.5 || box.width < 43.5)).map(([, html]) => html)"""


def press(page, role: str, name: str) -> None:
    page.get_by_role(role, name=re.compile(name)).first.click()
    page.get_by_role("dialog").wait_for()
    browser.settle(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SHEETS)
def test_every_sheet(visit, name, scheme):  # noqa: F811
    view, (role, words) = SHEETS[name]
    page = visit(view, browser.SMALL, color_scheme=scheme)
    press(page, role, words)
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate("document.querySelector('dialog').scrollWidth") <= 320
    assert page.evaluate(SMALL) == []
    assert page.evaluate("document.querySelector('dialog').contains(document.activeElement)")
    browser.shoot(page, f"sheet-{name}-{scheme}")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.trouble[:] = [
        one for one in page.trouble if "403" not in one
    ]  # "confirm" begins with a 403: the password is asked for again


def test_thumbs_find_every_view(visit):  # noqa: F811
    """Buttons, links and fields; the hours and days of the charts have the stepper and the list beside them."""
    everything = SMALL.replace("dialog ", "main ").replace(".closest('label')", ".closest('label, .timeline, .heat')")
    for view in ("/", "/?person=2", "/history", "/protection", "/privacy", "/devices", "/account", "/me"):
        page = visit(view)
        browser.settle(page)
        assert page.evaluate(everything) == [], view


def test_keyboard_alone_through_a_story(visit, served):  # noqa: F811
    """Sign in, switch on, read what it means, switch off, erase: without a pointer."""
    page = visit("/?person=2", browser.DESKTOP, signed_in=False)
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("navigation").wait_for()
    switch = page.get_by_role("switch", name=re.compile("^Browsing history, Ben's console"))
    for _ in range(80):
        if switch.evaluate("one => one === document.activeElement"):
            break
        page.keyboard.press("Tab")
    assert switch.evaluate("one => one.matches(':focus-visible')")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    to_button(page, "Agree and turn on")
    page.locator('[role=switch][aria-checked=true][aria-label^="Browsing history, Ben\'s console"]').wait_for()
    assert switch.evaluate("one => one === document.activeElement"), "the focus is back where it was"
    page.keyboard.press("Space")
    page.get_by_text("Off. Nothing is stored.").wait_for()
    page.goto(f"http://127.0.0.1:{served.port}/privacy")
    page.get_by_role("button", name="Delete …").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_text("This can't be undone").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")


def to_button(page, name: str) -> None:
    """Tab until that button of the sheet has the focus, and press it."""
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText").strip() == name:
            break
    page.keyboard.press("Enter")


def test_allow_block_and_rename_can_be_undone(visit, served):  # noqa: F811
    page = visit("/protection")
    for name, button, wanted in (("school.example", "Block", "block"), ("login.bank.example", "Allow", "allow")):
        page.get_by_label("Site").fill(name)
        page.get_by_role("button", name="Check", exact=True).click()
        page.locator(".answer strong", has_text=name).wait_for()
        page.locator(".answer").get_by_role("button", name=button, exact=True).click()
        page.locator(f".row:has-text('{name}')", has_text="All devices").wait_for()
        assert [(one["name"], one["action"]) for one in served.ask("rule.list")["items"]] == [(name, wanted)]
        page.get_by_role("button", name="Undo").last.click()
        page.get_by_text("No rules yet").wait_for()
        assert served.ask("rule.list")["items"] == []
    page.goto(page.url.replace("protection", "devices"))
    press(page, "button", "^Television")
    page.get_by_label("Name", exact=True).fill("Big screen")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name=re.compile("^Big screen")).wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name=re.compile("^Television")).wait_for()
    assert "Television" in [one["label"] for one in served.ask("device.list")["items"]]


def test_forgetting_says_how_much_goes_and_has_no_undo(visit, served):  # noqa: F811
    kept = next(one for one in served.ask("device.list")["items"] if one["label"] == "Ben's phone")["kept"]
    page = visit("/devices")
    press(page, "button", "^Ben's phone")
    page.get_by_role("button", name="Remove").click()
    page.get_by_text("Remove Ben's phone?").wait_for()
    page.get_by_text(f"{kept['visits']} visits").wait_for()
    browser.shoot(page, "forget")
    page.get_by_role("dialog").last.get_by_role("button", name="Remove").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name=re.compile("^Ben's phone")).wait_for(state="detached")
    assert page.get_by_role("button", name="Undo").count() == 0
    page.trouble.clear()


def test_a_rule_is_for_one_person_and_has_an_end(visit, served):  # noqa: F811
    page = visit("/protection")
    page.get_by_label("Site").fill("games.example")
    page.get_by_role("button", name="Check", exact=True).click()
    page.locator(".answer strong", has_text="games.example").wait_for()
    page.get_by_label("For whom").select_option(label="Mia (all devices)")
    page.get_by_label("For how long").select_option("week")
    page.locator(".answer").get_by_role("button", name="Block", exact=True).click()
    row = page.locator(".row", has_text="games.example")
    row.get_by_text(re.compile("^Mia · until")).wait_for()
    rule = served.ask("rule.list")["items"][0]
    assert (rule["scope"], rule["action"]) == ("person", "block") and rule["person_id"] and rule["expires_at"]
    served.ask("rule.remove", id=rule["id"])


@pytest.mark.parametrize(
    ("locale", "why", "turn_on", "agree"),
    [
        ("en-GB", "Protection is off for Television", "Turn on protection", "Agree and turn on"),
        ("de-DE", "Der Schutz ist für Television aus", "Schutz einschalten", "Zustimmen und einschalten"),
    ],
)
def test_what_a_rule_needs_is_turned_on_in_place(visit, served, locale, why, turn_on, agree):  # noqa: F811
    """From the message that the rule was added, and from its row: one tap, and the consent."""
    page = visit("/protection", browser.SMALL, locale=locale)
    tv = next(one["id"] for one in served.ask("device.list")["items"] if one["label"] == "Television")
    page.locator("#name").fill("tv.example")
    page.locator("#name").press("Enter")
    page.locator(".answer select").first.select_option("device:" + str(tv))
    page.locator(".answer button[type=submit]").click()
    message, row = page.locator(".toast", has_text=why), page.locator(".row", has_text="tv.example")
    for place in (message, row):
        place.get_by_role("button", name=turn_on).click()
        sheet = page.get_by_role("dialog")
        assert "Television" in sheet.inner_text() and page.evaluate("document.documentElement.scrollWidth") <= 320
        if place is message:
            page.keyboard.press("Escape")  # given up: it is said where the rule stands
            row.get_by_text(why).wait_for()
            browser.shoot(page, f"rule-idle-{locale[:2]}")
    sheet.get_by_role("button", name=agree).click()
    row.get_by_text(why).wait_for(state="detached")
    assert next(one for one in served.ask("device.list")["items"] if one["id"] == tv)["features"]["protection"]["on"]
    assert page.url.endswith("/protection")
    served.ask("off", device_id=tv, feature="protection")
    served.ask("rule.remove", id=served.ask("rule.list")["items"][-1]["id"])


def test_what_a_rule_needs_is_no_tap_without_an_answer(visit, served):  # noqa: F811
    """The router is away, or protection was turned on meanwhile: it is said, and nobody is asked about nothing."""
    page, thrown = visit("/protection", browser.SMALL), []
    page.on("pageerror", lambda error: thrown.append(str(error)))
    tv = next(one["id"] for one in served.ask("device.list")["items"] if one["label"] == "Television")

    def added(name):
        page.locator("#name").fill(name)
        page.locator("#name").press("Enter")
        page.locator(".answer strong", has_text=name).wait_for()
        page.locator(".answer select").first.select_option("device:" + str(tv))
        page.locator(".answer button[type=submit]").click()
        return page.locator(".toast").get_by_role("button", name="Turn on protection")

    away = added("away.example")
    away.wait_for()
    page.route("**/api/v1/devices", lambda route: route.abort())
    away.click()
    page.get_by_text("The router does not respond").wait_for()
    assert thrown == []
    page.unroute("**/api/v1/devices")
    meanwhile = added("meanwhile.example")
    meanwhile.wait_for()
    served.ask("on", device_id=tv, feature="protection", agree=1)
    with page.expect_response("**/api/v1/devices"):
        meanwhile.click()
    page.locator(".row", has_text="meanwhile.example").get_by_text("Protection is off").wait_for(state="detached")
    assert page.get_by_role("dialog").count() == 0
    served.ask("off", device_id=tv, feature="protection")
    row = page.locator(".row", has_text="meanwhile.example").get_by_role("button", name="Turn on protection")
    row.click()
    page.route("**/api/v1/**", lambda route: route.abort())
    page.get_by_role("dialog").get_by_role("button", name="Agree and turn on").click()
    page.get_by_text("The router does not respond").wait_for()
    page.unroute("**/api/v1/**")
    browser.settle(page)
    assert thrown == []
    page.trouble.clear()
    for rule in served.ask("rule.list")["items"]:
        if rule["name"] in ("away.example", "meanwhile.example"):
            served.ask("rule.remove", id=rule["id"])


@pytest.mark.parametrize("typed", ["Bücher.example", " http://bücher.example/x ", "xn--bcher-kva.example"])
def test_a_site_is_asked_about_in_letters_of_any_script(visit, typed):  # noqa: F811
    page = visit("/protection", locale="de-DE")
    page.get_by_label("Website").fill(typed)
    page.get_by_role("button", name="Prüfen", exact=True).click()
    page.locator(".answer strong", has_text="xn--bcher-kva.example").wait_for()


def test_why_is_true_of_each_kind(visit, served):  # noqa: F811
    """What the page says of a site, for each kind of answer that the router has here."""
    served.ask("block", name="games.example", scope="household")
    served.ask("settings.set", key="lookalike", value="refuse")
    page = visit("/protection", browser.SMALL)
    for name, sentence in (
        ("games.example", "Blocked by one of your rules."),
        ("dns.google", "Blocked: it could bypass protection (encrypted DNS)."),
        ("use-application-dns.net", "this is how browsers and iCloud are asked to use this network's DNS."),
        ("mask.icloud.com", "this is how browsers and iCloud are asked to use this network's DNS."),
        ("paypa1.com", "Blocked as a guess: looks like paypal.com"),
        ("childline.org.uk", "This is a helpline. It is never blocked and never recorded."),
        ("fine.example", "Not blocked: no list or rule mentions it."),
    ):
        page.locator("#name").fill(name)
        page.locator("#name").press("Enter")
        page.locator(".answer", has_text=name).get_by_text(sentence).wait_for()
    served.ask("settings.set", key="lookalike", value="off")
    served.ask("rule.remove", id=served.ask("rule.list")["items"][-1]["id"])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("https://www.games.example/play?x=1#y", "www.games.example"),
        ("*.games.example", "games.example"),
        ("GAMES.example. ", "games.example"),
    ],
)
def test_a_rule_is_for_what_was_meant(visit, served, typed, meant):  # noqa: F811
    """A pasted address, a name with a star: it is said what the rule is for before it is one."""
    page = visit("/protection", browser.SMALL)
    page.locator("#name").fill(typed)
    page.locator("#name").press("Enter")
    page.locator(".answer strong", has_text=meant).wait_for()
    page.locator(".answer button[type=submit]").click()
    page.locator(".row", has_text=meant).wait_for()
    rule = served.ask("rule.list")["items"][-1]
    assert (rule["name"], rule["action"]) == (meant, "block")
    served.ask("rule.remove", id=rule["id"])


def test_no_site_is_said_beside_the_field_and_a_public_suffix_is_asked_about(visit, served):  # noqa: F811
    page = visit("/protection", browser.SMALL)
    for typed in ("two words", "a..b", "user@mail.example"):
        page.locator("#name").fill(typed)
        page.locator("#name").press("Enter")
        page.locator("#name-error", has_text="Enter a site such as").wait_for()
    page.locator("#name").fill("co.uk")
    page.locator("#name").press("Enter")
    page.locator(".answer strong", has_text="co.uk").wait_for()
    page.locator(".answer button[type=submit]").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_text("every site whose name ends in .co.uk").wait_for()
    sheet.get_by_role("button", name="Cancel").click()
    sheet.wait_for(state="detached")
    assert served.ask("rule.list")["items"] == []
    page.trouble.clear()  # what the browser says of each refusal
