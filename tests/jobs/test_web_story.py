"""The whole story in a browser, against the real daemon: first run to second factor, as a parent would do it."""

import json
import re
import time
from pathlib import Path

import pytest

from agent.jobs.web import totp
from tests.jobs import browser
from tests.jobs.daemon import Daemon
from tests.jobs.test_web_security import unbase32
from tests.jobs.web_peer import PASSWORD

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
TABLET = "127.0.0.2"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    daemon = Daemon(tmp_path_factory.mktemp("story"))
    yield daemon
    daemon.stop()


@pytest.fixture
def page(chromium, daemon):
    context = chromium.new_context(viewport=browser.PHONE, locale="en-GB", timezone_id="Europe/Berlin")
    page = context.new_page()
    page.set_default_timeout(browser.PATIENCE_MS)
    trouble = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda message: trouble.append(message.text) if "Content Security" in message.text else None)
    # The page loads nothing from anywhere else.
    context.route("**/*", lambda route: route.continue_() if f":{daemon.web}/" in route.request.url else trouble.append(route.request.url))  # fmt: skip  # noqa: E501
    yield page
    context.close()
    assert trouble == []


def open_page(page, daemon, path="/"):
    page.goto(f"http://127.0.0.1:{daemon.web}{path}")


def sign_in(page, daemon, path="/", code=None):
    open_page(page, daemon, path)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    if code:
        page.get_by_label("Code from your authenticator app").fill(code)
        page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation").wait_for()


def switch(page, feature, device="Mia's tablet"):
    return page.get_by_role("switch", name=re.compile(f"^{feature}, {device}"))


def test_1_first_run(page, daemon):
    open_page(page, daemon)
    page.get_by_role("heading", name="Welcome").wait_for()
    page.get_by_label("Setup code").fill("wrongwrong")
    page.get_by_label("New password").fill("password1234")
    page.get_by_role("button", name="Start").click()
    page.get_by_text("easy to guess").wait_for()
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Start").click()
    page.get_by_role("alert").wait_for()
    page.get_by_label("Setup code").fill(daemon.ask("setup.code")["code"])
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Start").click()
    page.get_by_role("heading", name="No devices yet").wait_for()
    browser.shoot(page, "story-1-empty")


def test_2_enrol(page, daemon):
    sign_in(page, daemon, "/devices")
    page.get_by_role("button", name="Add a person").click()
    page.get_by_role("textbox", name="Name").fill("Mia")
    page.get_by_role("button", name="Save").click()
    # What comes next for somebody new is on their page.
    page.get_by_role("heading", name="Which devices does Mia use?").wait_for()
    page.get_by_role("link", name="Devices").click()
    page.get_by_role("button", name="Mia Child").wait_for()
    page.get_by_role("button", name="Add a device").click()
    page.get_by_role("textbox", name="Name").fill("Mia's tablet")
    page.get_by_label("MAC address").fill(TABLET)
    page.get_by_label("Person", exact=True).select_option(label="Mia")
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    page.get_by_text("Device added. Everything is off.").wait_for()
    device = daemon.ask("device.list")["items"][0]
    assert not any(one["on"] for one in device["features"].values())
    assert daemon.query("before.example.org", TABLET) == -1
    assert daemon.ask("history", device_id=device["id"])["items"] == []


def test_3_on_shows_what_it_means_first(page, daemon):
    sign_in(page, daemon, "/?person=1")
    for feature in ("Browsing history", "Real-time protection"):
        switch(page, feature).click()
        sheet = page.get_by_role("dialog")
        sheet.get_by_text("which sites and apps this device connects to").wait_for()
        browser.shoot(page, "story-3-consent")
        # Escape is no: nothing changes.
        page.keyboard.press("Escape")
        assert switch(page, feature).get_attribute("aria-checked") == "false"
        switch(page, feature).click()
        page.get_by_role("button", name="Agree and turn on").click()
        page.locator("[role=switch][aria-checked=true]", has_text=feature).wait_for()
        assert "on since" in switch(page, feature).inner_text()
    browser.shoot(page, "story-3-on")


