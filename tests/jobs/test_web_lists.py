"""The lists in a browser, with the real daemon, its job and an https server: held, chosen, rolled back; warnings."""

import json
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs import browser
from tests.jobs.bad_server import Authority, BadServer, names, validated
from tests.jobs.daemon import ROOT, Daemon
from tests.jobs.web_peer import PASSWORD

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
TABLET = "127.0.0.2"


class Home:
    """A protected tablet; two feeds at a local server, of which one is chosen."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        self.server = BadServer(authority.context("good"))
        self.serve("one", 3000)
        self.serve("two", 2000)
        data = folder / "data"
        shutil.copytree(ROOT / "blocklists", data)
        feeds = [
            {"id": id, "name": "List " + id, "address": self.server.address("/" + id), "category": "phishing"}
            | {"home": "https://lists.example/" + id, "default": id == "one", "licence": "MIT", "for": "For trying."}
            for id in ("one", "two")
        ]
        (data / "feeds.json").write_text(json.dumps({"format": 1, "feeds": feeds}))
        trusting = {"SSL_CERT_FILE": str(authority.file)}
        self.daemon = Daemon(folder, trusting, data_dir=data, lists_auto="no")
        self.ask = self.daemon.ask
        self.ask("device.add", label="Tablet", address=TABLET)
        self.ask("on", device_id=1, feature="protection", agree=1)
        self.update()

    def serve(self, id: str, count: int) -> None:
        self.server.pages["/" + id] = validated(names(count, id), f'"{count}"')

    def update(self) -> None:
        assert self.ask("lists.update")["started"]
        self.done()

    def done(self) -> None:
        end = time.monotonic() + 30
        while self.ask("lists.progress")["running"]:
            assert time.monotonic() < end
            time.sleep(0.05)

    def close(self) -> None:
        self.daemon.stop()
        self.server.close()


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="privacy-agent-"))
    folder.chmod(0o755)  # the job's user must reach it
    made = Home(folder)
    yield made
    made.close()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def state(home: Home):
    with browser.chromium() as running:
        context = running.new_context(locale="en-GB")
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{home.daemon.web}/")
        page.get_by_label("Setup code").fill(home.ask("setup.code")["code"])
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_role("button", name="Start").click()
        page.get_by_role("navigation").wait_for()
        kept = context.storage_state()
        context.close()
        yield running, kept


@pytest.fixture
def protection(home: Home, state):
    """The view of that name, in a language."""
    contexts = []

    def go(locale: str = "en-GB"):
        running, kept = state
        contexts.append(running.new_context(viewport=browser.PHONE, locale=locale, storage_state=kept))
        page = contexts[-1].new_page()
        page.set_default_timeout(browser.PATIENCE_MS)
        with page.expect_response("**/api/v1/events?*"):  # from here on the page is told what happens
            page.goto(f"http://127.0.0.1:{home.daemon.web}/protection")
        page.locator("h1").wait_for()
        return page

    yield go
    for context in contexts:
        context.close()


def test_a_held_update_says_what_and_why_and_waits(home: Home, protection) -> None:
    home.serve("one", 100)
    home.update()
    page = protection("de-DE")
    card = page.locator(".answer", has_text="List one")
    card.get_by_text("sie schrumpfte von etwa 3000 Regeln auf 100").wait_for()
    (held,) = home.ask("lists.waiting")["items"]
    card.get_by_text(f"Version {held['version']}, 100 Einträge.").wait_for()
    page = protection()
    card = page.locator(".answer", has_text="List one")
    card.get_by_text("it shrank from about 3000 rules to 100").wait_for()
    card.get_by_role("button", name="Install", exact=True).click()
    card.wait_for(state="detached")
    home.done()
    assert home.ask("lists.waiting")["items"] == []
    assert {row["id"]: row["rules"] for row in home.ask("lists")["items"]} == {"one": 100}
    # Back to the set before, by a button.
    page.get_by_role("button", name="Use the previous lists").click()
    page.get_by_text("3,000 entries").first.wait_for()
    assert {row["id"]: row["rules"] for row in home.ask("lists")["items"]} == {"one": 3000}


def test_lists_are_chosen_with_what_they_are_for(home: Home, protection) -> None:
    page = protection()
    page.get_by_role("button", name="Choose lists").click()
    page.get_by_text("For trying. · Phishing · MIT").first.wait_for()
    page.get_by_role("switch", name=re.compile("List two")).click()
    page.get_by_role("switch", name=re.compile("List two"), checked=True).wait_for()
    assert {row["id"]: row["chosen"] for row in home.ask("lists")["feeds"]} == {"one": True, "two": True}


def test_helplines_are_shown(protection) -> None:
    page = protection()
    page.get_by_role("button", name="Helplines").click()
    page.get_by_text("samaritans.org", exact=True).wait_for()
    page.get_by_text("neither a list nor your rules block them").wait_for()


def test_a_wrong_refusal_of_a_name_becomes_a_text(home: Home, protection) -> None:
    page = protection()
    page.get_by_label("Site").fill("www.one7.example")
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_role("button", name="Report a mistake").click()
    page.locator("pre", has_text="List: List one (one)").wait_for()
    assert page.get_by_role("link", name="The list's website").get_attribute("href") == "https://lists.example/one"


def test_a_look_alike_is_told_while_somebody_looks_and_kept_nowhere(home: Home, protection) -> None:
    home.ask("settings.set", key="lookalike", value="warn")
    page = protection("de-DE")
    home.daemon.query("login-secure-update.weebly.com", TABLET)
    home.daemon.query("paypal-login-verify.top", TABLET)
    page.get_by_text("sieht aus wie eine Wegwerf-Website: hat ein Wort, das zu etwas auffordert").wait_for()
    page.get_by_text("sieht aus wie paypal.com: hat einen bekannten Namen als Wort").wait_for()
    page.reload()
    page.locator("h1").wait_for()
    assert page.get_by_text("paypal").count() == 0
    assert "paypal" not in json.dumps([home.ask("blocked"), home.ask("export", all=True, limit=200)])
    home.ask("settings.set", key="lookalike", value="off")


def test_a_list_of_ones_own_is_added_and_removed(home: Home, protection) -> None:
    home.server.pages["/own.txt"] = validated(names(50, "own"), '"own"')
    page = protection()
    page.get_by_role("button", name="Choose lists").click()
    sheet = page.get_by_role("dialog")
    field = sheet.get_by_label("Address of the list")
    field.fill("http://lists.example/own.txt")
    sheet.get_by_role("button", name="Add list").click()
    # What is wrong is said beside the field, and what was typed stays.
    sheet.get_by_role("alert").get_by_text("must begin with https://").wait_for()
    assert field.input_value() == "http://lists.example/own.txt"
    address = home.server.address("/own.txt")
    field.fill(address)
    sheet.get_by_role("button", name="Add list").click()
    shown = address.removeprefix("https://")
    sheet.get_by_role("switch", name=shown).wait_for()
    home.update()
    assert home.ask("explain", name="own7.example")["verdict"] == "block"
    sheet.get_by_role("button", name="Remove " + shown).click()
    sheet.get_by_role("switch", name=shown).wait_for(state="detached")
    home.update()
    assert home.ask("explain", name="own7.example")["verdict"] == "allow"
