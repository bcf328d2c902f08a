"""First run, signing in and out, and what stands between a stranger and the household's page."""

from tests.jobs.web_peer import PASSWORD, Client, signed_in


def test_first_run(peer, job):
    client = Client(job.port)
    state = client.ask("GET", "/api/v1/session").json
    assert state["setup_needed"] and not state["signed_in"]
    assert client.ask("GET", "/api/v1/devices").status == 401
    wrong = client.ask("POST", "/api/v1/setup", {"code": "nonsense", "password": PASSWORD})
    assert (wrong.status, wrong.json["type"]) == (403, "/problems/wrong-code")
    weak = client.ask("POST", "/api/v1/setup", {"code": "abcdefghjk", "password": "password12"})
    assert (weak.status, weak.json["reason"]) == (422, "too_common")
    done = client.ask("POST", "/api/v1/setup", {"code": "abcdefghjk", "password": PASSWORD})
    assert done.status == 201 and done.json["signed_in"]
    cookie = done.header("set-cookie")
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    peer.answers["device.list"] = {"items": [], "next": None}
    assert client.ask("GET", "/api/v1/devices").json == {"items": [], "next": None}
    # Used up: the same code does not work twice.
    again = Client(job.port).ask("POST", "/api/v1/setup", {"code": "abcdefghjk", "password": PASSWORD})
    assert again.status == 403


def test_sign_in_and_out(peer, job):
    signed_in(job.port, peer)
    client = Client(job.port)
    assert client.ask("POST", "/api/v1/session", {"password": "not the right one"}).status == 401
    assert client.ask("POST", "/api/v1/session", {"password": PASSWORD}).status == 201
    assert client.ask("DELETE", "/api/v1/session").status == 204
    assert client.ask("GET", "/api/v1/sessions").status == 401
    stored = str(peer.web)
    assert PASSWORD not in stored and all(value not in stored for value in client.cookies.values() if value)
