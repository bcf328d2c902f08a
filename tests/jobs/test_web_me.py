"""The watched person's rights, each used from their own device, and never another's."""

import asyncio
import json
import types

import pytest

from agent.core import age, bech32
from agent.jobs.web.me import MeHandlers
from tests.jobs import browser
from tests.jobs.daemon import Daemon
from tests.jobs.lived_in import Served
from tests.jobs.web_peer import PASSWORD, Client, Job, Peer, signed_in

needs_browser = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
MIA, ANNA = "127.0.0.2", "127.0.0.5"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("household"))
    yield served
    served.stop()


@pytest.fixture(scope="module")
def parent(served):
    client = Client(served.port)
    assert client.ask("POST", "/api/v1/setup", {"code": served.code, "password": PASSWORD}).status == 201
    return client


def device(served, address: str) -> dict:
    return next(one for one in served.ask("device.list")["items"] if one["address"] == address)


def entered(served, parent, address: str) -> Client:
    """A person's browser after their PIN."""
    parent.ask("POST", "/api/v1/session/confirm", {"password": PASSWORD})  # where it replaces one
    code = parent.ask("POST", f"/api/v1/devices/{device(served, address)['id']}/pin-code").json["code"]
    person = Client(served.port, source=address)
    person.ask("GET", "/api/v1/me")
    assert person.ask("POST", "/api/v1/me/pin", {"code": code, "pin": "4711"}).status == 201
    return person


def test_a_person_corrects_their_own_visits_only(served, parent):
    mia = entered(served, parent, MIA)
    own = mia.ask("GET", "/api/v1/me/history?limit=3").json["items"]
    assert mia.ask("PATCH", f"/api/v1/me/visits/{own[1]['id']}", {}).json["status"] == "disputed"
    assert mia.ask("GET", "/api/v1/me/history?limit=3").json["items"][1]["status"] == "disputed"
    assert mia.ask("PATCH", f"/api/v1/me/visits/{own[1]['id']}", {"undo": True}).json["status"] == ""
    others = served.ask("history", device_id=device(served, "127.0.0.3")["id"], limit=1)["items"][0]["id"]
    for wrong in (others, 999999):
        assert mia.ask("PATCH", f"/api/v1/me/visits/{wrong}", {}).status == 404
    assert mia.ask("GET", "/api/v1/me").json["changes"][0]["actor"] == f"me:{device(served, MIA)['id']}"


def test_a_person_sees_their_own_week_after_their_pin(served, parent):
    stranger = Client(served.port, source=MIA)
    assert stranger.ask("GET", "/api/v1/me/week").status in (401, 403), "not without the PIN"
    mia = entered(served, parent, MIA)
    (own,) = mia.ask("GET", "/api/v1/me/week").json["items"]
    assert own["label"] == device(served, MIA)["label"] and own["history"]["visits"] > 0
    assert mia.ask("GET", "/api/v1/week").status in (401, 403), "the family's is the household's"
    assert mia.ask("GET", "/api/v1/me/week?device_id=2").status == 422


def test_a_child_asks_for_erasure_and_an_adult_erases(served, parent):
    mia = entered(served, parent, MIA)
    refused = mia.ask("POST", "/api/v1/me/erase", {})
    assert (refused.status, refused.json["type"]) == (403, "/problems/forbidden")
    assert device(served, MIA)["kept"]["visits"]
    assert mia.ask("POST", "/api/v1/me/requests", {"kind": "erasure", "text": "please"}).status == 201
    assert parent.ask("GET", "/api/v1/overview").json["requests"][0]["kind"] == "erasure"
    # An adult does it without asking anybody.
    anna = entered(served, parent, ANNA)
    done = anna.ask("POST", "/api/v1/me/erase", {"feature": "protection"})
    assert done.status == 200 and done.json["visits"] == 0
    assert device(served, ANNA)["kept"] == {"visits": 0, "attempts": 0, "usage": 0}


def test_without_the_pin_no_name_no_birthday_and_no_activity(served, parent):
    """A clone of the address hears what was decided about the device, and not when it is used."""
    served.ask("person.edit", id=device(served, MIA)["person"]["id"], birth_month="2015-05")
    mia = entered(served, parent, MIA)
    assert mia.ask("GET", "/api/v1/me").json["device"]["person"] == {"name": "Mia", "group": "child"}
    clone = Client(served.port, source=MIA)
    assert clone.ask("GET", "/api/v1/me").json["device"]["person"] == {"group": "child"}
    own = {"device": {"id": 7}}
    for session, more in ((None, False), (types.SimpleNamespace(device_id=7), True)):
        request = types.SimpleNamespace(session=session)
        wanted = asyncio.run(MeHandlers(None).my_events(request, own)).stream
        for kind in ("lookalike", "attempt", "history"):
            assert wanted({"event": kind, "device_id": 7, "name": "paypa1.example"}) is more
        assert wanted({"event": "feature", "device_id": 7}) and not wanted({"event": "feature", "device_id": 8})


