"""An adult agrees at /me: the first agreement sets the PIN, and PIN and sessions are the person's, not the device's."""

import os
import signal
from pathlib import Path

import pytest

from tests.jobs import browser
from tests.jobs.lived_in import Served
from tests.jobs.web_peer import PASSWORD, Client, wait_until

TABLET, LAPTOP = "127.0.0.2", "127.0.0.5"  # Mia's, a child; Anna's, an adult
HISTORY = "/api/v1/me/features/history"
AGREE = {"on": True, "agree": 1}


@pytest.fixture
def served(tmp_path):
    made = Served(tmp_path)
    yield made
    made.stop()


def device(served, address: str) -> dict:
    return next(one for one in served.ask("device.list")["items"] if one["address"] == address)


def at(served, address: str) -> Client:
    person = Client(served.port, source=address)
    person.ask("GET", "/api/v1/me")
    return person


def end_web_job(served) -> None:
    """As after five idle minutes; the next request starts another."""
    parent = served.process.pid
    (job,) = [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    os.kill(job, signal.SIGTERM)
    wait_until(lambda: not Path(f"/proc/{job}").exists(), 30)


def test_the_first_agreement_sets_the_pin(served):
    anna, clone = at(served, LAPTOP), at(served, LAPTOP)
    refused = anna.ask("PUT", HISTORY, AGREE)
    assert (refused.status, refused.json["type"]) == (409, "/problems/pin-needed")
    assert anna.ask("PUT", HISTORY, AGREE | {"pin": "123"}).status == 422
    assert not device(served, LAPTOP)["features"]["history"]["on"]
    assert anna.ask("PUT", HISTORY, AGREE | {"pin": "4711"}).status == 200
    assert device(served, LAPTOP)["features"]["history"]["on"]
    mine = anna.ask("GET", "/api/v1/me").json
    assert mine["pin"]["set"] and mine["pin"]["entered"] and mine["adult"]
    assert [row["detail"] for row in mine["changes"] if row["action"] == "pin"] == ["pin:none>set"]
    # Whoever takes the address now agrees to nothing any more.
    anna.ask("PUT", HISTORY, {"on": False})
    for body in (AGREE, AGREE | {"pin": "9999"}):
        assert clone.ask("PUT", HISTORY, body).status == 401
    assert not device(served, LAPTOP)["features"]["history"]["on"]


def test_a_later_agreement_is_proven_by_the_pin(served):
    """The daemon checks it: a session opened long ago, or under a web job that has ended since, is asked again."""
    anna = at(served, LAPTOP)
    assert anna.ask("PUT", HISTORY, AGREE | {"pin": "4711"}).status == 200
    assert anna.ask("GET", "/api/v1/me").json["pin"]["proven"]
    anna.ask("PUT", HISTORY, {"on": False})
    assert anna.ask("PUT", HISTORY, AGREE).status == 200
    anna.ask("PUT", HISTORY, {"on": False})
    end_web_job(served)
    mine = anna.ask("GET", "/api/v1/me").json["pin"]
    assert mine["entered"] and not mine["proven"]
    again = anna.ask("PUT", HISTORY, AGREE)
    assert (again.status, again.json["type"]) == (401, "/problems/pin")
    assert anna.ask("PUT", HISTORY, AGREE | {"pin": "9999"}).status == 401
    assert not device(served, LAPTOP)["features"]["history"]["on"]
    assert anna.ask("PUT", HISTORY, AGREE | {"pin": "4711"}).status == 200
    assert device(served, LAPTOP)["features"]["history"]["on"]


def test_a_refused_agreement_sets_no_pin(served):
    mia = at(served, TABLET)
    assert mia.ask("PUT", HISTORY, AGREE | {"pin": "4711"}).status == 403
    assert not mia.ask("GET", "/api/v1/me").json["pin"]["set"]
    anna = at(served, LAPTOP)
    assert anna.ask("PUT", HISTORY, {"on": True, "agree": 9, "pin": "4711"}).status == 409
    assert not anna.ask("GET", "/api/v1/me").json["pin"]["set"]


def test_pin_and_session_end_with_the_person_and_only_the_old_pin_confirms(served):
    anna = at(served, LAPTOP)
    assert anna.ask("PUT", HISTORY, AGREE | {"pin": "4711"}).status == 200
    assert anna.ask("GET", "/api/v1/me/attempts").status == 200
    own = device(served, LAPTOP)
    served.ask("device.edit", device_id=own["id"], person_id=device(served, TABLET)["person"]["id"])
    assert anna.ask("GET", "/api/v1/me/attempts").status == 401
    now = at(served, LAPTOP)
    mine = now.ask("GET", "/api/v1/me").json
    assert not mine["pin"]["set"] and mine["pin"]["left"] and mine["device"]["held"]
    assert now.ask("POST", "/api/v1/me/session", {"pin": "4711"}).status == 409, "it opens nothing"
    # Neither without it, nor with another one that a code of the household has set.
    parent = Client(served.port)
    parent.ask("POST", "/api/v1/setup", {"code": served.code, "password": PASSWORD})
    assert now.ask("POST", "/api/v1/me/confirmation", {}).status == 401
    code = parent.ask("POST", f"/api/v1/devices/{own['id']}/pin-code").json["code"]
    assert now.ask("POST", "/api/v1/me/pin", {"code": code, "pin": "2222"}).status == 201
    assert now.ask("POST", "/api/v1/me/confirmation", {"pin": "2222"}).status == 401
    assert now.ask("PUT", HISTORY, AGREE).status == 409
    assert not device(served, LAPTOP)["features"]["history"]["on"]
    assert now.ask("POST", "/api/v1/me/confirmation", {"pin": "4711"}).status == 200
    assert not now.ask("GET", "/api/v1/me").json["device"]["held"]


def test_a_code_of_the_household_that_replaces_a_pin_is_told(served):
    anna = at(served, LAPTOP)
    anna.ask("PUT", HISTORY, AGREE | {"pin": "4711"})
    parent = Client(served.port)
    parent.ask("POST", "/api/v1/setup", {"code": served.code, "password": PASSWORD})
    path = f"/api/v1/devices/{device(served, LAPTOP)['id']}/pin-code"
    assert parent.ask("POST", path).status == 403, "it replaces a PIN"
    parent.ask("POST", "/api/v1/session/confirm", {"password": PASSWORD})
    code = parent.ask("POST", path).json["code"]
    clone = at(served, LAPTOP)
    assert clone.ask("POST", "/api/v1/me/pin", {"code": code, "pin": "2222"}).status == 201
    told = [row["detail"] for row in anna.ask("GET", "/api/v1/me").json["changes"] if row["action"] == "pin"]
    assert told == ["pin:set>replaced", "pin:none>set"]


def test_the_page_resumes_what_has_to_be_agreed_to_anew(served):
    parent = Client(served.port)
    parent.ask("POST", "/api/v1/setup", {"code": served.code, "password": PASSWORD})
    parent.ask("GET", "/api/v1/session")
    tablet = device(served, TABLET)
    ben = next(one["id"] for one in served.ask("person.list")["items"] if one["name"] == "Ben")
    served.ask("on", device_id=tablet["id"], feature="history", agree=1) if not tablet["features"]["history"][
        "on"
    ] else 0
    served.ask("device.edit", device_id=tablet["id"], person_id=ben)
    preview = parent.ask("PUT", "/api/v1/pause", {"paused": False, "preview": True}).json
    assert [one["name"] for one in preview["features"]] == ["history"]
    assert parent.ask("PUT", "/api/v1/pause", {"paused": False}).status == 409
    assert parent.ask("PUT", "/api/v1/pause", {"paused": False, "agree": 1}).status == 200
    assert device(served, TABLET)["features"]["history"]["on"]


WHO = {
    "en-GB": ("Who can read it: ", "If you agree, these people can read it: ", "Agree and turn on"),
    "de-DE": ("Wer es lesen kann: ", "Wenn du zustimmst, können es lesen: ", "Zustimmen und einschalten"),
}


@pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
@pytest.mark.parametrize("locale", WHO)
def test_who_reads_it_is_told_by_name_before_an_adult_agrees(served, locale):
    """The household names them where its password is; /me has them in its first card, and first in the agreement."""
    reads, would, on = WHO[locale]
    with browser.chromium() as chromium:
        page = browser.watched(chromium.new_context(viewport=browser.SMALL, locale=locale))
        Client(served.port).ask("POST", "/api/v1/setup", {"code": served.code, "password": PASSWORD})
        served.code = ""
        page.goto(f"http://127.0.0.1:{served.port}/")
        served.sign_in(page)
        page.goto(f"http://127.0.0.1:{served.port}/account")
        page.locator("#readers").fill(" Anna ,Tom")
        page.locator("#readers").press("Tab")
        wait_until(lambda: served.ask("me", address=LAPTOP)["read_by"] == ["Anna", "Tom"])
        own = served.ask("device.add", label="This phone", address="127.0.0.1", person_id=3)["id"]
        served.ask("on", device_id=own, feature="history", agree=1)
        page.goto(f"http://127.0.0.1:{served.port}/me")
        hero = page.locator(".hero")
        hero.get_by_text("Anna, Tom.").wait_for()
        assert reads not in hero.inner_text()
        page.locator("[data-key=mine] [role=switch]").first.click()
        sheet = page.get_by_role("dialog")
        first = sheet.locator("p").first
        assert first.inner_text() == would + "Anna, Tom."
        assert sheet.locator("dd").nth(4).inner_text().startswith("Anna, Tom: ")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        browser.shoot(page, f"agree-who-{locale[:2]}")
        sheet.locator("[name=pin]").fill("4711")
        sheet.get_by_role("button", name=on).click()
        hero.get_by_text(reads + "Anna, Tom.").wait_for()
        browser.shoot(page, f"me-who-{locale[:2]}")
        # One more, and it is off until she agrees to that.
        served.ask("settings.set", key="readers", value=["Anna", "Tom", "Oma"], actor="web:1")
        hero.get_by_text("Anna, Tom, Oma.").wait_for()
        assert reads not in hero.inner_text() and page.trouble == []
