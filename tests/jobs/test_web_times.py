"""Times, internet off, sites and apps as a parent meets them on a phone: the real daemon, no kernel."""

import os
import re
import struct
import time
from pathlib import Path

import pytest

from tests.jobs import browser
from tests.jobs.lived_in import Served
from tests.jobs.test_web_pages import serious
from tests.jobs.web_peer import wait_until
from tests.pictures import png

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
SMALL = {"width": 360, "height": 740}
TAPS_MAX = 12
PICTURES = Path(__file__).resolve().parent.parent / "pictures" / "times"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("times")
    served = Served(folder, "--moved")
    with open(folder / "leases", "a", encoding="utf-8") as leases:
        leases.write("4102444800 3c:22:fb:00:00:77 192.168.1.97 zoe-tablet *\n")
    yield served
    served.stop()


@pytest.fixture
def look(chromium, served):
    """Signed in at an address; whatever the browser complains of fails the test."""
    made = []

    def go(path="/", size=SMALL, locale="en-GB", **more):
        context = chromium.new_context(viewport=size, locale=locale, timezone_id="UTC", **more)
        page = browser.watched(context)
        page.goto(f"http://127.0.0.1:{served.port}{path}")
        served.sign_in(page)
        page.locator("h1").wait_for()
        made.append(page)
        return page

    yield go
    for page in made:
        assert page.trouble == []
        page.context.close()


def person_id(served, name: str) -> int:
    return next(one["id"] for one in served.ask("person.list")["items"] if one["name"] == name)


def kept(page, name: str) -> None:
    """Into build/screenshots; with PICTURES=1 also into tests/pictures/times, made small: look before committing."""
    browser.shoot(page, "times-" + name)
    if os.environ.get("PICTURES"):
        (PICTURES / f"{name}.png").write_bytes(png.shrunk(page.screenshot()))


def test_from_add_a_child_to_bedtime_stands(look, served):
    page = look()
    taps = 0

    def tap(role, name):
        nonlocal taps
        taps += 1
        page.get_by_role(role, name=name).first.click()

    tap("button", "Add a person")
    page.get_by_role("textbox", name="Name").fill("Zoe")
    tap("button", "Save")
    page.get_by_role("heading", name="Which devices does Zoe use?").wait_for()
    kept(page, "1-whose")
    tap("button", "Add zoe-tablet")
    page.get_by_role("button", name="Internet off, Zoe").wait_for()
    tap("link", re.compile("^Times"))
    page.get_by_role("heading", name="Zoe: times").wait_for()
    kept(page, "2-suggested")
    tap("button", "Use this")
    page.get_by_text("Mon–Thu, Sun: off 20:00–7:00").wait_for()
    assert served.ask("limits.get", person_id=person_id(served, "Zoe"))["windows"] == [], "nothing before the last tap"
    tap("button", "Save the times")
    page.get_by_role("button", name="Save the times").wait_for(state="detached")
    found = served.ask("limits.get", person_id=person_id(served, "Zoe"))
    assert found["consent"] == "on"
    assert sorted((one["days"], one["begin"], one["end"]) for one in found["windows"]) == [
        ("fri,sat", "21:00", "08:00"),
        ("mon,tue,wed,thu,sun", "20:00", "07:00"),
    ]
    print(f"taps from add a child to bedtime stands: {taps}")
    assert taps <= TAPS_MAX
    kept(page, "3-bedtime-stands")
    assert serious(page) == []


def test_a_day_is_typed_as_people_write_it_and_copied(look, served):
    page = look(f"/?person={person_id(served, 'Mia')}&part=times")
    page.get_by_role("button", name=re.compile("^Mon")).click()
    page.get_by_role("button", name="Add a time").click()
    for typed, shown in (("8 pm", "20:00"), ("20.30", "20:30"), ("9", "09:00"), ("20 Uhr", "20:00")):
        page.get_by_label("From", exact=True).fill(typed)
        page.get_by_label("To", exact=True).focus()
        assert page.get_by_label("From", exact=True).input_value() == shown
    page.get_by_label("To", exact=True).fill("half past seven")
    page.get_by_label("From", exact=True).focus()
    page.get_by_text("Enter a time such as 20:30.").wait_for()
    page.get_by_label("To", exact=True).fill("6.30")
    page.get_by_label("From", exact=True).focus()
    page.get_by_role("button", name="Copy to Mon–Fri").click()
    page.get_by_text("Mon–Fri: off 20:00–6:30").wait_for()
    page.get_by_role("button", name="Save the times").click()
    mia = person_id(served, "Mia")
    wait_until(lambda: served.ask("limits.get", person_id=mia)["windows"])
    (window,) = served.ask("limits.get", person_id=mia)["windows"]
    assert (window["days"], window["begin"], window["end"]) == ("mon,tue,wed,thu,fri", "20:00", "06:30")