def test_without_the_pin_no_number_and_no_time_of_what_is_kept(served, parent):
    """Neither on the page nor in what a switch answers; the same where no PIN was ever set."""
    told = ("kept", "unseen", "address", "remaining", "visits", "birth_month", "name", "oldest_at")
    anna = entered(served, parent, ANNA)
    assert {"visits", "attempts", "until"} <= set(anna.ask("GET", "/api/v1/me").json["kept"])
    off = {"on": False}
    assert "remaining" in anna.ask("PUT", "/api/v1/me/features/protection", off).json
    for address in (ANNA, MIA):
        clone = Client(served.port, source=address)
        shown = [clone.ask("GET", "/api/v1/me").json]
        if address == ANNA:
            shown.append(clone.ask("PUT", "/api/v1/me/features/protection", off).json)
        for reply in shown:
            mentioned = [key for key in told if f'"{key}"' in json.dumps(reply["device"])]
            assert not mentioned and not set(told) & set(reply), (address, mentioned)


def test_without_the_pin_no_word_of_a_message(served, parent):
    """A site that was asked for is one that was visited: where a PIN is set, its messages are the person's."""
    mia = entered(served, parent, MIA)
    asked = {"kind": "unblock", "target": "secret-club.example", "text": "for secret-club.example"}
    sent = mia.ask("POST", "/api/v1/me/requests", asked).json
    parent.ask("POST", f"/api/v1/requests/{sent['id']}/answer", {"answer": "not secret-club.example"})
    told = next(one for one in mia.ask("GET", "/api/v1/me").json["requests"] if one["id"] == sent["id"])
    assert (told["target"], told["answer"]) == ("secret-club.example", "not secret-club.example")
    reply = Client(served.port, source=MIA).ask("GET", "/api/v1/me")
    shown = next(one for one in reply.json["requests"] if one["id"] == sent["id"])
    assert (shown["kind"], shown["state"]) == ("unblock", "answered")
    assert "secret-club" not in str(reply.json)


def test_without_the_pin_nothing_of_it(served, parent):
    """A clone of the address: neither content, nor correction, nor erasure, nor a copy."""
    entered(served, parent, ANNA)
    clone = Client(served.port, source=ANNA)
    for method, path, body in (
        ("PATCH", "/api/v1/me/visits/1", {}),
        ("POST", "/api/v1/me/erase", {}),
        ("GET", "/api/v1/me/export", None),
        ("PUT", "/api/v1/me/features/history", {"on": False, "erase": True}),
    ):
        assert (clone.ask(method, path, body).status, path) == (401, path)


def test_what_leaves_or_ends_everything_needs_the_pin_again():
    """A session of an hour ago reads; for a copy or an erasure the PIN is asked for anew."""
    peer = Peer()
    listing = {"items": [], "next": None}
    adult = {"device": {"id": 3, "person": {"group": "adult"}}, "kept": {}}
    peer.answers |= {"me": adult, "history": listing, "export": listing, "delete": {"visits": 1, "attempts": 0}}
    job = Job(peer)
    parent = signed_in(job.port, peer)
    anna = Client(job.port)
    code = parent.ask("POST", "/api/v1/devices/3/pin-code").json["code"]
    assert anna.ask("POST", "/api/v1/me/pin", {"code": code, "pin": "4711"}).status == 201
    assert anna.ask("GET", "/api/v1/me/export").status == 200
    for row in peer.web["sessions"].values():
        row["at"] -= 3600
    peer.event(event="web")
    assert anna.ask("GET", "/api/v1/me/history").status == 200
    for method, path in (("GET", "/api/v1/me/export"), ("POST", "/api/v1/me/erase")):
        reply = anna.ask(method, path, {} if method == "POST" else None)
        assert (reply.status, reply.json["type"]) == (401, "/problems/pin")
    assert not peer.named("delete")
    assert anna.ask("POST", "/api/v1/me/session", {"pin": "4711"}).status == 201
    assert anna.ask("POST", "/api/v1/me/erase", {}).json == {"visits": 1, "attempts": 0}
    assert job.stop() == ""
    peer.stop()


@pytest.fixture
def phone(served):
    """The browser's own device, for one test."""
    own = served.ask("device.add", label="Phone", address="127.0.0.1", person_id=1, actor="cli")["id"]
    yield own
    served.ask("device.remove", device_id=own, actor="cli")


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_right_is_two_taps_away(served, phone, scheme):
    """From /me, without any login: who gets to know what, the notice, asking, and what the PIN opens."""
    from tests.jobs.test_web_pages import serious

    with browser.chromium() as chromium:
        context = chromium.new_context(viewport=browser.PHONE, locale="en-GB", color_scheme=scheme)
        page = context.new_page()
        page.set_default_timeout(browser.PATIENCE_MS)
        page.goto(f"http://127.0.0.1:{served.port}/me")
        page.get_by_role("heading", name="Your rights").wait_for()
        page.get_by_role("button", name="Who can see what").click()
        page.get_by_role("dialog").get_by_text("The publishers of the lists").wait_for()
        assert serious(page) == []
        browser.shoot(page, "me-recipients-" + scheme)
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Privacy notice").click()
        page.get_by_role("dialog").get_by_text("can ask for a copy, a correction or deletion").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Ask to delete records").click()
        page.get_by_role("button", name="Send").click()
        page.get_by_text("Ask to delete records").first.wait_for()
        page.get_by_role("button", name="Download a copy").click()
        page.get_by_text("Choose a PIN first").wait_for()
        assert serious(page) == []
        browser.shoot(page, "me-rights-" + scheme)
        context.close()


