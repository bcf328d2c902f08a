"""Attacks that take more than one request, or odd bytes: what a penetration tester tried."""

import json
import socket
import time

import pytest

from agent.jobs.web import totp
from tests.jobs.test_web_security import second_factor
from tests.jobs.web_peer import PASSWORD, Client, Job, read_reply, signed_in, wait_until


def raw(job, data: bytes):
    with socket.create_connection(("127.0.0.1", job.port), timeout=10) as sock:
        sock.sendall(data)
        return read_reply(sock)


def post(client: Client, path: str, body: bytes, method: str = "POST"):
    """A body as it is, which need not be JSON."""
    headers = {"Content-Length": str(len(body)), "Content-Type": "application/json"}
    with client.connect() as sock:
        sock.sendall(client.request(method, path, None, headers) + body)
        return read_reply(sock)


def test_codes_are_not_guessed_by_asking_for_them_in_between(peer, job):
    """Whoever has the password: the question for the code takes back none of the wrong codes before."""
    parent = signed_in(job.port, peer)
    secret = second_factor(parent)
    parent.ask("PUT", "/api/v1/totp", {"code": totp.code(secret, int(time.time()) // 30)})
    thief = Client(job.port, source="127.0.0.9")
    kinds = []
    for _ in range(8):
        for body in ({"password": PASSWORD, "code": "000000"}, {"password": PASSWORD}):
            kinds.append(thief.ask("POST", "/api/v1/session", body).json["type"].rpartition("/")[2])
    assert kinds.count("wrong-code") == 5
    assert kinds[-1] == "too-many-tries"


def test_a_stream_ends_with_its_session(peer, job):
    """Signed out everywhere: a stream that was open hears nothing more."""
    client = signed_in(job.port, peer)
    stolen = client.connect()
    stolen.sendall(client.request("GET", "/api/v1/events", None, {}))
    wait_until(lambda: b"hello" in stolen.recv(4096, socket.MSG_PEEK))
    assert client.ask("DELETE", "/api/v1/sessions").status == 204
    peer.event(event="attempt", device_id=3)
    assert client.ask("GET", "/api/v1/session").status == 200
    stolen.settimeout(0.3)
    heard = b""
    with pytest.raises(TimeoutError):
        while True:
            heard += stolen.recv(4096)
    assert b"attempt" not in heard
    stolen.close()


TEXTS = [
    b'{"password":"\\ud800"}',
    b'{"password":"\\udfff\\ud800"}',
    b'{"password":NaN}',
    b'{"password":1e999}',
    b'{"password":-Infinity}',
    b'{"password":' + b"9" * 5000 + b"}",
    b'{"password":["a"]}',
    b'{"password":{"$ne":""}}',
    b'{"password":null}',
    b'{"password":true}',
    b"[]",
    b'"text"',
    b"{",
    b"\xff\xfe{\x00}\x00",
    b'\xef\xbb\xbf{"password":"x"}',
    b'{"a":' * 900 + b"1" + b"}" * 900,
    b'{"password":"\\u0000"}',
]


@pytest.mark.parametrize("body", TEXTS, ids=range(len(TEXTS)))
def test_odd_json_is_answered_as_wrong(peer, job, body):
    client = signed_in(job.port, peer)
    peer.answers["me"] = {"device": {"id": 3}, "kept": {}}
    client.ask("POST", "/api/v1/session/confirm", {"password": PASSWORD})
    for method, path in (
        ("POST", "/api/v1/session"),
        ("POST", "/api/v1/setup"),
        ("POST", "/api/v1/session/confirm"),
        ("PUT", "/api/v1/password"),
        ("PUT", "/api/v1/totp"),
        ("POST", "/api/v1/me/pin"),
        ("POST", "/api/v1/me/session"),
        ("POST", "/api/v1/backup"),
        ("PATCH", "/api/v1/settings"),
        ("PUT", "/api/v1/devices/1/features/history"),
    ):
        status = post(client, path, body, method).status
        assert 400 <= status < 500, (method, path, status)


@pytest.mark.parametrize("value", [b'{"a":' * 400 + b"1" + b"}" * 400, b'"\\ud800"', b"1e400", b"[" * 500 + b"]" * 500])
def test_odd_values_of_settings_reach_nobody(peer, job, value):
    client = signed_in(job.port, peer)
    peer.answers["settings.set"] = {}
    assert post(client, "/api/v1/settings", b'{"history_days":' + value + b"}", "PATCH").status < 500


def test_an_odd_passphrase_before_a_backup(peer, job):
    client = signed_in(job.port, peer)
    client.ask("POST", "/api/v1/session/confirm", {"password": PASSWORD})
    for line in (b'{"passphrase":"\\ud800"}', b'{"passphrase":7}', b"[" * 1500, b"[]", b"\xff", b""):
        reply = post(client, "/api/v1/restore", line + b"\nprivacy-agent backup 1\n" + b"x" * 40)
        assert reply.status in (400, 422)


HOST = b"Host: 127.0.0.1\r\n"
SMUGGLED = [
    b"Content-Length: 5\r\nContent-Length: 6",
    b"Content-Length: 5, 5",
    b"Content-Length: +5",
    b"Content-Length: 0x5",
    b"Content-Length: -1",
    b"Content-Length : 5",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding:\x0bchunked",
    b"X: a\n Transfer-Encoding: chunked",
    b"X: a\r\n Host: attacker.example",
    b"Host: attacker.example",
    b"Origin: http://127.0.0.1\r\nOrigin: http://attacker.example",
    b"X: a\rb",
    b"X: a\0b",
    b": empty",
]


@pytest.mark.parametrize("line", SMUGGLED)
def test_no_request_hides_in_another(job, line):
    """Each is refused and the connection closed, so that what follows is never read as a request of its own."""
    head = b"POST /api/v1/session HTTP/1.1\r\n" + HOST + line + b"\r\n\r\n"
    inner = b"GET /api/v1/openapi.json HTTP/1.1\r\n" + HOST + b"\r\n"
    with socket.create_connection(("127.0.0.1", job.port), timeout=10) as sock:
        sock.sendall(head + inner)
        reply = read_reply(sock)
        assert reply.status in (400, 413, 501) and reply.header("connection") == "close"
        assert sock.recv(1) == b""


TARGETS = [b"http://127.0.0.1/", b"*", b"//attacker.example/..", b"/%00", b"/me/../index.html", b"/\xc3\xa9", b"/a b"]


@pytest.mark.parametrize("target", TARGETS)
def test_odd_targets(job, target):
    assert raw(job, b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n").status in (400, 404)


def test_nothing_private_is_kept_by_a_cache(peer, job):
    client = signed_in(job.port, peer)
    listing = {"items": [], "next": None}
    peer.answers |= {op: listing for op in ("history", "attempts", "device.list", "person.list", "ledger", "rule.list")}
    peer.answers |= {"status": {}, "export": listing, "me": {"device": {"id": 3}, "kept": {}}, "recipients": listing}
    paths = ("session", "sessions", "history", "attempts", "devices", "people", "ledger", "rules", "status", "me",
             "recipients", "nothing", "history?limit=x")  # fmt: skip
    for path in (*(f"/api/v1/{name}" for name in paths), "/metrics"):
        assert client.ask("GET", path).header("cache-control") == "no-store", path
    assert client.ask("GET", "/style.css").header("cache-control") == "no-cache"


def test_no_address_of_ours_is_told_to_others(job):
    """Referer: neither pages nor answers let a browser name this router, or what was searched for, to anybody."""
    for path in ("/", "/history", "/api/v1/session", "/nothing"):
        assert Client(job.port).ask("GET", path).header("referrer-policy") == "no-referrer"


def test_a_person_does_not_reach_the_household(peer, job):
    """With a PIN's session: no address of the household's, no metrics from elsewhere, no other device's records."""
    peer.answers["me"] = {"device": {"id": 3}, "kept": {}}
    parent = signed_in(job.port, peer)
    code = parent.ask("POST", "/api/v1/devices/3/pin-code").json["code"]
    person = Client(job.port, source="127.0.0.7")
    assert person.ask("POST", "/api/v1/me/pin", {"code": code, "pin": "4711"}).status == 201
    peer.answers |= {"history": {"items": [], "next": None}, "attempts": {"items": [], "next": None}}
    for path in ("/api/v1/devices", "/api/v1/history?device_id=1", "/api/v1/overview", "/api/v1/events", "/metrics"):
        assert person.ask("GET", path).status == 401, path
    for path in ("/api/v1/me/history?device_id=1", "/api/v1/me/attempts?person_id=1", "/api/v1/me/export?all=true"):
        assert person.ask("GET", path).status == 422, path
    assert person.ask("GET", "/api/v1/me/history").status == 200
    assert {call["device_id"] for call in peer.named("history")} == {3}


def test_an_adults_own_attempts_are_asked_for_in_their_name(peer, job):
    """The daemon shows an adult's refused attempts to that adult only: it must hear who asks."""
    peer.answers["me"] = {"device": {"id": 3}, "kept": {}}
    peer.answers |= {"attempts": {"items": [], "next": None}, "export": {"items": [], "next": None}}
    parent = signed_in(job.port, peer)
    code = parent.ask("POST", "/api/v1/devices/3/pin-code").json["code"]
    person = Client(job.port)
    person.ask("POST", "/api/v1/me/pin", {"code": code, "pin": "4711"})
    person.ask("GET", "/api/v1/me/attempts")
    person.ask("GET", "/api/v1/me/export")
    assert peer.named("blocked")[0]["actor"] == peer.named("export")[0]["actor"] == "me:3"
    # And the household can't borrow the name.
    for path in ("/api/v1/attempts?actor=me:3", "/api/v1/explanation?attempt_id=1&actor=me:3"):
        assert parent.ask("GET", path).status == 422


def test_a_cookie_of_a_neighbouring_name_is_no_session(peer, job):
    """Cookies are shared by port and can be planted by other services of the router: they sign nobody in."""
    client = signed_in(job.port, peer)
    for cookies in ("session=" + "0" * 64, "session=", "SESSION=" + client.cookies["session"], "session=a; session=b",
                    "__Host-session=" + client.cookies["session"], ";" * 300):  # fmt: skip
        other = Client(job.port)
        assert other.ask("GET", "/api/v1/sessions", Cookie=cookies).status == 401


def test_headers_of_proxies_move_nobody(peer, job):
    """X-Forwarded-For and its kin are text: the address of a connection is that of its socket."""
    peer.answers["me"] = lambda call: {"device": {"id": 3}, "kept": {}} if call["address"] == "127.0.0.1" else None
    client = Client(job.port)
    for name in ("X_Forwarded_For", "X_Real_IP", "Forwarded", "Client_IP"):
        assert client.ask("GET", "/api/v1/me", **{name: "192.168.1.60"}).status == 200
    assert {call["address"] for call in peer.named("me")} == {"127.0.0.1"}


def test_many_streams_are_bounded(peer, job):
    """Event streams without end: room is made, and the page is still served."""
    client = signed_in(job.port, peer)
    streams = []
    for _ in range(230):
        sock = client.connect()
        sock.sendall(client.request("GET", "/api/v1/events", None, {}))
        streams.append(sock)
    assert Client(job.port, source="127.0.0.5").ask("GET", "/api/v1/session").status == 200
    before = job.rss_kb()
    for n in range(300):
        peer.event(event="ledger", seq=n)
    assert Client(job.port, source="127.0.0.5").ask("GET", "/api/v1/session").status == 200
    assert job.rss_kb() - before < 16384
    for sock in streams:
        sock.close()


def test_what_the_log_says_is_ours(peer):
    """Nothing that a request carried is written to the log, line breaks least of all."""
    job = Job(peer)
    client = signed_in(job.port, peer)
    for path in ("/%0aweb:%20forged", "/api/v1/history?search=%0d%0aforged", "/forged\x1b[2J"):
        raw(job, b"GET " + path.encode() + b" HTTP/1.1\r\n" + HOST + b"User-Agent: forged\r\n\r\n")
    client.ask("POST", "/api/v1/session", {"password": "forged\nforged"})
    assert json.loads(client.ask("GET", "/api/v1/session").body)["signed_in"]
    assert job.stop() == ""
