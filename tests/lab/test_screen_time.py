"""Minutes of use by the daemon as it is installed: whom the kernel counts, and that a used-up allowance holds."""

from __future__ import annotations

import socket

from tests.lab.lab import ALICE_MAC, BOB_MAC, RESOLVER4, WAN4, Lab, await_true
from tests.lab.test_internet_off import Off, exchange, off, reached, upstream  # noqa: F401 - fixtures
from tests.lab.web import Caller, Site, get

AGREED = 2
CHECK = get("connectivitycheck.gstatic.com", "/generate_204")


def counted(lab: Lab) -> dict[str, int]:
    """MAC → packets, as the kernel has them; nobody where it counts nobody."""
    if "set counted" not in lab.router.run(["nft", "list", "ruleset"]):
        return {}
    text = lab.router.run(["nft", "list", "set", "inet", "privacy_agent", "counted"])
    words = text.replace("{", " ").replace("}", " ").replace(",", " ").split()
    return {one: int(words[at + 3]) for at, one in enumerate(words) if words[at + 1 : at + 3] == ["counter", "packets"]}


def send(space: Caller, packets: int) -> None:
    with space.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for port in range(packets):
            sock.sendto(b"x" * 50, (WAN4, 20000 + port))


def test_whom_it_counts_and_that_off_is_off(lab: Lab, site: Site, off: Off) -> None:  # noqa: F811
    off.add("Laptop", BOB_MAC)
    assert counted(lab) == {}
    off.call("on", person_id=off.person, feature="usage", agree=AGREED, actor="cli")
    assert counted(lab) == {ALICE_MAC: 0}
    send(lab.alice, 70)
    send(lab.bob, 30)
    assert counted(lab) == {ALICE_MAC: 70}
    # Nothing is steered for it, and no name is read.
    assert off.status()["kernel"]["uncovered"] == [] and "dport 53" not in steered(lab)
    off.call("off", person_id=off.person, feature="usage", actor="cli")
    assert counted(lab) == {}
    off.call("on", person_id=off.person, feature="usage", agree=AGREED, actor="cli")
    assert counted(lab) == {ALICE_MAC: 0}


def steered(lab: Lab) -> str:
    """What is redirected here of the tablet's: an element with its MAC."""
    rules = lab.router.run(["nft", "list", "ruleset"])
    return "dport 53" if f"{ALICE_MAC} : " in rules else ""


def test_used_up_is_held_told_and_given_more(lab: Lab, site: Site, off: Off) -> None:  # noqa: F811
    off.call("on", person_id=off.person, feature="usage", agree=AGREED, actor="cli")
    assert reached(lab)
    off.call("allowance.set", person_id=off.person, minutes=[0] * 7, actor="cli")
    assert not reached(lab)
    said = exchange(lab, RESOLVER4, CHECK)
    assert said.startswith(b"HTTP/1.1 511 ") and b"time is used up for Mia until " in said
    off.call("allowance.give", person_id=off.person, minutes=15, actor="cli")
    assert reached(lab)
    off.call("allowance.set", person_id=off.person, minutes=None, actor="cli")
    assert reached(lab)


def test_a_dead_daemon_counts_nobody_and_the_next_one_goes_on(lab: Lab, site: Site, off: Off) -> None:  # noqa: F811
    off.call("on", person_id=off.person, feature="usage", agree=AGREED, actor="cli")
    send(lab.alice, 5)
    assert counted(lab) == {ALICE_MAC: 5}
    off.kill()
    await_true(lambda: counted(lab) == {ALICE_MAC: 0}, "counting by the next daemon", 20)
    off.client.close()
    off.client = off.connect()
