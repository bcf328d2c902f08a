"""Every view as people meet it: sizes, colour schemes, languages, keyboard, screen readers; pictures to look at."""

import json
import re
from pathlib import Path

import pytest

from tests.jobs import browser
from tests.jobs.lived_in import Served
from tests.jobs.sentences import errors, said_by_router
from tests.jobs.web_peer import PASSWORD, wait_until

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
STATIC = Path(__file__).resolve().parent.parent.parent / "agent" / "jobs" / "web" / "static"
VIEWS = ("overview", "history", "protection", "privacy", "devices", "account")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("lived-in"))
    served.ask("device.add", label="This laptop", address="127.0.0.1", person_id=2)
    here = served.ask("device.list")["items"]
    own = next(one["id"] for one in here if one["address"] == "127.0.0.1")
    for feature in ("history", "protection"):
        served.ask("on", device_id=own, feature=feature, agree=1)
    tablet = next(one["id"] for one in here if one["address"] == "127.0.0.2")
    served.ask("request.add", device_id=tablet, kind="unblock", text="I need it for school", target="quiz.example")
    yield served
    served.stop()


@pytest.fixture(scope="module")
def state(chromium, served):
    """A signed-in browser's cookies, for all the others."""
    context = chromium.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{served.port}/")
    served.sign_in(page)
    kept = context.storage_state()
    context.close()
    return kept


@pytest.fixture
def visit(chromium, served, state):
    contexts = []

    def go(path, size=browser.PHONE, locale="en-GB", signed_in=True, **more):
        context = chromium.new_context(
            viewport=size,
            locale=locale,
            storage_state=state if signed_in else None,
            timezone_id="Europe/Berlin",
            **more,
        )
        contexts.append(context)
        page = browser.watched(context)
        page.goto(f"http://127.0.0.1:{served.port}{path}")
        page.locator("h1").wait_for()
        return page

    yield go
    for context in contexts:
        for page in context.pages:
            assert page.trouble == []
        context.close()


def address(view: str) -> str:
    return "/" if view == "overview" else "/" + view


def serious(page) -> list[str]:
    """What axe finds that keeps people out."""
    from axe_playwright_python.sync_playwright import Axe

    browser.settle(page)  # half faded in, a text lacks contrast
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_and_desktop(visit, view, scheme):
    for size in (browser.PHONE, browser.DESKTOP):
        page = visit(address(view), size, color_scheme=scheme)
        browser.settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        browser.shoot(page, f"{view}-{scheme}")
        assert serious(page) == []


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
@pytest.mark.parametrize("view", [*map(address, VIEWS), "/me"])
def test_320_pixels_wide(visit, view, locale):
    page = visit(view, browser.SMALL, locale)
    browser.settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    name = view.strip("/") or "overview"
    browser.shoot(page, f"{name}-{locale[:2]}")


PARTS = [
    "/?person=1",
    "/?person=none",
    *(f"/?person=1&part={part}" for part in ("times", "content", "minutes", "week")),
]
# Texts of which a part is hidden.
CUT = """() => [...document.querySelectorAll('main *, header *')].filter((one) => one.clientWidth && one.innerText
  && one.scrollWidth > one.clientWidth + 2 && getComputedStyle(one).overflowX === 'hidden' && !one.matches('.hidden'))
  .map((one) => one.innerText.slice(0, 60))"""


@pytest.mark.parametrize("size", [browser.SMALL, browser.DESKTOP], ids=["phone", "desktop"])
def test_nothing_is_cut_off_when_text_is_twice_as_large(visit, served, size):
    page = visit("/", size, "de-DE")  # the longer words
    rows = "new Set([...document.querySelectorAll('.nav-item')].map((one) => one.offsetTop)).size"
    assert size is browser.DESKTOP or page.evaluate(rows) <= 2  # one, and one of what is not shown
    for view in (*map(address, VIEWS), *PARTS, "/me"):
        page.goto(f"http://127.0.0.1:{served.port}{view}")
        page.locator("h1").first.wait_for()
        page.evaluate("document.documentElement.style.fontSize = '32px'")
        browser.settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], view
        assert page.evaluate(CUT) == [], view


