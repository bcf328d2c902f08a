"""In a browser: the weekly file, its key and the page that opens it; and a passphrase for what is on flash."""

import json
import re
import time

import pytest

from agent.core import age
from tests.daemon.reporting import TOOLS
from tests.jobs import browser
from tests.jobs.lived_in import Served
from tests.jobs.web_peer import PASSWORD

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("weekfile"))
    yield served
    served.stop()


def signed_in(served, chromium):
    page = chromium.new_context(viewport=browser.PHONE, locale="en-GB", accept_downloads=True).new_page()
    page.set_default_timeout(browser.PATIENCE_MS)
    page.goto(f"http://127.0.0.1:{served.port}/privacy")
    served.sign_in(page)
    page.goto(f"http://127.0.0.1:{served.port}/privacy")
    return page


def test_from_a_key_to_a_file_that_is_opened_without_a_network(served, tmp_path):
    with browser.chromium() as chromium:
        page = signed_in(served, chromium)
        page.get_by_role("button", name="Send a weekly file …").click()
        sheet = page.get_by_role("dialog").first
        sheet.get_by_text("It can't read the file").wait_for()
        sheet.get_by_text("The exact text").click()
        shown = json.loads(sheet.locator("pre").inner_text())
        assert shown["format"].startswith("privacy-agent week")
        sheet.get_by_role("button", name="Make a key").click()
        made = page.get_by_role("dialog").last
        made.locator("svg.qr").wait_for()
        secret = made.locator("code").inner_text()
        browser.shoot_part(made, "week-file-key")
        made.get_by_role("button", name="I have stored it").click()
        recipient = sheet.get_by_label("Your public key").input_value()
        assert age.recipient(recipient) == TOOLS.public_of(age.identity(secret))
        sheet.get_by_label("Where it goes").fill("https://localhost:1/files/")
        browser.shoot_part(sheet, "week-file")
        sheet.get_by_role("button", name="Agree and send").click()
        page.get_by_label("Password", exact=True).last.fill(PASSWORD)
        page.get_by_role("button", name="Continue").click()
        page.get_by_text("The weekly file is on.").first.wait_for()
        target = served.ask("week_file.status")["target"]
        assert (target["address"], target["recipient"]) == ("https://localhost:1/files/", recipient)
        # The page that opens files: all in one, and nothing of it goes anywhere.
        with page.expect_download() as got:
            page.get_by_role("link", name="Save the page that opens files").click()
        opener = tmp_path / "open.html"
        got.value.save_as(opener)
        assert not re.search(r'(src|href)="', opener.read_text())
        sealed = age.encrypt(TOOLS, [age.recipient(recipient)], b"\1" * age.RANDOM_BYTES, json.dumps(shown).encode())
        (tmp_path / "week.age").write_bytes(sealed)
        alone = chromium.new_context(offline=True, locale="de-DE").new_page()
        alone.set_default_timeout(browser.PATIENCE_MS)
        alone.goto(opener.as_uri())
        alone.get_by_label("Ihr geheimer Schlüssel").fill(secret)
        alone.get_by_label("Wochendatei", exact=True).set_input_files(tmp_path / "week.age")
        for item in shown["items"]:
            alone.get_by_role("heading", name=item["name"], exact=True).wait_for()
        alone.get_by_label("Ihr geheimer Schlüssel").fill("AGE-SECRET-KEY-1X")
        alone.get_by_label("Wochendatei", exact=True).focus()
        alone.get_by_text("Das ist kein geheimer Schlüssel").wait_for()
        # Off, at once.
        page.get_by_role("button", name="Stop sending").click()
        page.get_by_text("The weekly file is off. Nothing is sent.").wait_for()
        end = time.monotonic() + 20
        while served.ask("week_file.status")["state"] != "off":
            assert time.monotonic() < end
            time.sleep(0.05)


def test_a_passphrase_for_what_is_on_flash(served):
    with browser.chromium() as chromium:
        page = signed_in(served, chromium)
        page.locator("[data-key=keeping] summary").click()
        page.get_by_text("Its flash gives away devices").wait_for()
        assert page.get_by_role("button", name="Protect it with a passphrase …").count() == 0, "nothing is on flash"
        served.ask("settings.set", key="keep_history", value=True)
        page.reload()
        page.locator("[data-key=keeping] summary").click()
        page.get_by_role("button", name="Protect it with a passphrase …").click()
        sheet = page.get_by_role("dialog").first
        sheet.get_by_label("Passphrase", exact=True).fill("correct horse battery")
        sheet.get_by_label("Repeat the passphrase").fill("correct horse")
        sheet.get_by_role("button", name="Protect").click()
        sheet.get_by_text("The passphrases do not match.").wait_for()
        sheet.get_by_label("Repeat the passphrase").fill("correct horse battery")
        browser.shoot_part(sheet, "copy-seal")
        sheet.get_by_role("button", name="Protect").click()
        page.get_by_label("Password", exact=True).last.fill(PASSWORD)
        page.get_by_role("button", name="Continue").click()
        page.get_by_text("A passphrase protects the history on flash.").wait_for()
        assert served.ask("history_copy.status")["sealed"]
        page.get_by_role("button", name="Remove the passphrase").click()
        page.get_by_role("button", name="Protect it with a passphrase …").wait_for()
        assert not served.ask("history_copy.status")["sealed"]
