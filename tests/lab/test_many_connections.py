"""Ten thousand connections that a client has open in mid-hello: bounded, harmless to them and to others."""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.lab import ALICE_MAC, GUEST_MAC, RESOLVER4, Lab, await_true
from tests.lab.resident import ROOT, Resident
from tests.lab.web import Site, call, hello

NUMBER = 10_000
GROWN_MAX_KB = 8 << 10
RESET = "ConnectionResetError"


@pytest.fixture(scope="module")
def site(lab: Lab) -> Iterator[Site]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * NUMBER, max(2 * NUMBER, before[1])))
    made = Site(lab, (443,))
    yield made
    made.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[0], max(2 * NUMBER, before[1])))


def rss_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def test_ten_thousand_at_once_in_mid_hello(lab: Lab, site: Site, resident: Resident) -> None:
    resident.call("block", name="bad.example")
    for label, mac in (("Tablet", ALICE_MAC), ("Visitor", GUEST_MAC)):
        resident.on(resident.add(label, mac), "protection")
    assert call(lab.guest, RESOLVER4, hello("www.fine.example")) == "ok"
    daemon, before = resident.daemon, rss_kb(resident.daemon)
    command = [sys.executable, "-m", "tests.lab.many", RESOLVER4, str(NUMBER)]
    client = lab.alice.start(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert client.stdin is not None and client.stdout is not None
    assert client.stdout.readline() == b"half\n"
    assert rss_kb(daemon) - before < GROWN_MAX_KB
    # Another device's, also one in two halves, is judged as ever; so is one more of the same device.
    # On a busy machine the ten thousand may still be in the kernel's queue, which passes what is too many.
    for space in (lab.guest, lab.alice):
        judged = lambda space=space: call(space, RESOLVER4, hello("www.bad.example", 1600)) == RESET  # noqa: E731
        await_true(judged, "a connection that is judged")
        assert judged()
        assert call(space, RESOLVER4, hello("www.fine.example", 1600)) == "ok"
    client.stdin.write(b"\n")
    client.stdin.flush()
    assert client.stdout.readline() == b"%d\n" % NUMBER, "whoever was given up, or came too many at once, passes"
    assert rss_kb(daemon) - before < GROWN_MAX_KB
    time.sleep(0.5)
    assert resident.daemon == daemon and resident.status()["health"]
    assert call(lab.alice, RESOLVER4, hello("www.bad.example")) == RESET