def test_german_has_no_english_left(visit):
    english = json.loads((STATIC / "text" / "en.json").read_text())
    for view in VIEWS:
        page = visit(address(view), browser.DESKTOP, "de-DE")
        assert page.evaluate("document.documentElement.lang") == "de"
        text = page.locator("main").inner_text()
        for key in ("nav.overview", "pause.title", "activity.title", "lists.title", "devices.seen", "sessions.title"):
            assert english[key] not in text, (view, key)
        browser.shoot(page, f"{view}-german")


def keys(path: str) -> dict[str, object]:
    return json.loads((STATIC / "text" / path).read_text())


def used_keys() -> set[str]:
    """Literal keys in the modules; those put together from parts are named by their prefix."""
    found = set()
    for path in STATIC.glob("js/**/*.js"):
        found |= set(re.findall(r"""\bt\(\s*["`]([\w.]+)["`]""", path.read_text()))
        found |= set(re.findall(r"""\?\s*"([a-z]+\.[\w.]+)"\s*:""", path.read_text()))
        found |= set(re.findall(r""":\s*"([a-z]+\.[\w.]+)"\s*[,)]""", path.read_text()))
    return found


def test_no_word_is_missing():
    """What the modules ask for is there; tests/jobs/test_web_languages.py compares the languages."""
    english = keys("en.json")
    for key in used_keys() - said_by_router():
        assert key in english or key.endswith(".") or any(one.startswith(key) for one in english), key


def test_every_error_has_a_translation():
    """Each sentence that the daemon or the page's program can refuse with, from their syntax trees."""
    german = keys("de.json")
    assert errors() - set(german) == set()
    for key in errors():
        assert german[key].count("{}") <= key.count("{}"), key


def test_a_refusal_is_shown_in_the_readers_language(visit, served):
    """One with a value in it, from the daemon, as a whole sentence; the value as it was."""
    page = visit("/devices", locale="de-DE")
    page.get_by_role("button", name="Gerät hinzufügen").click()
    page.get_by_label("Name", exact=True).fill("Neues Gerät")
    page.get_by_label("MAC-Adresse").fill("300.1.1.1")
    page.get_by_role("dialog").get_by_role("button", name="Hinzufügen").click()
    page.get_by_text("Keine IP-Adresse: '300.1.1.1'.").wait_for()
    page.trouble.clear()


def test_the_daemons_words_have_a_translation():
    """A sentence that is changed in the code is missing here at once; until then the page shows the code's words."""
    from agent.core import settings

    german = keys("de.json")
    assert said_by_router() - set(german) == set()
    for row in settings.TABLE:
        if row.household:
            assert "setting." + row.name in german
        if row.household and row.kind == settings.CHOICE:
            assert all(f"setting.{row.name}.{word}" in german for word in row.limits)


def test_keyboard_alone(visit):
    """Skip link first, then the switches, each with a visible focus; a sheet keeps and gives back the focus."""
    page = visit("/?person=2")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    switch = page.get_by_role("switch", name=re.compile("^Browsing history, Ben's console"))
    switch.focus()
    page.keyboard.press("Space")
    page.get_by_role("dialog").wait_for()
    for _ in range(12):
        page.keyboard.press("Tab")
        inside = "document.querySelector('dialog').contains(document.activeElement)"
        assert page.evaluate("document.activeElement === document.body || " + inside)
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(
        "Browsing history, Ben's console"
    )


def test_live_changes_keep_the_focus_and_what_is_typed(visit, served):
    page = visit("/protection")
    page.get_by_label("Site").fill("half a na")
    served.ask("allow", name="other.example", scope="household")
    page.get_by_text("other.example").wait_for()
    assert page.get_by_label("Site").input_value() == "half a na"
    assert page.evaluate("document.activeElement.id") == "name"


def test_what_happens_before_the_stream_stands_is_seen(visit, served):
    """A change right after the page was loaded, while its stream is still on the way."""
    page = visit("/devices")
    held = []
    page.route("**/api/v1/events?*", lambda route: held.append(route))
    page.goto(page.url)
    page.get_by_role("button", name=re.compile("^Television")).wait_for()
    wait_until(lambda: page.evaluate("1") and held)
    tv = next(one["id"] for one in served.ask("device.list")["items"] if one["label"] == "Television")
    served.ask("device.edit", device_id=tv, label="Big screen", actor="cli")
    held[0].continue_()
    page.get_by_role("button", name=re.compile("^Big screen")).wait_for()
    served.ask("device.edit", device_id=tv, label="Television", actor="cli")
    page.get_by_role("button", name=re.compile("^Television")).wait_for()
    # Another view takes the same stream over.
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("heading", name="Overview").wait_for()
    assert len(held) == 1