def test_4_traffic_becomes_history(page, daemon):
    sign_in(page, daemon, "/history")
    for name in ("en.wikipedia.org", "www.wikipedia.org", "scratch.mit.edu"):
        daemon.query(name, TABLET)
    # Without a reload: the page hears that something was recorded.
    page.get_by_text("wikipedia.org", exact=True).wait_for()
    page.locator("summary", has_text="wikipedia.org").click()
    page.get_by_text("en.wikipedia.org", exact=True).wait_for()
    page.locator("p:visible", has_text=re.compile("Mia's tablet (visited|used) it")).wait_for()
    page.get_by_role("button", name="Mark as wrong").first.click()
    page.get_by_text("Marked as wrong.").wait_for()
    page.get_by_label("Search all days").fill("scratch")
    page.get_by_text("1 visit found").wait_for()
    browser.shoot(page, "story-4-history")


def test_5_refused_explained_allowed_undone(page, daemon):
    sign_in(page, daemon, "/protection")
    page.get_by_text("Nothing was blocked").wait_for()
    assert daemon.query("login.bank.example", TABLET) == 15
    # It appears without a reload.
    page.get_by_role("button", name=re.compile("login.bank.example")).click()
    page.get_by_text("Blocked: the list").wait_for()
    browser.shoot(page, "story-5-why")
    page.get_by_role("dialog").get_by_label("For how long").select_option("hour")
    page.get_by_role("dialog").get_by_role("button", name="Allow", exact=True).click()
    page.get_by_text("login.bank.example is allowed.").wait_for()
    assert daemon.query("login.bank.example", TABLET) == -1
    page.locator(".row", has_text="Mia's tablet · until").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("No rules yet").wait_for()
    assert daemon.query("login.bank.example", TABLET) == 15


def test_6_off_is_seen_by_every_browser_and_erases(page, daemon, chromium):
    other = chromium.new_page()
    sign_in(other, daemon, "/?person=1")
    sign_in(page, daemon, "/?person=1")
    switch(page, "Browsing history").click()
    page.get_by_text(re.compile(r"Off\. \d visits? stays? stored until")).wait_for()
    browser.shoot(page, "story-6-off")
    # Without a reload, in the other browser too.
    other.locator("[role=switch][aria-checked=false]", has_text="Browsing history").wait_for()
    other.close()
    daemon.query("after-off.example.org", TABLET)
    page.get_by_role("button", name="Delete now").click()
    page.get_by_role("button", name=re.compile("Delete [0-9]+ records?")).click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_text(re.compile("records? deleted")).wait_for()
    device = daemon.ask("device.list")["items"][0]
    assert daemon.ask("history", device_id=device["id"])["items"] == []


def test_7_prove_it_and_take_it_along(page, daemon, tmp_path):
    sign_in(page, daemon, "/privacy")
    page.get_by_role("button", name="Check now").click()
    page.get_by_text("Every record was made with consent.").wait_for()
    head = page.locator(".proof .hash").inner_text()
    assert re.fullmatch("[0-9a-f]{64}", head)
    browser.shoot(page, "story-7-proof")
    page.get_by_role("button", name="Download").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    with page.expect_download() as download:
        page.get_by_role("button", name="Continue").click()
    path = tmp_path / "export.json"
    download.value.save_as(path)
    rows = json.loads(path.read_text())["rows"]
    assert {row["kind"] for row in rows} >= {"head", "device", "ledger", "attempt"}
    page.get_by_text("I saved a checksum earlier").click()
    page.get_by_label("Checksum").fill(head)
    page.get_by_role("button", name="Check now").click()
    page.get_by_text("Every record was made with consent.").wait_for()


def test_8_second_factor(page, daemon):
    sign_in(page, daemon, "/account")
    page.get_by_role("button", name="Set up").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.locator(".qr").wait_for()
    secret = unbase32(page.locator(".steps .hash").inner_text().replace(" ", ""))
    browser.shoot(page, "story-8-factor")
    # This one and the one after it: both are good, too, if the next half minute begins meanwhile.
    step = int(time.time()) // 30
    page.get_by_label("Six digits").fill(totp.code(secret, step))
    page.get_by_role("button", name="Turn on").click()
    page.get_by_text("Save them now").wait_for()
    recovery = page.locator(".codes li").first.inner_text()
    page.get_by_role("button", name="I have saved them").click()
    page.get_by_role("button", name="Sign out here").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    sign_in(page, daemon, code=totp.code(secret, step + 1))
    page.get_by_role("navigation").wait_for()
    open_page(page, daemon, "/account")
    page.get_by_role("button", name="Sign out here").click()
    sign_in(page, daemon, code=recovery)


def test_9_nothing_personal_in_the_log(daemon):
    log = Path(daemon.folder / "log").read_text()
    for word in ("Mia", "wikipedia", "bank.example", TABLET, "blue lamps"):
        assert word not in log
    assert "internal error" not in log
