"""Headless Chromium as a client: post-quantum hello, HTTP/2, QUIC tried and refused, the refusal page as it shows."""

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.lab import ALICE_MAC, RESOLVER4, Lab
from tests.lab.resident import ROOT, Resident
from tests.lab.web import Site, certificate

CHROMIUM = shutil.which("chromium")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--ignore-certificate-errors", "--dump-dom"),
    *("--enable-quic", "--origin-to-force-quic-on=quic.fine.example:443"),
    f"--host-resolver-rules=MAP * {RESOLVER4}",
]


@pytest.fixture
def site(lab: Lab, tmp_path: Path) -> Iterator[Path]:
    """Real TLS on 443 of the WAN, and a site of plain HTTP; the file where the former says who came."""
    plain = Site(lab, (80,))
    key, cert = certificate(tmp_path)
    came = tmp_path / "came"
    with came.open("wb") as output:
        server = lab.wan.start([sys.executable, "-m", "tests.lab.https", key, cert], cwd=ROOT, stdout=output)
    soon(lambda: ":443" in lab.wan.run(["ss", "-Hltn"]))
    yield came
    server.terminate()
    server.wait(5)
    plain.close()


def soon(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def browse(lab: Lab, folder: Path, url: str) -> str:
    command = ["timeout", "25", str(CHROMIUM), *FLAGS, f"--user-data-dir={folder}", url]
    return lab.alice.run(["sh", "-c", '"$@" 2>&1 || true', "sh", *command])


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: chromium)")
def test_a_browser(lab: Lab, resident: Resident, site: Path, tmp_path: Path) -> None:
    device = resident.add("Tablet", ALICE_MAC)
    resident.call("block", name="bad.example")
    resident.on(device)
    resident.on(device, "protection")
    assert "a page of the wan" in browse(lab, tmp_path / "one", "https://www.fine.example/")
    hellos = [json.loads(line) for line in site.read_text().splitlines()]
    assert {"name": "www.fine.example", "protocol": "h2", "post_quantum": True} in [
        {name: row[name] for name in ("name", "protocol", "post_quantum")} for row in hellos
    ]
    assert max(row["size"] for row in hellos) > 1460, "longer than a packet"
    assert "This page is blocked" in browse(lab, tmp_path / "two", "http://www.bad.example/x?secret")
    browse(lab, tmp_path / "three", "https://quic.fine.example/")
    assert resident.status()["dns"]["quic"] >= 1  # type: ignore[index]
    told = browse(lab, tmp_path / "four", "https://www.bad.example/")
    assert "a page of the wan" not in told
    assert "www.bad.example" not in site.read_text(), "the hello went no further than the router"
    # Stored once a second.
    soon(
        lambda: {("fine.example", "ech"), ("fine.example", "tls")} & {*resident.rows("SELECT site, source FROM visits")}
    )
    # The page and the connection are one row: one rule, one device, one minute.
    blocked = {("http://www.bad.example/x",), ("www.bad.example",)}
    soon(lambda: blocked & {*resident.rows("SELECT target FROM attempts")})
    soon(lambda: resident.rows("SELECT SUM(hits) FROM attempts") >= [(2,)])