def test_reduced_motion(visit):
    page = visit("/?person=2", reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.querySelector('.thumb')).transitionDuration") in ("0s", "")


def test_the_switch_waits_for_the_router(visit, served):
    """Until the daemon has acknowledged, the switch shows what was, and that it waits."""
    page = visit("/?person=none")
    held = []
    page.route("**/features/protection", lambda route: held.append(route))
    switch = page.get_by_role("switch", name=re.compile("^Real-time protection, Television"))
    switch.click()
    page.get_by_role("button", name="Agree and turn on").click()
    page.locator("[role=switch][aria-busy=true]").wait_for()
    assert switch.get_attribute("aria-checked") == "false"
    browser.shoot(page, "switch-waiting")
    held[0].continue_()
    page.locator("[role=switch][aria-checked=true][aria-label*=Television]").wait_for()
    # A refused change says so and shows what is.
    page.unroute("**/features/protection")
    page.route("**/features/protection", lambda route: route.abort())
    switch.click()
    page.get_by_text("The router does not respond").wait_for()
    assert switch.get_attribute("aria-checked") == "true"
    page.trouble.clear()


def test_pause_and_resume(visit, served):
    page = visit("/")
    page.get_by_role("button", name="Pause recording").click()
    page.get_by_role("heading", name="Recording is paused").wait_for()
    browser.shoot(page, "paused")
    # What is switched off meanwhile stays off.
    phone = next(one for one in served.ask("device.list")["items"] if one["label"] == "Ben's phone")
    served.ask("off", device_id=phone["id"], feature="history", actor="cli")
    page.get_by_role("button", name="Resume recording").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_text("Mia's tablet: Browsing history").wait_for()
    assert sheet.get_by_text("Ben's phone").count() == 0
    sheet.get_by_role("button", name="Resume recording").click()
    page.get_by_role("button", name="Pause recording").wait_for()
    assert not served.ask("device.list")["items"][phone["id"] - 1]["features"]["history"]["on"]


def test_what_was_said_at_a_device_is_answered(visit, served):
    page = visit("/")
    page.get_by_text("I need it for school").wait_for()
    page.get_by_role("button", name="Allow for an hour").click()
    page.get_by_text("Reply sent. It is shown on the device.").wait_for()
    assert served.ask("request.list")["items"][0]["answer"] == "Allowed for an hour."
    tablet = served.ask("request.list")["items"][0]["device_id"]
    served.ask("request.add", device_id=tablet, kind="unblock", target="essay.example")
    visit("/").get_by_role("button", name="Always allow").click()
    wait_until(lambda: served.ask("request.list")["items"][-1]["answer"])
    ends = {rule["name"]: rule["expires_at"] for rule in served.ask("rule.list")["items"]}
    assert ends["essay.example"] is None and ends["quiz.example"] is not None
    assert served.ask("request.list")["items"][-1]["answer"] == "Always allowed."


OPERATOR = {"name": "Example Lab", "contact": "lab@example.org", "country": "DE", "purpose": "better lists",
            "retention": "two years", "address": "https://collect.example.org/", "key": "ab" * 32}  # fmt: skip


