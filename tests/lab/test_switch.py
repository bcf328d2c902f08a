"""The switch in a household: who is led to the agent, who is not, and what toggles do to sockets held open."""

import pytest

from tests.lab.household import Agent, Asker, ask
from tests.lab.lab import (
    ALICE4,
    ALICE_MAC,
    BOB4,
    GUEST_MAC,
    GUEST_ROUTER4,
    GUEST_ROUTER6,
    RESOLVER4,
    RESOLVER4_B,
    RESOLVER6,
    ROUTER4,
    ROUTER6,
    ROUTER_LINK_LOCAL,
    ROUTER_ULA,
    Lab,
)

OWN = (ROUTER4, ROUTER6, ROUTER_ULA, ROUTER_LINK_LOCAL)
ELSEWHERE = (RESOLVER4, RESOLVER6)


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("server", OWN + ELSEWHERE)
def test_a_fresh_socket(lab: Lab, agent: Agent, server: str, tcp: bool) -> None:
    lab.addresses6(lab.alice)
    plain = "wan" if server in ELSEWHERE else "router"
    assert ask(lab.alice, server, tcp) == plain
    agent.apply({ALICE_MAC: [7, 3]})
    assert ask(lab.alice, server, tcp) == "agent 7/3"
    assert ask(lab.bob, server, tcp) == plain
    agent.apply({ALICE_MAC: [7, 4]})
    assert ask(lab.alice, server, tcp) == "agent 7/4"
    agent.apply({})
    assert ask(lab.alice, server, tcp) == plain
    assert agent.seen() == ([["tcp" if tcp else "udp", 7, generation] for generation in (3, 4)], 0)


@pytest.mark.parametrize("server", OWN)
def test_a_datagram_socket_held_open_follows_every_toggle(lab: Lab, agent: Agent, server: str) -> None:
    lab.addresses6(lab.alice)
    asker = Asker(lab.alice, server)
    for generation in range(1, 5):
        assert asker.ask() == "router"
        agent.apply({ALICE_MAC: [1, generation]})
        assert asker.ask() == f"agent 1/{generation}"
        agent.apply({})
    assert asker.ask() == "router"


@pytest.mark.parametrize("server", ELSEWHERE)
def test_a_redirected_socket_held_open_is_let_go(lab: Lab, agent: Agent, server: str) -> None:
    lab.addresses6(lab.alice)
    agent.apply({ALICE_MAC: [1, 1]})
    asker = Asker(lab.alice, server)
    assert asker.ask() == "agent 1/1"
    # Without the flush the flow stays redirected: to the router's resolver, not to the agent.
    agent.apply({}, flush=False)
    assert asker.ask() == "router"
    agent.ask(op="flush")
    assert asker.ask() == "wan"


@pytest.mark.parametrize("server", [ROUTER4, ROUTER_ULA, RESOLVER4, RESOLVER6])
def test_a_connection_ends_with_each_toggle(lab: Lab, agent: Agent, server: str) -> None:
    """It can't change hands; a client that is told so begins anew."""
    addresses = [ALICE4, *lab.addresses6(lab.alice)]
    before, neighbours = Asker(lab.alice, server, tcp=True), Asker(lab.bob, server, tcp=True)
    plain = "wan" if server in ELSEWHERE else "router"
    assert before.ask() == neighbours.ask() == plain
    agent.apply({ALICE_MAC: [1, 1]})
    agent.ask(op="release", addresses=addresses)
    assert before.ask() == "ConnectionResetError"
    assert neighbours.ask() == plain
    during = Asker(lab.alice, server, tcp=True)
    assert during.ask() == "agent 1/1"
    assert during.ask() == "agent 1/1"
    agent.apply({}, flush=False)
    assert during.ask() == "ConnectionResetError"
    assert ask(lab.alice, server, tcp=True) == plain
    assert neighbours.ask() == plain


def test_a_guest_zone_that_lets_nothing_in_but_dns(lab: Lab, agent: Agent) -> None:
    lab.addresses6(lab.guest)
    agent.apply({GUEST_MAC: [9, 1]})
    for server in (GUEST_ROUTER4, GUEST_ROUTER6, RESOLVER4, RESOLVER6):
        assert ask(lab.guest, server) == "agent 9/1", server
        assert ask(lab.guest, server, tcp=True) == "agent 9/1", server


