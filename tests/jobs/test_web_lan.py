"""What only a real LAN address shows: no password in the clear, Host names, cloned addresses.

Runs itself again inside a network namespace whose loopback carries the addresses of a router and its clients.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.jobs.web_peer import PASSWORD, Client, Job, refusal
from tests.namespaces import missing

INSIDE = os.environ.get("PRIVACY_AGENT_TEST_LAN") == "inside"
ROUTER, PARENT, TABLET = "192.168.1.1", "192.168.1.50", "192.168.1.60"
needs_namespace = pytest.mark.skipif(missing("net") != "", reason=missing("net"))
inside = pytest.mark.skipif(not INSIDE, reason="runs inside the namespace that the first test makes")


@needs_namespace
@pytest.mark.skipif(INSIDE, reason="this is the inside")
def test_in_a_namespace():
    addresses = "; ".join(f"ip address add {address}/32 dev lo" for address in (ROUTER, PARENT, TABLET))
    again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__]
    command = f"ip link set lo up; {addresses}; exec {shlex.join(again)}"
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", command],
        env=os.environ | {"PRIVACY_AGENT_TEST_LAN": "inside"},
        cwd=Path(__file__).resolve().parent.parent.parent,
        capture_output=True,
        text=True,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert "passed" in done.stdout


@pytest.fixture
def job(peer):
    job = Job(peer, address="0.0.0.0", PRIVACY_AGENT_WEB_HOSTS="router.lan")
    yield job
    assert job.stop() == ""


def browser(job, source=PARENT, tls=False):
    return Client(job.port, host=ROUTER, source=source, tls=tls)


@inside
def test_no_password_in_the_clear(peer, job):
    plain = browser(job)
    assert plain.ask("GET", "/api/v1/session").json["private"] is False
    for path, body in (
        ("/api/v1/setup", {"code": "abcdefghjk", "password": PASSWORD}),
        ("/api/v1/session", {"password": PASSWORD}),
    ):
        reply = plain.ask("POST", path, body)
        assert (reply.status, reply.json["type"]) == (403, "/problems/use-https")
    assert not peer.named("setup.check")
    moved = plain.ask("GET", "/privacy")
    assert (moved.status, moved.header("location")) == (307, f"https://{ROUTER}:{job.port}/privacy")
    # What is recorded can be seen without any secret, so without TLS too.
    assert plain.ask("GET", "/me").status == 200
    secure = browser(job, tls=True)
    assert secure.ask("POST", "/api/v1/setup", {"code": "abcdefghjk", "password": PASSWORD}).status == 201


@inside
def test_a_session_stolen_from_tls_does_not_work_in_the_clear(peer, job):
    secure = browser(job, tls=True)
    secure.ask("POST", "/api/v1/setup", {"code": "abcdefghjk", "password": PASSWORD})
    thief = browser(job)
    thief.cookies = {"session": secure.cookies["__Host-session"], **secure.cookies}
    assert thief.ask("GET", "/api/v1/sessions").status == 401


@inside
def test_from_the_router_itself_plain_http_is_private(peer, job):
    local = Client(job.port, host=ROUTER, source=ROUTER)
    assert local.ask("GET", "/api/v1/session").json["private"]
    assert Client(job.port).ask("POST", "/api/v1/setup", {"code": "abcdefghjk", "password": PASSWORD}).status == 201


@inside
@pytest.mark.parametrize(
    ("host", "status"),
    [
        (ROUTER, 200),
        ("router.lan", 200),
        ("Router.LAN.", 200),
        ("attacker.example", 421),
        ("localhost", 421),
        ("127.0.0.1", 421),
        ("192.168.1.2", 421),
        ("router.lan.attacker.example", 421),
        ("[::ffff:192.168.1.1]", 421),
    ],
)
def test_names_of_others_are_refused(peer, job, host, status):
    """DNS rebinding: the attacker's page is loaded again from our address, under the attacker's name."""
    client = browser(job, tls=True)
    assert client.ask("GET", "/api/v1/session", Host=f"{host}:{job.port}").status == status
    assert client.ask("GET", "/", Host=f"{host}:{job.port}").status == status
    login = client.ask("POST", "/api/v1/session", {"password": PASSWORD}, Host=f"{host}:{job.port}")
    assert login.status == (421 if status == 421 else 409)


def own(address: str) -> dict:
    """What the daemon says about the device at an address."""
    if address != TABLET:
        return refusal("not_found", "not enrolled")
    return {"device": {"id": 7, "label": "Mia's tablet"}, "kept": {"visits": 3, "attempts": 1}}


@inside
def test_a_cloned_address_sees_that_but_not_what(peer, job):
    """Another machine that takes the tablet's address: that something is on; no number, no copy, no switch back on."""
    peer.answers["me"] = lambda call: own(call["address"])
    peer.answers["history"] = {"items": [{"site": "secret.example"}], "next": None}
    peer.answers["export"] = {"items": [], "next": None}
    parent = browser(job, tls=True)
    parent.ask("POST", "/api/v1/setup", {"code": "abcdefghjk", "password": PASSWORD})
    code = parent.ask("POST", "/api/v1/devices/7/pin-code").json["code"]
    tablet = browser(job, TABLET, tls=True)
    assert tablet.ask("POST", "/api/v1/me/pin", {"code": code, "pin": "4711"}).status == 201
    assert tablet.ask("GET", "/api/v1/me/history").json["items"][0]["site"] == "secret.example"

    clone = browser(job, TABLET, tls=True)
    assert tablet.ask("GET", "/api/v1/me").json["kept"] == {"visits": 3, "attempts": 1}
    assert "kept" not in clone.ask("GET", "/api/v1/me").json
    for path in ("/api/v1/me/history", "/api/v1/me/attempts", "/api/v1/me/export"):
        reply = clone.ask("GET", path)
        assert (reply.status, reply.json["type"]) == (401, "/problems/pin")
    # The code is used up, and a PIN can't be set without one.
    assert clone.ask("POST", "/api/v1/me/pin", {"code": code, "pin": "0000"}).status == 403
    # Agreeing in the person's name needs the PIN, once there is one.
    agree = clone.ask("PUT", "/api/v1/me/features/history", {"on": True, "agree": 1})
    assert agree.json["type"] == "/problems/pin"
    # Guessing is slow.
    statuses = [clone.ask("POST", "/api/v1/me/session", {"pin": str(pin)}).status for pin in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    assert tablet.ask("GET", "/api/v1/me/history").status == 200


@inside
def test_a_persons_session_is_bound_to_their_device(peer, job):
    """The cookie alone, taken to another machine, opens nothing, and never the household's page."""
    peer.answers["me"] = lambda call: own(call["address"])
    peer.answers["history"] = {"items": [], "next": None}
    parent = browser(job, tls=True)
    parent.ask("POST", "/api/v1/setup", {"code": "abcdefghjk", "password": PASSWORD})
    code = parent.ask("POST", "/api/v1/devices/7/pin-code").json["code"]
    tablet = browser(job, TABLET, tls=True)
    tablet.ask("POST", "/api/v1/me/pin", {"code": code, "pin": "4711"})
    thief = browser(job, PARENT, tls=True)
    thief.cookies = dict(tablet.cookies)
    assert thief.ask("GET", "/api/v1/me/history").status == 404
    assert tablet.ask("GET", "/api/v1/devices").status == 401
    assert tablet.ask("GET", "/api/v1/export?all=true").status == 401


@inside
def test_a_pin_code_is_not_guessed(peer, job):
    peer.answers["me"] = lambda call: own(call["address"])
    parent = browser(job, tls=True)
    parent.ask("POST", "/api/v1/setup", {"code": "abcdefghjk", "password": PASSWORD})
    code = parent.ask("POST", "/api/v1/devices/7/pin-code").json["code"]
    tablet = browser(job, TABLET, tls=True)
    wrong = str((int(code) + 1) % 10**8).zfill(8)
    assert [tablet.ask("POST", "/api/v1/me/pin", {"code": wrong, "pin": "4711"}).status for _ in range(3)] == [403] * 3
    assert tablet.ask("POST", "/api/v1/me/pin", {"code": code, "pin": "4711"}).status == 403
