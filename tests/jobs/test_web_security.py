"""Attacks on the household's page, one by one."""

import re
import time

import pytest

from agent.jobs.web import totp
from tests.jobs.web_peer import PASSWORD, Client, Job, Peer, signed_in


@pytest.fixture
def peer():
    peer = Peer()
    peer.answers["on"] = {"device": {}}
    yield peer
    peer.stop()


SWITCH = ("PUT", "/api/v1/devices/1/features/history", {"on": True, "agree": 1})


def test_a_change_needs_the_csrf_token(peer, job):
    client = signed_in(job.port, peer)
    right, client.csrf = client.csrf, ""
    for token in ("", "0" * 64, right[:-1], right.upper() + "x"):
        reply = client.ask(*SWITCH, X_CSRF_Token=token)
        assert (reply.status, reply.json["type"]) == (403, "/problems/csrf")
    assert not peer.named("on")
    assert client.ask(*SWITCH, X_CSRF_Token=right).status == 200
    assert peer.named("on")[0]["actor"].startswith("web:")


def test_the_csrf_token_of_one_session_is_none_in_another(peer, job):
    one = signed_in(job.port, peer)
    other = Client(job.port)
    other.ask("POST", "/api/v1/session", {"password": PASSWORD})
    other.csrf = one.csrf
    assert other.ask(*SWITCH).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_other_sites_pages_are_refused(peer, job, headers):
    client = signed_in(job.port, peer)
    reply = client.ask(*SWITCH, **headers)
    assert (reply.status, reply.json["type"]) == (403, "/problems/foreign-origin")
    assert client.ask("GET", "/api/v1/session", **headers).status == 403
    assert Client(job.port).ask("POST", "/api/v1/session", {"password": PASSWORD}, **headers).status == 403
    assert not peer.named("on")


def test_a_form_of_another_site_is_no_json(peer, job):
    """text/plain is what a form can send without asking first."""
    client = signed_in(job.port, peer)
    reply = client.ask("POST", "/api/v1/session/confirm", {"password": PASSWORD}, Content_Type="text/plain")
    assert reply.status == 415


def test_pages_have_a_strict_policy(job):
    for path in ("/", "/me", "/history"):
        reply = Client(job.port).ask("GET", path)
        policy = reply.header("content-security-policy")
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "http:" not in policy and "*" not in policy
        assert not re.search(rb"<style| style=| on[a-z]+=|<script(?! type=.module. src=)", reply.body)
    assert reply.header("x-content-type-options") == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["/../api.py", "/js/../../account.py", "/js/..%2f..%2faccount.py", "/%2e%2e/account.py", "//etc/passwd",
     "/static/index.html", "/js", "/js/", "/index.html.gz", "/js/app.js%00"],
)  # fmt: skip
def test_only_the_listed_files_are_served(job, path):
    assert Client(job.port).ask("GET", path).status == 404


def test_every_household_address_needs_a_session(job):
    from agent.jobs.web.routes import CONFIRMED, HOUSEHOLD, ROUTES

    for route in ROUTES:
        if route.access in (HOUSEHOLD, CONFIRMED):
            path = route.path
            for name, value in (
                ("id", "1"),
                ("device_id", "1"),
                ("person_id", "1"),
                ("feature", "history"),
                ("label", "ab"),
            ):
                path = path.replace("{" + name + "}", value)
            reply = Client(job.port).ask(route.method, path, {} if route.method != "GET" else None)
            assert (reply.status, reply.json["type"]) == (401, "/problems/sign-in"), route.path