def test_one_socket_asks_three_servers_at_once(lab: Lab, agent: Agent) -> None:
    """musl does this; all three replies come from the router's port 53, so conntrack has to tell them apart."""
    agent.apply({ALICE_MAC: [1, 1]})
    askers = [Asker(lab.alice, server, source=40053) for server in (ROUTER4, RESOLVER4, RESOLVER4_B)]
    for _ in range(3):
        assert [asker.ask() for asker in askers] == ["agent 1/1"] * 3
    agent.apply({})
    assert [asker.ask() for asker in askers] == ["router", "wan", "wan"]


def test_a_datagram_without_a_checksum(lab: Lab, agent: Agent) -> None:
    agent.apply({ALICE_MAC: [1, 1]})
    asker = Asker(lab.alice, ROUTER4)
    asker.sock.setsockopt(1, 11, 1)  # SO_NO_CHECK
    assert asker.ask() == "agent 1/1"


def test_direct_packets_find_a_closed_port(lab: Lab, agent: Agent) -> None:
    agent.apply({ALICE_MAC: [1, 1]})
    for client in (lab.alice, lab.bob):
        for server in (ROUTER4, ROUTER_ULA):
            assert ask(client, server, port=5391) == "ConnectionRefusedError"
            assert ask(client, server, tcp=True, port=5391) == "ConnectionRefusedError"
    assert agent.seen() == ([], 0)


def test_without_a_table_a_direct_packet_is_a_stranger(lab: Lab, agent: Agent) -> None:
    assert ask(lab.alice, ROUTER4, port=5391) == "TimeoutError"
    assert agent.seen() == ([], 1)


def test_nothing_wanted_means_no_table(lab: Lab, agent: Agent) -> None:
    """Soon: an answer that is still on its way is brought home first."""
    assert not table(lab)
    agent.apply({ALICE_MAC: [1, 1]})
    assert "3c:22:fb:00:00:0a" in table(lab)
    agent.apply({})
    assert table(lab) and "3c:22:fb:00:00:0a" not in table(lab)
    for _ in range(2):
        assert agent.ask(op="verify")["ok"] is True
    assert not table(lab)
    agent.apply({ALICE_MAC: [1, 2]})
    assert ask(lab.alice, ROUTER4) == "agent 1/2"


def test_a_table_that_is_needed_again_stays(lab: Lab, agent: Agent) -> None:
    agent.apply({ALICE_MAC: [1, 1]})
    agent.apply({})
    agent.ask(op="verify")
    agent.apply({ALICE_MAC: [1, 2]})
    agent.apply({})
    agent.ask(op="verify")
    assert table(lab)
    agent.ask(op="verify")
    assert not table(lab)


def table(lab: Lab) -> str:
    if "privacy_agent" not in lab.router.run(["nft", "list", "tables"]):
        return ""
    return lab.router.run(["nft", "list", "table", "inet", "privacy_agent"])


def test_a_flow_from_before_on_is_released(lab: Lab, agent: Agent) -> None:
    lab.addresses6(lab.alice)
    askers = [Asker(lab.alice, server) for server in ELSEWHERE]
    assert [asker.ask() for asker in askers] == ["wan", "wan"]
    other = Asker(lab.bob, RESOLVER4)
    assert other.ask() == "wan"
    before = conntrack_of(lab, BOB4)
    agent.apply({ALICE_MAC: [1, 1]})
    assert [asker.ask() for asker in askers] == ["wan", "wan"]
    agent.ask(op="release", addresses=[ALICE4, *lab.addresses6(lab.alice)])
    assert [asker.ask() for asker in askers] == ["agent 1/1", "agent 1/1"]
    assert before and conntrack_of(lab, BOB4) == before


def conntrack_of(lab: Lab, address: str) -> set[str]:
    """The ids of an address' entries."""
    lines = lab.router.run(["conntrack", "-L", "-s", address, "-o", "id"]).splitlines()
    return {word for line in lines for word in line.split() if word.startswith("id=")}
