"""Judgements about what stands in the kernel: our table, others' rules, zones, links, routing, offload."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from functools import partial

from agent.core.digits import whole
from agent.core.marks import Layout
from agent.core.nft.dns_redirect import STEERED
from agent.core.nft.hold_rules import HELD
from agent.jobs.doctor.finding import FAILURE, NOTE, OK, WARNING, Finding
from agent.jobs.doctor.rules import (
    FORWARD,
    INPUT,
    NftChain,
    NftRule,
    maps_interfaces,
    number,
    redirects_dns,
    redirects_unread,
    written_bits,
)
from agent.jobs.doctor.witness import OURS, Witness
from agent.jobs.doctor.zones import REJECT, ProbeForwarded, ProbeQuery, ZoneWalk

ETHERNET = 1
OWNER = 2
STEER_PRIORITY = -105


def release() -> Finding:
    """SO_RCVMARK came with 5.19, which everything else that is needed precedes."""
    words = platform.release().split("-")[0].split(".")
    version = tuple(whole(word) or 0 for word in words[:2])
    if version < (5, 19):
        return Finding(
            FAILURE, "kernel", f"Linux {platform.release()} is too old.", "Upgrade to OpenWrt 24.10 or newer."
        )
    return Finding(OK, "kernel", f"Linux {platform.release()} is new enough.")


def table(
    witness: Witness,
    on: dict[bytes, str] | None,
    layout: Layout,
    unseen: list[str] | None = None,
    times_only: frozenset[bytes] = frozenset(),
) -> Iterator[Finding]:
    """Our table against the devices that the daemon says are on (MAC → label; None when it does not answer), and the
    labels of those that it does not see. `times_only`: see DaemonStatus."""
    flags = witness.tables.get(OURS)
    needed = {mac: label for mac, label in (on or {}).items() if mac not in times_only}
    if flags is None:
        if needed:
            labels = ", ".join(sorted(needed.values()))
            yield Finding(
                FAILURE,
                "table",
                f"The kernel has no rules, but something is on for: {labels}.",
                "See: privacy-agent status",
            )
        else:
            yield Finding(OK, "table", "The kernel has no rule of the agent, and nothing is on.")
        return
    if not flags & OWNER:
        yield Finding(
            FAILURE,
            "table",
            "The rules in the kernel belong to nobody: they would outlive the agent.",
            f"nft delete table {OURS}, then restart the agent.",
        )
    steered = witness.elements(OURS, STEERED)
    if on is None:
        sentence = f"The kernel steers {len(steered)} device(s), and no daemon says why."
        yield Finding(WARNING, "table", sentence, "Start the agent.")
        return
    yield _compared(steered, on, needed, layout, unseen or [])


def holding(witness: Witness, wanted: dict[bytes, str]) -> Iterator[Finding]:
    """Whose internet the kernel keeps off, against whose the daemon says is (MAC → label)."""
    held = set(witness.elements(OURS, HELD)) if OURS in witness.tables else set()
    missing = sorted(label for mac, label in wanted.items() if mac not in held)
    extra = sorted(mac.hex(":") for mac in held if mac not in wanted)
    if missing:
        sentence = f"Internet is to be off, but the kernel lets through: {', '.join(missing)}."
        yield Finding(FAILURE, "holding", sentence, "See: privacy-agent status")
    if extra:
        sentence = f"The kernel keeps off the internet whom nobody turned off: {', '.join(extra)}."
        yield Finding(FAILURE, "holding", sentence, "Restart the agent, and report this: it must not happen.")
    if wanted and not missing and not extra:
        yield Finding(OK, "holding", f"The kernel keeps exactly the {len(wanted)} device(s) off the internet that are.")


def _compared(
    held: dict[bytes, bytes], on: dict[bytes, str], needed: dict[bytes, str], layout: Layout, unseen: list[str]
) -> Finding:
    missing = sorted(label for mac, label in needed.items() if mac not in held)
    extra = sorted(mac.hex(":") for mac in held if mac not in on)
    strange = [mac.hex(":") for mac, mark in held.items() if layout.unpack(number(mark)) is None]
    if extra or strange:
        return Finding(
            FAILURE,
            "table",
            f"The kernel steers what is not on: {', '.join(extra or strange)}.",
            "Restart the agent, and report this: it must not happen.",
        )
    if missing:
        return Finding(FAILURE, "table", f"On, but not steered: {', '.join(missing)}.", "See: privacy-agent status")
    if unseen:
        sentence = (
            f"The kernel steers {len(held)} device(s), but these were not seen at their MAC: {', '.join(unseen)}."
        )
        return Finding(WARNING, "table", sentence, "Away, or here with another MAC: see privacy-agent status")
    return Finding(OK, "table", f"The kernel steers exactly the {len(held)} device(s) that are on.")


def dns_rules(witness: Witness) -> Iterator[Finding]:
    """Rules of others that redirect DNS."""
    found = False
    for rule in witness.foreign():
        priority = witness.priority(rule)
        if priority is None:
            continue
        if redirects_unread(rule):
            yield Finding(
                NOTE,
                "dns-rules",
                f"A rule made by iptables redirects something ({rule.place}).",
                "Look whether it is DNS: iptables-save | grep 53",
            )
        elif redirects_dns(rule, partial(_elements, witness, rule)):
            found = True
            yield _redirected(rule, priority)
    if not found:
        yield Finding(OK, "dns-rules", "No other rule redirects DNS.")


def _elements(witness: Witness, rule: NftRule, name: str) -> set[bytes]:
    return set(witness.elements(rule.table, name))


def _redirected(rule: NftRule, priority: int) -> Finding:
    if priority <= STEER_PRIORITY:
        return Finding(
            FAILURE,
            "dns-rules",
            f"Another rule redirects DNS before the agent does ({rule.place}).",
            "Remove it, or give its chain a priority above -105.",
        )
    return Finding(
        WARNING,
        "dns-rules",
        f"Another rule redirects DNS ({rule.place}). The agent comes before it for resolvers elsewhere; queries to the "
        "router's own address go where that rule says.",
        "Remove the rule, or except the devices that are on from it.",
    )


def marks(witness: Witness, layout: Layout) -> Iterator[Finding]:
    """Others' use of the bits that the agent keeps in connection marks, and routing by them."""
    for name in layout.shared():
        yield Finding(
            NOTE,
            "marks",
            f"The bits that the agent is set to use are also {name}'s by default.",
            f"If {name} is installed, leave out mark_signature, mark_slot_bit and mark_generation_bit.",
        )
    bad = []
    for rule in witness.foreign():
        for bits, value in written_bits(rule, "ct"):
            clash = layout.mask & (bits if value is None else value)
            if clash:
                bad.append(rule.place)
    if bad:
        yield Finding(
            WARNING,
            "marks",
            f"Other rules write the agent's bits of connection marks ({'; '.join(sorted(set(bad)))}).",
            f"Keep them off the bits 0x{layout.mask:08x}: write marks with a mask.",
        )
    for mark, mask in witness.policies:
        if mask and layout.tag & mask == mark & mask:
            yield Finding(
                FAILURE,
                "marks",
                f"A routing rule catches the agent's answers (fwmark 0x{mark:x}/0x{mask:x}).",
                "Give that rule another mark.",
            )
    if not bad:
        yield Finding(OK, "marks", "Nobody else uses the agent's bits of marks.")