def test_somebody_elses_change_is_not_overwritten(look, served):
    ben = person_id(served, "Ben")
    page = look(f"/?person={ben}&part=times")
    page.get_by_role("button", name="Use this").click()
    served.ask(
        "limits.set", person_id=ben, windows=[{"kind": "break", "days": "wed", "begin": "12:00", "end": "13:00"}]
    )
    page.get_by_role("button", name="Save the times").click()
    page.locator(".toast.bad").wait_for()
    assert [one["kind"] for one in served.ask("limits.get", person_id=ben)["windows"]] == ["break"]
    page.get_by_role("button", name="Discard").click()
    page.get_by_text("Wed: break 12:00–13:00").wait_for()
    page.trouble.clear()  # the browser logs a 409


def test_internet_off_undone_on_again_and_for_everybody(look, served):
    page = look()
    mia = page.locator(".person-card", has_text="Mia")
    off = page.get_by_role("button", name="Internet off, Mia")
    if not off.is_visible():  # it is Mia's bedtime by the clock of this machine
        page.get_by_role("button", name="On again, Mia").click()
    off.click()
    kept(page, "4-off")
    assert serious(page) == []
    page.get_by_role("button", name="30 min").click()
    mia.get_by_text(re.compile(r"^Internet off until \d\d:\d\d")).wait_for()
    page.locator(".toast").get_by_role("button", name="Undo").click()
    off.wait_for()
    assert served.ask("hold.list")["items"] == []
    off.click()
    page.get_by_role("button", name="Until I turn it on again").click()
    page.get_by_role("button", name="On for 15 minutes, Mia").click()
    off.wait_for()
    served.ask("hold.end", person_id=person_id(served, "Mia"))
    page.get_by_role("button", name="Everybody off").click()
    page.get_by_role("dialog").get_by_role("button", name="1 hour").click()
    wait_until(lambda: len(served.ask("hold.list")["items"]) >= 2)
    kept(page, "5-everybody")
    assert serious(page) == []
    page.locator(".toast").get_by_role("button", name="Undo").click()
    wait_until(lambda: served.ask("hold.list")["items"] == [])


def test_what_is_proposed_is_one_tap_and_each_kind_a_switch(look, served):
    mia = person_id(served, "Mia")
    page = look(f"/?person={mia}&part=content")
    page.get_by_role("button", name="Block these").click()
    page.get_by_role("button", name="Block these").wait_for(state="detached")
    chosen = served.ask("content.get", person_id=mia)["categories"]
    assert {"adult", "gambling"} <= set(chosen) and "games" not in chosen
    page.get_by_role("switch", name=re.compile("^Gambling")).click()
    wait_until(lambda: "gambling" not in served.ask("content.get", person_id=mia)["categories"])
    page.get_by_label("Safe search").select_option("on")
    wait_until(lambda: served.ask("content.get", person_id=mia)["search"] == "on")
    page.get_by_text("Both modes hide comments and live streams").wait_for()
    page.get_by_label("YouTube").select_option("strict")
    wait_until(lambda: served.ask("content.get", person_id=mia)["youtube"] == "strict")
    page.get_by_text("Always open").click()
    page.locator("textarea[name=always]").fill("https://moodle.school.example/login\nwiki.example")
    page.locator("[data-key=always-form]").get_by_role("button", name="Save").click()
    wait_until(lambda: served.ask("content.get", person_id=mia)["always"] == ["moodle.school.example", "wiki.example"])
    kept(page, "6-content")
    assert serious(page) == []


def test_two_quick_changes_are_both_made(look, served):
    """The second is tapped before the first has come back, on a line that takes its time."""
    mia = person_id(served, "Mia")
    page = look(f"/?person={mia}&part=content")

    before = set(served.ask("content.get", person_id=mia)["categories"])
    wanted = before ^ {"dating", "weapons"}
    page.get_by_role("switch", name=re.compile("^Dating")).wait_for()
    slow = {"offline": False, "latency": 400, "downloadThroughput": -1, "uploadThroughput": -1}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    page.evaluate(
        "names => names.forEach((one) => document.querySelector(`[role=switch][data-key=category-${one}]`).click())",
        ["dating", "weapons"],
    )
    wait_until(lambda: set(served.ask("content.get", person_id=mia)["categories"]) == wanted)