@needs_browser
def test_background_is_shown_to_whoever_asks_for_it(tmp_path):
    """The real daemon, and this browser's own device: a page that was opened, and what it pulled in."""
    daemon = Daemon(tmp_path)
    try:
        daemon.ask("device.add", label="Phone", address="127.0.0.1")
        daemon.ask("on", device_id=1, feature="history", agree=1)
        for name in ("www.news.example", "t.tracker.test", "x.content.test"):
            daemon.query(name)
        parent = Client(daemon.web)
        parent.ask("POST", "/api/v1/setup", {"code": daemon.ask("setup.code")["code"], "password": PASSWORD})
        code = parent.ask("POST", "/api/v1/devices/1/pin-code").json["code"]
        with browser.chromium() as chromium:
            page = chromium.new_context(viewport=browser.PHONE, locale="en-GB").new_page()
            page.set_default_timeout(browser.PATIENCE_MS)
            page.goto(f"http://127.0.0.1:{daemon.web}/me")
            page.get_by_role("button", name="Choose a PIN").click()
            page.get_by_label("Code", exact=True).fill(code)
            page.get_by_label("New PIN").fill("4711")
            page.get_by_role("button", name="Save").click()
            page.locator("strong.site", has_text="news.example").wait_for()
            assert page.get_by_text("tracker.test").count() == 0
            page.get_by_label("Include background activity").check()
            page.get_by_text("tracker.test", exact=True).wait_for()
            assert page.locator(".badge", has_text="background activity").count() == 2
            browser.shoot(page, "me-background")
            page.get_by_label("Include background activity").uncheck()
            page.get_by_text("tracker.test", exact=True).wait_for(state="detached")
    finally:
        daemon.stop()


@needs_browser
def test_an_adult_takes_part_in_the_weekly_file(tmp_path):
    """Asked after their PIN, with what is in it and where it goes; without it nothing is told but that it is so."""
    daemon = Daemon(tmp_path)
    try:
        daemon.ask("person.add", name="Anna", group="adult")
        daemon.ask("device.add", label="Phone", address="127.0.0.1", person_id=1)
        key = bech32.encode(age.RECIPIENT, bytes([9, *[0] * 31]))
        target = {"address": "https://localhost:1/weeks/?telltale=1", "recipient": key}
        daemon.ask("week_file.turn_on", target=target, agree=daemon.ask("week_file.status")["notice"])
        parent = Client(daemon.web)
        parent.ask("POST", "/api/v1/setup", {"code": daemon.ask("setup.code")["code"], "password": PASSWORD})
        code = parent.ask("POST", "/api/v1/devices/1/pin-code").json["code"]
        before = parent.ask("GET", "/api/v1/me").json
        assert before["week_file_ask"] == {"joined": False} and "localhost" not in json.dumps(before)
        assert parent.ask("GET", "/api/v1/me/week-file").status == 401
        with browser.chromium() as chromium:
            page = chromium.new_context(viewport=browser.PHONE, locale="en-GB").new_page()
            page.set_default_timeout(browser.PATIENCE_MS)
            page.goto(f"http://127.0.0.1:{daemon.web}/me")
            page.get_by_role("button", name="Choose a PIN").click()
            page.get_by_label("Code", exact=True).fill(code)
            page.get_by_label("New PIN").fill("4711")
            page.get_by_role("button", name="Save").click()
            page.get_by_role("button", name="Take part …").click()
            sheet = page.get_by_role("dialog").first
            sheet.get_by_text("https://localhost:1/weeks/", exact=True).wait_for()
            sheet.get_by_text(key).wait_for()
            browser.shoot_part(sheet, "me-week-file")
            assert "Anna" in sheet.locator("pre").text_content() and "telltale" not in page.content()
            sheet.get_by_role("button", name="Agree and take part").click()
            page.get_by_text("Your week goes with it.").first.wait_for()
            assert [one["name"] for one in daemon.ask("week_file.status")["adults"]] == ["Anna"]
            page.get_by_role("button", name="Take part no more").click()
            page.get_by_role("button", name="Take part …").wait_for()
            assert daemon.ask("week_file.status")["adults"] == []
    finally:
        daemon.stop()