def offload(witness: Witness) -> Finding:
    if witness.flowtables:
        return Finding(
            NOTE,
            "offload",
            "Flow offload is on: what it takes over is not seen, so there protection and history go by DNS.",
            "uci set firewall.@defaults[0].flow_offloading=0, if connections are to be judged.",
        )
    return Finding(OK, "offload", "No flow offload.")


def links(witness: Witness, interfaces: list[str]) -> Iterator[Finding]:
    known = {name: (kind, up) for name, kind, up, _ in witness.links}
    for name in interfaces:
        kind, up = known.get(name, (0, False))
        if name not in known:
            advice = "Correct the setting interfaces."
            yield Finding(WARNING, "interfaces", f"There is no interface {name}.", advice)
        elif not up:
            yield Finding(WARNING, "interfaces", f"The interface {name} is down.")
        elif kind != ETHERNET:
            yield Finding(FAILURE, "interfaces", f"{name} has no Ethernet addresses, so no device is known behind it.")
        else:
            yield Finding(OK, "interfaces", f"{name} is up.")
    others = sorted(name for name, _, up, kind in witness.links if kind == "bridge" and up and name not in interfaces)
    if others:
        yield Finding(
            NOTE,
            "interfaces",
            f"Devices behind {', '.join(others)} can't be covered.",
            "Add them to the setting interfaces if they should be.",
        )


