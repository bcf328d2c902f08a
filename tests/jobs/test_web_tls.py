"""TLS on the same port: self-made and kept, or the router's own; nothing secret over plain HTTP."""

import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from agent.jobs.web import certificate
from tests.jobs.web_peer import PASSWORD, Client, Job, signed_in


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


def px5g(words: list[str]) -> dict[str, str]:
    """The arguments as OpenWrt's px5g reads them; what it would refuse or misread is an AssertionError."""
    assert words[0] == "selfsigned"
    given, at = {}, 1
    while at < len(words):
        if words[at] == "-der":
            given["-der"] = ""
            at += 1
            continue
        if words[at] == "-addext":
            name, _, value = words[at + 1].partition("=")
            assert name in ("extendedKeyUsage", "subjectAltName"), words[at + 1]
            # What follows an alternative name makes a circle of their list; addresses are written wrongly.
            if name == "subjectAltName":
                assert at + 2 == len(words) and value.startswith("DNS:") and "," not in value, words[at:]
            given[name] = value
            at += 2
            continue
        assert words[at] in ("-newkey", "-pkeyopt", "-keyout", "-out", "-days", "-subj"), words[at]
        given[words[at]] = words[at + 1]
        at += 2
    assert given["-newkey"] == "ec" and given["-pkeyopt"].startswith("ec_paramgen_curve:")
    assert given["-pkeyopt"].partition(":")[2] in ("P-256", "P-384", "P-521")
    assert given["-subj"][0] == "/" and all("=" in part for part in given["-subj"][1:].split("/"))
    return given


def test_what_px5g_is_asked_for(tmp_path):
    """px5g is OpenWrt's own; the same words without its first one must make a certificate of the kind with openssl."""
    files = str(tmp_path / "key"), str(tmp_path / "cert")
    words = certificate.arguments("px5g", 820, ("router.lan", "192.168.1.1"), *files)
    read = px5g([*dict(certificate.TOOLS)["px5g"], *words])
    assert read["-days"] == "820" and read["subjectAltName"] == "DNS:router.lan"
    only = px5g(
        [*dict(certificate.TOOLS)["px5g"], *certificate.arguments("px5g", 820, ("192.168.1.1", "fd00::1"), "k", "c")]
    )
    assert "subjectAltName" not in only
    done = subprocess.run(["openssl", *dict(certificate.TOOLS)["openssl"], *words], capture_output=True)
    assert done.returncode == 0, done.stderr
    made = certificate.Certificate(*[(tmp_path / name).read_text() for name in ("cert", "key")])
    made.context()
    shown = subprocess.run(["openssl", "x509", "-in", files[1], "-noout", "-text"], capture_output=True, text=True)
    assert "P-256" in shown.stdout and "CN = privacy-agent" in shown.stdout


def test_a_tool_that_is_called_px5g_is_used(tmp_path, monkeypatch):
    """Where only px5g is installed: here a script of that name, which refuses what px5g would refuse."""
    tool = tmp_path / "px5g"
    source = Path(__file__).read_text()
    reader = source[source.index("def px5g(") : source.index("def test_what_px5g_is_asked_for")]
    tool.write_text(
        f"#!{sys.executable}\nimport os, sys\n{reader}\npx5g(sys.argv[1:])\n"
        "os.execv('/usr/bin/openssl', ['openssl', 'req', '-x509', '-nodes', *sys.argv[2:]])\n"
    )
    tool.chmod(0o755)
    monkeypatch.setattr(certificate, "_which", lambda name: str(tool) if name == "px5g" else None)
    made = certificate.make(("router.lan",))
    assert made is not None
    made.context()


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