def test_guessing_slows_down_and_a_restart_forgives_nothing(peer):
    job = Job(peer)
    parent = signed_in(job.port, peer)
    guesser = Client(job.port, source="127.0.0.9")
    statuses = [guesser.ask("POST", "/api/v1/session", {"password": f"guess {n}"}).status for n in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    assert job.stop() == ""
    job = Job(peer)
    guesser.port = parent.port = job.port
    late = guesser.ask("POST", "/api/v1/session", {"password": PASSWORD})
    assert late.status == 429 and int(late.header("retry-after")) == late.json["wait_s"] > 20
    # The parent at another device is not locked out by it.
    other = Client(job.port, source="127.0.0.10")
    assert other.ask("POST", "/api/v1/session", {"password": PASSWORD}).status == 201
    # Time passes: the wait is over, and a further failure doubles it.
    for row in peer.web["failures"].values():
        row[1] -= 31
    peer.event(event="web")
    assert guesser.ask("POST", "/api/v1/session", {"password": "guess 8"}).status == 401
    assert guesser.ask("POST", "/api/v1/session", {"password": PASSWORD}).json["wait_s"] > 50
    assert job.stop() == ""


def test_tries_at_the_same_time_share_one_count(peer, job):
    signed_in(job.port, peer)
    client = Client(job.port, source="127.0.0.9")
    socks = []
    for n in range(12):
        sock = client.connect()
        sock.sendall(client.request("POST", "/api/v1/session", {"password": f"guess {n}"}, {}))
        socks.append(sock)
    from tests.jobs.web_peer import read_reply

    statuses = [read_reply(sock).status for sock in socks]
    for sock in socks:
        sock.close()
    assert statuses.count(401) <= 5 and set(statuses) <= {401, 429, 503}


def second_factor(client) -> bytes:
    client.ask("POST", "/api/v1/session/confirm", {"password": PASSWORD})
    return unbase32(client.ask("POST", "/api/v1/totp", {}).json["secret"])


def unbase32(secret: str) -> bytes:
    raw = bytearray()
    bits = "".join(format("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".index(letter), "05b") for letter in secret)
    for at in range(0, len(bits) - 7, 8):
        raw.append(int(bits[at : at + 8], 2))
    return bytes(raw)


def test_second_factor(peer, job):
    client = signed_in(job.port, peer)
    secret = second_factor(client)
    step = int(time.time()) // 30
    wrong = client.ask("PUT", "/api/v1/totp", {"code": "000000" if totp.code(secret, step) != "000000" else "1"})
    assert wrong.status == 422
    # This half minute's code and the next one's: both are good, too, if the next one begins meanwhile.
    done = client.ask("PUT", "/api/v1/totp", {"code": totp.code(secret, step)})
    assert done.status == 201 and len(done.json["recovery_codes"]) == 8
    codes = done.json["recovery_codes"]

    other = Client(job.port, source="127.0.0.20")
    asked = other.ask("POST", "/api/v1/session", {"password": PASSWORD})
    assert (asked.status, asked.json["type"]) == (401, "/problems/code-needed")
    # The code that switched it on is used up already.
    replayed = other.ask("POST", "/api/v1/session", {"password": PASSWORD, "code": totp.code(secret, step)})
    assert (replayed.status, replayed.json["type"]) == (401, "/problems/wrong-code")
    fresh = totp.code(secret, step + 1)
    assert other.ask("POST", "/api/v1/session", {"password": PASSWORD, "code": fresh}).status == 201
    third = Client(job.port, source="127.0.0.21")
    assert third.ask("POST", "/api/v1/session", {"password": PASSWORD, "code": fresh}).status == 401
    # A recovery code works once, however it is written.
    assert third.ask("POST", "/api/v1/session", {"password": PASSWORD, "code": codes[0].lower()}).status == 201
    assert third.ask("POST", "/api/v1/session", {"password": PASSWORD, "code": codes[0]}).status == 401
    assert all(code not in str(peer.web) for code in codes)


def test_second_factor_survives_a_restart_and_replays_do_not(peer):
    job = Job(peer)
    client = signed_in(job.port, peer)
    secret = second_factor(client)
    step = int(time.time()) // 30
    client.ask("PUT", "/api/v1/totp", {"code": totp.code(secret, step)})
    used = totp.code(secret, step + 1)
    assert Client(job.port).ask("POST", "/api/v1/session", {"password": PASSWORD, "code": used}).status == 201
    assert job.stop() == ""
    job = Job(peer)
    assert Client(job.port).ask("POST", "/api/v1/session", {"password": PASSWORD, "code": used}).status == 401
    assert job.stop() == ""


def test_what_cant_be_undone_needs_the_password_again(peer, job):
    client = signed_in(job.port, peer)
    peer.answers["delete"] = {"visits": 2, "attempts": 0}
    peer.answers["export"] = {"items": [{"kind": "visit", "row": {"site": "a.example"}}], "next": None}
    peer.answers["device.remove"] = {"erased": {}}
    for method, path, body in (
        ("POST", "/api/v1/erase", {"all": True}),
        ("GET", "/api/v1/export?all=true", None),
        ("DELETE", "/api/v1/devices/1", {}),
        ("POST", "/api/v1/totp", {}),
        ("DELETE", "/api/v1/totp", {}),
    ):
        reply = client.ask(method, path, body)
        assert (reply.status, reply.json["type"]) == (403, "/problems/confirm"), path
    assert not peer.named("delete") and not peer.named("export")
    assert client.ask("POST", "/api/v1/session/confirm", {"password": "wrong wrong wrong"}).status == 401
    assert client.ask("POST", "/api/v1/erase", {"all": True}).status == 403
    assert client.ask("POST", "/api/v1/session/confirm", {"password": PASSWORD}).json["confirmed_s"] == 300
    assert client.ask("POST", "/api/v1/erase", {"all": True}).json == {"visits": 2, "attempts": 0}
    assert b"a.example" in client.ask("GET", "/api/v1/export?all=true").body
    # It belongs to this browser only.
    other = Client(job.port)
    other.ask("POST", "/api/v1/session", {"password": PASSWORD})
    assert other.ask("POST", "/api/v1/erase", {"all": True}).status == 403


def test_a_new_password_ends_other_sessions(peer, job):
    client = signed_in(job.port, peer)
    other = Client(job.port)
    other.ask("POST", "/api/v1/session", {"password": PASSWORD})
    assert client.ask("PUT", "/api/v1/password", {"password": "no", "new_password": "five green hats"}).status == 401
    assert client.ask("PUT", "/api/v1/password", {"password": PASSWORD, "new_password": "11111111111"}).status == 422
    assert (
        client.ask("PUT", "/api/v1/password", {"password": PASSWORD, "new_password": "five green hats"}).status == 204
    )
    assert other.ask("GET", "/api/v1/sessions").status == 401
    assert len(client.ask("GET", "/api/v1/sessions").json["items"]) == 1
    assert Client(job.port).ask("POST", "/api/v1/session", {"password": "five green hats"}).status == 201


def test_sign_out_everywhere(peer, job):
    client = signed_in(job.port, peer)
    other = Client(job.port)
    other.ask("POST", "/api/v1/session", {"password": PASSWORD})
    assert client.ask("DELETE", "/api/v1/sessions").status == 204
    for one in (client, other):
        assert one.ask("GET", "/api/v1/sessions").status == 401
    assert peer.web["sessions"] == {}


def test_signing_in_makes_a_new_token(peer, job):
    """Session fixation: the token that somebody planted before does not become a signed-in one."""
    signed_in(job.port, peer)
    client = Client(job.port)
    client.cookies["session"] = "ab" * 32
    client.ask("POST", "/api/v1/session", {"password": PASSWORD})
    first = client.cookies["session"]
    assert first != "ab" * 32
    client.ask("POST", "/api/v1/session", {"password": PASSWORD})
    old = Client(job.port)
    old.cookies["session"] = first
    assert old.ask("GET", "/api/v1/sessions").status == 401


def test_a_setup_code_is_a_way_back_in_and_resets_everything(peer, job):
    client = signed_in(job.port, peer)
    secret = second_factor(client)
    client.ask("PUT", "/api/v1/totp", {"code": totp.code(secret, int(time.time()) // 30)})
    peer.setup_code = "mnpqrstuvw"
    fresh = Client(job.port)
    assert fresh.ask("POST", "/api/v1/setup", {"code": "mnpqrstuvw", "password": "five green hats"}).status == 201
    assert client.ask("GET", "/api/v1/sessions").status == 401
    assert not fresh.ask("GET", "/api/v1/session").json["totp"]


def test_what_is_stored_is_no_use_to_a_thief(peer, job):
    client = signed_in(job.port, peer)
    text = str(peer.web)
    assert PASSWORD not in text and client.cookies["session"] not in text and client.csrf not in text
    assert peer.web["account"]["password"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_words_from_outside_come_back_as_json_only(peer, job):
    """A device named by an attacker's DHCP client is data everywhere."""
    client = signed_in(job.port, peer)
    peer.answers["device.new"] = {"items": [{"hostname": "<script>alert(1)</script>"}]}
    reply = client.ask("GET", "/api/v1/devices/seen")
    assert reply.header("content-type").startswith("application/json")
    assert reply.header("x-content-type-options") == "nosniff"


def test_spreadsheets_get_no_formulas(peer, job):
    from agent.jobs.web.exporting import cell

    assert cell("=HYPERLINK(1)") == "'=HYPERLINK(1)"
    assert cell('+a"b,c') == '"\'+a""b,c"'
    assert cell(None) == "" and cell(-5) == "-5" and cell(["a"]) == '"[""a""]"'


def test_a_bad_argument_is_named(peer, job):
    client = signed_in(job.port, peer)
    for path, field in (
        ("/api/v1/history?device_id=x", "device_id"),
        ("/api/v1/history?limit=5000", "limit"),
        ("/api/v1/history?op=erase", "op"),
        ("/api/v1/history?device_id=1&device_id=2", "device_id"),
    ):
        reply = client.ask("GET", path)
        assert (reply.status, reply.json["field"]) == (422, field)
        assert reply.header("content-type").startswith("application/problem+json")
    reply = client.ask("PATCH", "/api/v1/devices/1", {"label": "x", "op": "delete"})
    assert (reply.status, reply.json["field"]) == (422, "op")
    for body in ({"label": ""}, {"label": "x" * 65}, {"label": 5}, {"label": "a\u0000b"}, {"shared": "yes"}):
        assert client.ask("PATCH", "/api/v1/devices/1", body).status == 422
    assert not peer.named("history") and not peer.named("device.edit")