def zones(witness: Witness, interfaces: list[str]) -> Iterator[Finding]:
    """Whether the firewall lets DNS in from each interface: redirected queries need it as any others do."""
    inputs = [
        chain for chain in witness.chains if chain.hook == INPUT and chain.kind == "filter" and chain.table != OURS
    ]
    there = [name for name, _, _, _ in witness.links if name in interfaces]
    closed = [(name, chain.table) for name in there for chain in inputs if _rejects(witness, chain, ProbeQuery(name))]
    for name, table in closed:
        yield Finding(
            FAILURE,
            "zones",
            f"The firewall ({table}) lets no DNS in from {name}: a device that is on there is not covered.",
            "Allow port 53 from that zone, or take the interface out of the setting interfaces.",
        )
    if not closed:
        yield Finding(OK, "zones", "The firewall lets DNS in from every interface.")


def _rejects(witness: Witness, chain: NftChain, query: ProbeQuery) -> bool:
    rules = [rule for rule in witness.rules if rule.table == chain.table]
    walk = ZoneWalk(rules, query, lambda name: set(witness.elements(chain.table, name)))
    verdict = walk.through(chain.name)
    return verdict == REJECT or (verdict is None and chain.policy == 0)


def from_outside(witness: Witness, interfaces: list[str]) -> Finding | None:
    """Whether what comes by IPv6 without having been asked for meets a firewall. Where it does not, whoever sent to a
    device before its internet was turned off may go on sending. None where that can't be known."""
    if not _forwards_ipv6() or _read(_LEGACY):
        return None
    chains = [chain for chain in witness.chains if chain.hook == FORWARD and chain.kind == "filter"]
    chains = [chain for chain in chains if chain.table != OURS and not chain.table.startswith("ip ")]
    if any(maps_interfaces(rule) for rule in witness.rules for chain in chains if rule.table == chain.table):
        return None
    there = [name for name, _, up, _ in witness.links if up and name in interfaces]
    for outside in witness.outside - set(interfaces):
        for name in there:
            probe = ProbeForwarded(outside, name)
            if not any(_rejects(witness, chain, probe) for chain in chains):
                return Finding(
                    WARNING,
                    "from-outside",
                    f"The firewall lets anything in by IPv6 from {outside} to {name}: who sends to a device whose "
                    "internet is off may go on sending.",
                    "Set the firewall's zone of the internet to forward REJECT, as OpenWrt has it.",
                )
    return Finding(OK, "from-outside", "The firewall lets nothing in by IPv6 that was not asked for.")


_LEGACY = "/proc/net/ip6_tables_names"  # rules of the iptables of before, which nobody can read here
_FORWARDING = "/proc/sys/net/ipv6/conf/all/forwarding"


def _forwards_ipv6() -> bool:
    return _read(_FORWARDING) == "1"


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def bridged() -> Finding | None:
    """br_netfilter shows the firewall packets that only cross a bridge."""
    try:
        with open("/proc/sys/net/bridge/bridge-nf-call-iptables", encoding="ascii") as file:
            if file.read().strip() == "0":
                return None
    except OSError:
        return None
    return Finding(
        NOTE,
        "bridges",
        "Packets between LAN devices pass the firewall (br_netfilter): a resolver in the LAN counts as one elsewhere.",
        "sysctl net.bridge.bridge-nf-call-iptables=0",
    )


def privileged() -> bool:
    return os.geteuid() == 0