def test_summaries_are_shown_before_and_after(visit, served):
    """Nobody to send to; then an operator, the exact text, the password, on; the ledger of reports; off at once."""
    page = visit("/privacy")
    page.get_by_text("No operator is set up").wait_for()
    served.ask("statistics.operator_set", operator=OPERATOR, actor="cli")
    page.get_by_text("Statistics are not shared. Nothing is sent.").wait_for()
    page.get_by_role("button", name="Share statistics …").click()
    sheet = page.get_by_role("dialog")
    for value in (*OPERATOR.values(), "the usual root certificates", "The operator sees the IP address"):
        sheet.get_by_text(value).first.wait_for()
    sheet.get_by_text("can't be recalled").wait_for()
    sheet.get_by_text("0.5 per report, at most 26 in total").wait_for()
    text = sheet.locator("pre").inner_text()
    assert json.loads(text)["schema"] == 2, "the exact text stands there without a click"
    assert [str(number) for number in json.loads(text)["answers"].values()] == numbers_sent(sheet)
    assert serious(page) == []
    browser.shoot_part(sheet, "summaries")
    sheet.get_by_role("button", name="Agree and share").click()
    page.get_by_label("Password", exact=True).wait_for()
    assert served.ask("statistics.status")["state"] == "off"
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Statistics are shared.").first.wait_for()
    assert served.ask("statistics.status")["state"] == "on"
    # Another operator in the meantime: off, and it says why.
    served.ask("statistics.operator_set", operator={**OPERATOR, "name": "Else"}, actor="cli")
    page.get_by_text("Off: the operator has changed").wait_for()
    served.ask("statistics.operator_set", operator=None, actor="cli")
    served.ask("statistics.opt_out", actor="cli")
    page.trouble.clear()  # refused tries answer 403: the password is asked for again


def numbers_sent(sheet) -> list[str]:
    """Of what this report tells; of the rest a dash."""
    return [one for one in sheet.locator("table.numbers tbody tr td:last-child").all_inner_texts() if one != "–"]


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_ledger_of_reports_and_withdrawing_on_a_phone(visit, served, language):
    """What was made, sent and dropped, each with its text; off at once, and what that can't bring back."""
    served.ask("statistics.operator_set", operator=OPERATOR, actor="cli")
    now = served.ask("statistics.status")
    served.ask("statistics.opt_in", agree=now["notice"], terms=now["terms"], actor="cli")
    page = visit("/privacy", locale=language, size=browser.SMALL)
    german = language == "de"
    page.get_by_text("Die Statistik wird geteilt." if german else "Statistics are shared.").first.wait_for()
    browser.shoot_part(page.locator("[data-key=reports]"), f"summaries-on-{language}")
    page.get_by_role("button", name=re.compile("verworfen|discarded")).first.click()
    page.get_by_text("Der Empfänger antwortet mit 400" if german else "the receiver answers 400").wait_for()
    page.get_by_role("dialog").get_by_text("5e5e5e5e").wait_for()
    page.get_by_role("dialog").get_by_text('"schema":2').wait_for()
    browser.shoot_part(page.get_by_role("dialog"), f"summaries-one-{language}")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Zeigen, was gesendet würde" if german else "See what would be sent").click()
    browser.shoot_part(page.get_by_role("dialog"), f"summaries-preview-{language}")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Nicht mehr teilen" if german else "Stop sharing").click()
    page.get_by_text("nicht zurückholen, weil" if german else "can't be recalled, because").wait_for()
    assert served.ask("statistics.status")["state"] == "off"
    page.get_by_role("button", name="Statistik teilen …" if german else "Share statistics …").click()
    page.get_by_role("dialog").get_by_text(OPERATOR["key"]).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    browser.shoot_part(page.get_by_role("dialog"), f"summaries-agree-{language}")
    page.keyboard.press("Escape")
    served.ask("statistics.operator_set", operator=None, actor="cli")


@pytest.fixture
def laptop(served):
    """This browser's own device as it was enrolled first: Ben's, both on, and no PIN."""
    for one in served.ask("device.list")["items"]:
        if one["address"] == "127.0.0.1":
            served.ask("device.remove", device_id=one["id"], actor="cli")
    own = served.ask("device.add", label="This laptop", address="127.0.0.1", person_id=2)["id"]
    for feature in ("history", "protection"):
        served.ask("on", device_id=own, feature=feature, agree=1)
    return own


def choose_pin(household, page):
    """With a code from the household's page."""
    household.goto(household.url.split("?")[0].rstrip("/") + "/devices")
    household.get_by_role("button", name=re.compile("^This laptop")).click()
    household.get_by_role("button", name="PIN code").click()
    code = household.locator(".big-code").inner_text()
    browser.shoot(household, "pin-code")
    page.get_by_role("button", name="Choose a PIN").click()
    page.get_by_label("Code", exact=True).fill(code)
    page.get_by_label("New PIN").fill("2468")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Visited", exact=True).wait_for()


