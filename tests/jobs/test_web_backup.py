"""A backup opens with its passphrase and whole, or not at all; what comes back is off."""

import pytest

from agent.jobs.web.backup import MAGIC
from tests.jobs.lived_in import Served
from tests.jobs.web_peer import PASSWORD, Client, Peer, signed_in

PASSPHRASE = "three slow green trains"


@pytest.fixture
def peer():
    peer = Peer()
    peer.parts = []
    rows = [{"kind": "device", "row": [n, "Mia's tablet", {"hex": "3c22fb00000a"}]} for n in range(250)]

    def backup(call):
        start = int(call.get("after", 0))
        return {"items": rows[start : start + 100], "next": str(start + 100) if start < 200 else None}

    def restore(call):
        peer.parts.append((call["part"], call["rows"]))
        return {"restored": {"device": sum(len(rows) for _, rows in peer.parts)}}

    peer.answers |= {"backup": backup, "restore": restore}
    yield peer
    peer.stop()


def confirmed(job, peer) -> Client:
    client = signed_in(job.port, peer)
    client.ask("POST", "/api/v1/session/confirm", {"password": PASSWORD})
    return client


def bring_back(client: Client, file: bytes, passphrase: str = PASSPHRASE):
    body = b'{"passphrase": "' + passphrase.encode() + b'"}\n' + file
    from tests.jobs.web_peer import read_reply

    headers = {"Content-Length": str(len(body)), "Content-Type": "application/octet-stream"}
    with client.connect() as sock:
        sock.sendall(client.request("POST", "/api/v1/restore", None, headers) + body)
        return read_reply(sock)


def test_there_and_back(peer, job):
    client = confirmed(job, peer)
    file = client.ask("POST", "/api/v1/backup", {"passphrase": PASSPHRASE}).body
    assert file.startswith(MAGIC) and b"tablet" not in file and b"3c22fb" not in file
    assert len(file) < 6000
    reply = bring_back(client, file)
    assert (reply.status, reply.json) == (200, {"restored": {"device": 250}})
    assert [part for part, _ in peer.parts] == ["first", "more", "last"]
    assert [row["row"][0] for _, rows in peer.parts for row in rows] == list(range(250))
    assert not peer.named("backup")[0]["history"]


def test_every_damage_is_noticed_before_anything_is_used(peer, job):
    client = confirmed(job, peer)
    file = client.ask("POST", "/api/v1/backup", {"passphrase": PASSPHRASE}).body
    start = len(MAGIC) + 16
    first = 4 + int.from_bytes(file[start : start + 4], "big")
    damaged = [
        file[:-1],
        file + b"x",
        file[: start + first],  # the end cut off at a chunk's border
        file[:start] + file[start + first :],  # the first chunk left out
        file[: start + 10] + bytes([file[start + 10] ^ 1]) + file[start + 11 :],
        file[:start],
        file[: start - 3],
        b"something else",
        b"",
    ]
    for data in damaged:
        assert bring_back(client, data).status == 422
    assert bring_back(client, file, "three slow green trainz").json["type"] == "/problems/wrong-passphrase"
    assert peer.parts == []


def test_it_needs_the_password_again_and_a_good_passphrase(peer, job):
    client = signed_in(job.port, peer)
    assert client.ask("POST", "/api/v1/backup", {"passphrase": PASSPHRASE}).status == 403
    client.ask("POST", "/api/v1/session/confirm", {"password": PASSWORD})
    assert client.ask("POST", "/api/v1/backup", {"passphrase": "password12"}).status == 422


def test_strangers_may_not_send_much(job):
    assert bring_back(Client(job.port), b"x" * 100_000).status == 413


def test_a_real_household_comes_back_switched_off(tmp_path):
    served = Served(tmp_path)
    try:
        client = Client(served.port)
        client.ask("POST", "/api/v1/setup", {"code": served.code, "password": PASSWORD})
        client.ask("POST", "/api/v1/session/confirm", {"password": PASSWORD})
        file = client.ask("POST", "/api/v1/backup", {"passphrase": PASSPHRASE, "history": True}).body
        reply = bring_back(client, file)
        assert reply.status == 200, reply.body
        assert reply.json["restored"]["device"] == 5
    finally:
        served.stop()