def test_a_request_for_time_is_answered_with_one_tap(look, served):
    tablet = next(one["id"] for one in served.ask("device.list")["items"] if one["label"] == "zoe-tablet")
    served.ask("request.add", device_id=tablet, kind="time", seconds=1800, text="nearly done")
    page = look()
    request = page.locator(".request", has_text="nearly done")
    request.get_by_text("30 min", exact=True).first.wait_for()
    kept(page, "7-request")
    request.get_by_role("button", name="15 min").click()
    request.wait_for(state="detached")
    (free,) = served.ask("limits.get", device_id=tablet)["exceptions"]
    assert free["kind"] in ("free", "later")  # a window that holds is begun later


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_narrow_in_both_languages(look, served, locale):
    zoe = person_id(served, "Zoe")
    page = look("/", {"width": 320, "height": 640}, locale, color_scheme="dark")
    for path, name in (("", "home"), ("&part=times", "times"), ("&part=content", "content")):
        page.goto(f"http://127.0.0.1:{served.port}/?person={zoe}{path}")
        page.locator("h1").wait_for()
        page.locator(".loading").wait_for(state="detached")
        browser.settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
        assert serious(page) == [], name
        browser.shoot(page, f"times-{name}-{locale[:2]}")


def test_by_keyboard_alone(look, served):
    """Off for 15 minutes and on again, without a pointer."""
    page = look("/", browser.DESKTOP)
    button = page.get_by_role("button", name="Internet off, Ben")
    button.wait_for()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Internet off, Ben":
            break
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "15 min":
            break
    page.keyboard.press("Enter")
    page.get_by_role("button", name="On again, Ben").wait_for()
    page.get_by_role("button", name="On again, Ben").focus()
    page.keyboard.press("Enter")
    button.wait_for()


def test_the_pictures_beside_the_code_are_of_a_phone():
    found = sorted(PICTURES.glob("*.png"))
    assert len(found) == 7
    for path in found:
        data = path.read_bytes()
        assert data.startswith(png.SIGNATURE) and struct.unpack(">I", data[16:20])[0] == 360, path.name
        assert len(data) <= 40_000, path.name


OWN = {
    "now": {"held": True, "why": "bedtime", "label": "", "until": 0, "text": ""},
    "next": None,
    "words": ["Mon–Thu, Sun: off 20:30–7:00"],
    "windows": [{"kind": "bedtime", "days": "mon,tue,wed,thu,sun", "begin": "20:30", "end": "07:00", "holiday": False}],
    "consent": "on",
    "changed": [{"who": "web:x", "at": 1_790_000_000, "what": "limit", "detail": ""}],
}


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_whoever_is_held_reads_why_and_asks(chromium, tmp_path, locale):
    """Devices known by their address can't be held, and this one is: so what /me says of it is put in here."""
    served = Served(tmp_path)
    try:
        served.ask("device.add", label="Mia's phone", address="127.0.0.1", person_id=1)
        page = chromium.new_page(viewport={"width": 320, "height": 640}, locale=locale)
        page.set_default_timeout(browser.PATIENCE_MS)

        def held(route):
            reply = route.fetch()
            now = OWN["now"] | {"until": int(time.time()) + 1500}
            route.fulfill(json=reply.json() | {"limits": OWN | {"now": now}})

        page.route("**/api/v1/me", held)
        page.goto(f"http://127.0.0.1:{served.port}/me")
        words = {"en-GB": ("Bedtime until", "Ask for 15 minutes", "Send"), "de-DE": ("Schlafenszeit bis", "Um 15 Minuten bitten", "Senden")}  # fmt: skip  # noqa: E501
        why, ask, send = words[locale]
        page.get_by_text(re.compile(f"^{why} \\d\\d:\\d\\d")).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert serious(page) == []
        browser.shoot(page, f"times-me-{locale[:2]}")
        page.get_by_role("button", name=ask).click()
        page.get_by_role("dialog").get_by_role("button", name=send).click()
        wait_until(lambda: served.ask("request.list", state="open")["items"])
        (request,) = [one for one in served.ask("request.list", state="open")["items"] if one["kind"] == "time"]
        assert request["target"] == "900"
        page.context.close()
    finally:
        served.stop()