def test_me(visit, served, laptop):
    page = visit("/me", signed_in=False)
    page.get_by_role("heading", name="This laptop").wait_for()
    page.get_by_text("The websites this device visits are being recorded.").wait_for()
    assert serious(page) == []
    browser.shoot(page, "me")
    # A teen may object; it reaches the household.
    page.get_by_role("button", name="Object").click()
    page.get_by_label("Your message").fill("I do not want this.\nPlease.")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("I do not want this. Please.").wait_for()
    household = visit("/")
    household.get_by_text("I do not want this. Please.").wait_for()
    # Content only with a PIN, set with a code from the household's page.
    assert page.get_by_text("Visited", exact=True).count() == 0
    choose_pin(household, page)
    browser.shoot(page, "me-content")
    # Live here too: the household switches off, the page says so.
    served.ask("off", device_id=laptop, feature="history", actor="cli")
    page.get_by_text("The websites this device visits are not being recorded.").wait_for()


def test_an_adult_decides_on_their_own_page(visit, served, laptop):
    own = laptop
    served.ask("off", device_id=own, feature="history", actor="cli")
    served.ask("device.edit", device_id=own, person_id=3, actor="cli")
    choose_pin(visit("/"), visit("/me", signed_in=False))
    served.ask("on", device_id=own, feature="history", agree=1, actor="cli")
    rows = {one["id"]: one for one in served.ask("device.list")["items"]}
    assert not rows[own]["features"]["history"]["on"]
    page = visit("/me", signed_in=False)
    page.get_by_text("You decide").wait_for()
    page.get_by_label("PIN").fill("2468")
    page.get_by_role("button", name="Open").click()
    page.get_by_text("Visited", exact=True).wait_for()
    switch = page.get_by_role("switch", name=re.compile("Browsing history"))
    switch.click()
    page.get_by_role("button", name="Agree and turn on").click()
    page.locator("[role=switch][aria-checked=true]", has_text="Browsing history").wait_for()
    browser.shoot(page, "me-adult")
    switch.click()
    page.locator("[role=switch][aria-checked=false]", has_text="Browsing history").wait_for()
    assert not {one["id"]: one for one in served.ask("device.list")["items"]}[own]["features"]["history"]["on"]


def test_a_stranger_is_told_that_nothing_is_recorded(visit, served, laptop):
    served.ask("device.remove", device_id=laptop, actor="cli")
    page = visit("/me", signed_in=False)
    page.get_by_text("Nothing is recorded about this device").wait_for()
    browser.shoot(page, "me-stranger")
    page.trouble.clear()


def test_size_of_it_all():
    import gzip

    # One language beside English: each is a package of its own.
    others = {path for path in (STATIC / "text").iterdir() if path.stem not in ("en", "de")}
    files = [path for path in STATIC.rglob("*") if path.is_file() and path not in others]
    packed = sum(len(gzip.compress(path.read_bytes(), 9)) for path in files)
    print(sum(path.stat().st_size for path in files), packed)
    assert packed <= 190_000


def test_an_older_answer_does_not_replace_a_newer_one(visit, served):
    """A list of rules that is late by a second, asked for before the undo, comes after the one asked for behind it."""
    page = visit("/protection")
    page.get_by_label("Site").fill("late.example")
    page.get_by_role("button", name="Check", exact=True).click()
    page.locator(".answer strong", has_text="late.example").wait_for()
    late = """() => { const fetch = window.fetch; let first = true; window.fetch = async (path, ...rest) => {
        const answer = await fetch(path, ...rest);
        if (!String(path).includes("/rules?") || (rest[0] || {}).method !== "GET" || !first) return answer;
        first = false;
        await new Promise((done) => setTimeout(done, 1000));
        return answer; }; }"""
    page.evaluate(late)
    page.locator(".answer").get_by_role("button", name="Block", exact=True).click()
    page.get_by_role("button", name="Undo").click()
    page.wait_for_timeout(2000)
    assert "late.example" not in [rule["name"] for rule in served.ask("rule.list")["items"]]
    assert page.locator(".row", has_text="late.example").count() == 0
