"""TLS on the same port: self-made and kept, or the router's own; nothing secret over plain HTTP."""

import os
import socket
import ssl
import subprocess

import pytest

from agent.jobs.web import certificate
from tests.jobs.web_peer import PASSWORD, Client, Job, Peer, signed_in


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.stop()


def test_the_self_made_certificate_stays(peer):
    fingerprints = []
    for _ in range(2):
        job = Job(peer)
        client = Client(job.port, tls=True)
        with client.connect() as sock:
            fingerprints.append(
                certificate.Certificate(ssl.DER_cert_to_PEM_cert(sock.getpeercert(True)), "").fingerprint
            )
            assert sock.version() == "TLSv1.3"
        assert client.ask("GET", "/api/v1/session").json["secure"]
        assert job.stop() == ""
    assert fingerprints[0] == fingerprints[1] == peer.web["tls"]["fingerprint"]


def test_cookies_are_secure_under_tls(peer):
    job = Job(peer)
    client = signed_in(job.port, peer, tls=True)
    assert list(client.cookies) == ["__Host-session"]
    reply = client.ask("POST", "/api/v1/session", {"password": PASSWORD})
    assert reply.header("set-cookie").endswith("; Secure")
    # The same token over plain HTTP is another cookie, and none.
    plain = Client(job.port)
    plain.cookies = dict(client.cookies)
    assert plain.ask("GET", "/api/v1/sessions").status == 401
    job.stop()


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_the_routers_own_certificate(peer, tmp_path, form):
    cert, key = tmp_path / "cert", tmp_path / "key"
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2", "-subj", "/CN=OpenWrt",
         "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    if form == "DER":
        for command in (["x509", "-in", cert], ["rsa", "-in", key]):
            subprocess.run(
                ["openssl", *command, "-outform", "DER", "-out", command[2]], check=True, capture_output=True
            )
    fds = [os.open(path, os.O_RDONLY) for path in (cert, key)]
    job = Job(peer, PRIVACY_AGENT_TLS_FDS=f"{fds[0]},{fds[1]}")
    with Client(job.port, tls=True).connect() as sock:
        assert b"OpenWrt" in sock.getpeercert(True)
    # The fingerprint is kept for whoever shows the setup code; the key is not.
    assert sorted(peer.web["tls"]) == ["fingerprint", "until"]
    assert job.stop() == ""
    for fd in fds:
        os.close(fd)


def test_a_pair_that_does_not_fit_is_not_used(tmp_path):
    pairs = [certificate.make(("a",)), certificate.make(("b",))]
    files = []
    for name, text in (("cert", pairs[0].cert), ("key", pairs[1].key)):
        (tmp_path / name).write_text(text)
        files.append(os.open(tmp_path / name, os.O_RDONLY))
    assert certificate.given(f"{files[0]},{files[1]}") is None


def test_plain_bytes_on_a_tls_port_and_back(peer):
    """Garbage in either protocol ends that connection only."""
    job = Job(peer)
    with socket.create_connection(("127.0.0.1", job.port)) as sock:
        sock.sendall(b"\x16\x03\x01\x00\x05hello")
        sock.settimeout(5)
        answer = sock.recv(100)
        # An alert record, or a plain end.
        assert answer[:1] in (b"", b"\x15")
    assert Client(job.port, tls=True).ask("GET", "/api/v1/session").status == 200
    assert Client(job.port).ask("GET", "/api/v1/session").status == 200
    assert job.stop() == ""
