"""From the setup code to the first block as a new user does it: taps and fields counted, and proved on the device."""

import re

import pytest

from agent.core import trial_address
from tests.jobs import browser
from tests.jobs.daemon import Daemon
from tests.jobs.test_web_pages import serious
from tests.jobs.web_peer import PASSWORD

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
TABLET, PHONE, CONSOLE = "127.0.0.2", "127.0.0.3", "127.0.0.4"
MOST_TAPS, MOST_FIELDS, MOST_TAPS_MORE = 9, 2, 4


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    leases = folder / "leases"
    leases.write_text(
        "".join(
            f"4102444800 3c:22:fb:00:00:0{n} {address} {name} *\n"
            for n, (address, name) in enumerate(((TABLET, "mia-tablet"), (PHONE, "mia-phone"), (CONSOLE, "console")))
        )
    )
    daemon = Daemon(folder, leases_file=str(leases))
    yield daemon
    daemon.stop()


class Hand:
    """A finger that counts."""

    def __init__(self, page) -> None:
        self.page = page
        self.taps = self.fields = 0

    def tap(self, what) -> None:
        self.taps += 1
        what.click()

    def type(self, what, text: str) -> None:
        """A field that is tapped first, unless it has the focus."""
        self.fields += 1
        what.wait_for()
        if not what.evaluate("one => one === document.activeElement"):
            self.tap(what)
        self.page.keyboard.type(text)


@pytest.fixture(scope="module")
def page(chromium, daemon):
    context = chromium.new_context(viewport=browser.SMALL, locale="en-GB")
    page = browser.watched(context)
    yield page
    assert page.trouble == []
    context.close()


def test_1_to_the_first_block(page, daemon):
    hand = Hand(page)
    code = daemon.ask("setup.code")["code"]
    # What LuCI's button and its QR code open.
    page.goto(f"http://127.0.0.1:{daemon.web}/#setup={code}")
    page.get_by_text("The setup code came with the link").wait_for()
    browser.shoot(page, "start-1-password")
    hand.type(page.get_by_label("New password"), PASSWORD)
    hand.tap(page.get_by_role("button", name="Start"))
    page.get_by_role("heading", name="No devices yet").wait_for()
    assert code not in page.url
    browser.shoot(page, "start-2-whose")
    assert serious(page) == []
    hand.type(page.get_by_label("Who is this for?"), "Mia")
    hand.tap(page.get_by_label(re.compile("mia-tablet")))
    hand.tap(page.get_by_label(re.compile("mia-phone")))
    hand.tap(page.get_by_role("button", name="Next"))
    sheet = page.get_by_role("dialog")
    sheet.get_by_text("mia-phone, mia-tablet").wait_for()
    assert sheet.get_by_role("button", name="Agree and turn on").is_disabled(), "nothing is chosen beforehand"
    hand.tap(sheet.get_by_label("Real-time protection"))
    sheet.get_by_text("blocked attempts only").wait_for()
    browser.shoot(page, "start-3-consent")
    assert serious(page) == []
    hand.tap(sheet.get_by_role("button", name="Agree and turn on"))
    sheet.get_by_text("http://blocked.test").wait_for()
    browser.shoot(page, "start-4-test")
    assert daemon.query(trial_address.NAME, TABLET) == 15
    sheet.get_by_text(re.compile("It works: blocked on mia-tablet")).wait_for()
    browser.shoot(page, "start-5-works")
    assert serious(page) == []
    print(f"to the first block: {hand.taps} taps, {hand.fields} fields")
    assert hand.taps <= MOST_TAPS and hand.fields <= MOST_FIELDS
    sheet.get_by_role("button", name="Done").click()
    page.get_by_role("heading", name="Mia", exact=True).wait_for()
    rows = {one["label"]: one["features"] for one in daemon.ask("device.list")["items"]}
    assert sorted(rows) == ["mia-phone", "mia-tablet"]
    assert all(one["protection"]["on"] and not one["history"]["on"] for one in rows.values())


def test_2_each_further_device(page, daemon):
    hand = Hand(page)
    hand.tap(page.locator("summary", has_text="Add a device for Mia"))
    hand.tap(page.get_by_role("button", name="Add console"))
    sheet = page.get_by_role("dialog")
    assert sheet.get_by_label("Real-time protection").is_checked(), "as on the others"
    hand.tap(sheet.get_by_role("button", name="Agree and turn on"))
    sheet.get_by_text("http://blocked.test").wait_for()
    assert daemon.query(trial_address.NAME, CONSOLE) == 15
    print(f"a further device: {hand.taps} taps")
    assert hand.taps <= MOST_TAPS_MORE and hand.fields == 0
    sheet.get_by_role("button", name="Done").click()


def test_what_has_no_protection_is_not_tried(daemon):
    """Blocked for whom protection is on, and for nobody else."""
    assert daemon.query(trial_address.NAME, "127.0.0.9") != 15
