"""Counting what a device sends to the internet, in the kernel."""

from __future__ import annotations

import socket

import pytest

from tests.lab.household import Agent, ask
from tests.lab.lab import ALICE_MAC, BOB_MAC, ROUTER4, WAN4, WAN6, Lab


def counts(agent: Agent) -> dict[str, list[int]]:
    found = agent.ask(op="counts")["ok"]
    assert isinstance(found, dict)
    return found


def send(lab: Lab, address: str, packets: int, size: int = 100) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = lab.alice.socket(family, socket.SOCK_DGRAM)
    for port in range(packets):
        sock.sendto(bytes(size), (address, 20000 + port))
    sock.close()


@pytest.mark.parametrize(("address", "head"), [(WAN4, 28), (WAN6, 48)], ids=["v4", "v6"])
def test_packets_and_bytes_from_zero_on(lab: Lab, agent: Agent, address: str, head: int) -> None:
    lab.addresses6(lab.alice)
    send(lab, address, 10)
    agent.ask(op="count", macs=[ALICE_MAC, BOB_MAC])
    assert counts(agent) == {ALICE_MAC: [0, 0], BOB_MAC: [0, 0]}
    send(lab, address, 50)
    assert counts(agent) == {ALICE_MAC: [50, 50 * (100 + head)], BOB_MAC: [0, 0]}
    agent.ask(op="count", macs=[BOB_MAC])
    send(lab, address, 10)
    agent.ask(op="count", macs=[ALICE_MAC])
    assert counts(agent) == {ALICE_MAC: [0, 0]}


def test_the_house_and_what_is_held_count_nothing(lab: Lab, agent: Agent) -> None:
    agent.ask(op="count", macs=[ALICE_MAC])
    assert ask(lab.alice, ROUTER4) == "router"
    agent.hold(ALICE_MAC)
    send(lab, WAN4, 20)
    assert counts(agent) == {ALICE_MAC: [0, 0]}
    agent.hold()
    send(lab, WAN4, 20)
    assert counts(agent)[ALICE_MAC][0] == 20


def test_a_lost_table_counts_on_from_zero(lab: Lab, agent: Agent) -> None:
    agent.ask(op="count", macs=[ALICE_MAC])
    send(lab, WAN4, 5)
    agent.ask(op="lose")
    assert agent.ask(op="verify")["ok"] is False
    agent.apply({BOB_MAC: [1, 1]})
    send(lab, WAN4, 7)
    assert counts(agent)[ALICE_MAC][0] == 7
