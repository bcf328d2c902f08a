"""Devices that were never here before, as a parent meets them: chosen on the devices' view, told on home, known with a
tap, or protected by themselves."""

import pytest

from tests.jobs import browser
from tests.jobs.lived_in import Served
from tests.jobs.test_web_pages import serious, state, visit  # noqa: F401 - fixtures
from tests.jobs.web_peer import wait_until

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
NARROW = {"width": 320, "height": 740}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("new")


@pytest.fixture(scope="module")
def served(place):
    served = Served(place, "--moved")
    yield served
    served.stop()


def come(place, mac: str, name: str) -> None:
    with open(place / "leases", "a", encoding="utf-8") as leases:
        leases.write(f"4102444800 {mac} 192.168.1.9{mac[-1]} {name} *\n")


def test_told_known_and_protected(visit, served, place):  # noqa: F811
    page = visit("/devices", NARROW)
    page.get_by_label("New devices").select_option("told")
    wait_until(lambda: served.ask("status")["new_devices"]["mode"] == "told")
    assert served.ask("status")["new_devices"]["waiting"] == 0, "whoever is here is known"
    come(place, "3c:22:fb:00:00:71", "new-phone")
    row = page.locator("li.row", has_text="new-phone")
    row.get_by_text("new", exact=True).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert serious(page) == []
    browser.shoot(page, "new-devices")
    home = visit("/", NARROW)
    home.get_by_role("link", name="A new device is on the network").wait_for()
    row.get_by_role("button", name="I know it").click()
    row.get_by_text("new", exact=True).wait_for(state="detached")
    home.get_by_role("link", name="A new device is on the network").wait_for(state="detached")
    page.get_by_label("New devices").select_option("held")
    wait_until(lambda: served.ask("status")["new_devices"]["mode"] == "held")
    come(place, "3c:22:fb:00:00:73", "new-console")
    console = page.locator("li.row", has_text="new-console")
    console.get_by_text("new, no internet", exact=True).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    console.get_by_role("button", name="I know it").click()
    console.get_by_text("new, no internet", exact=True).wait_for(state="detached")
    page.get_by_label("New devices").select_option("protected")
    wait_until(lambda: served.ask("status")["new_devices"]["mode"] == "protected")
    come(place, "3c:22:fb:00:00:72", "new-tablet")
    page.get_by_role("button", name="new-tablet").wait_for()
    (made,) = [one for one in served.ask("device.list")["items"] if one["label"] == "new-tablet"]
    assert made["features"]["protection"]["on"] and not made["features"]["history"]["on"]
    activity = visit("/privacy", NARROW, locale="de-DE")
    activity.get_by_text("Neue Geräte: Hinweis → kein Internet").or_(
        activity.get_by_text("neue Geräte: Hinweis → kein Internet")
    ).first.wait_for(state="attached")
