"""Keeps the kernel switch in step with the gate: marks from clients, flows ended after a change, retries."""

from collections.abc import Callable

from agent.control.messages import Row
from agent.core.addresses import parse
from agent.core.conntrack import TCP, UDP, source_of
from agent.core.marks import Layout
from agent.core.model import Device, Sentence, said_by, spoken
from agent.core.nft.dns_redirect import WAYS
from agent.core.nft.inspection import Inspection
from agent.daemon.clients import DeviceView
from agent.daemon.kernel.neighbours import Neighbours
from agent.daemon.kernel.netfilter import NetfilterError
from agent.daemon.kernel.switch import ARMED, REFUSED, Switch

_NAMES = dict(zip(WAYS, ("IPv4 over UDP", "IPv4 over TCP", "IPv6 over UDP", "IPv6 over TCP"), strict=True))

REPEATER = "A device that is on answers for several (a repeater): all that is behind it counts as that device."
SHUT = (
    "The firewall lets no DNS in from {}: devices there are not covered, and ask as without the agent. "
    "Allow port 53 from that zone to the router."
)
SHUT_IN_PART = (
    "The firewall lets no DNS in from {} by {}: what devices there ask that way is not covered. "
    "Allow port 53 from that zone to the router, UDP and TCP."
)


class SwitchSync:
    """`apply` never raises: what the kernel refuses is said by `state`, and `check` tries again.

    Nothing is put into the kernel before `begin`, which is the loop's to call: from then on the agent answers what is
    steered to it, and the guard hears it.
    """

    def __init__(self, switch: Switch, layout: Layout, neighbours: Neighbours) -> None:
        self.switch = switch
        self._layout = layout
        self._neighbours = neighbours
        self._wanted: dict[bytes, int] = {}
        self._protected: frozenset[bytes] = frozenset()
        self._begun = False
        self._flows: str | Sentence = ""
        # Web connections of before a device's protection, and what it had by UDP; as of the last check and since.
        self._old: dict[bytes, tuple[list[bytes], list[bytes]]] = {}
        self._older: dict[bytes, tuple[list[bytes], list[bytes]]] = {}
        self._held: frozenset[bytes] = frozenset()

    def begin(self) -> None:
        self._begun = True
        self._bring_about()
        # Nobody knows any more where they lead.
        self._note_old(self._protected - self._held)

    def apply(self, clients: dict[bytes, DeviceView]) -> None:
        """Steer exactly these devices (MAC → client), and end the flows of what they were before."""
        self._wanted = {mac: self._layout.pack(client.slot, client.generation) for mac, client in clients.items()}
        before = self._protected
        # What is spared for whoever is held is judged by name, whatever is on otherwise.
        judged = [mac for mac, client in clients.items() if client.view is not None or client.held]
        self._protected = frozenset(judged)
        self._held = frozenset([mac for mac, client in clients.items() if client.held])
        self._bring_about()
        if self._begun:
            # A held device's flows end all the same.
            self._note_old(self._protected - before - self._held)

    def _note_old(self, macs: frozenset[bytes]) -> None:
        """What began before protection came on was judged by nobody. It has until the check after next to end by
        itself, or to say where it goes, so that nothing short is disturbed. All devices' together, and before anybody
        hears that it is on: what begins after that was judged."""
        if not macs:
            return
        addresses = {address: mac for mac in sorted(macs) for address in self._neighbours.addresses_of(mac)}
        whose = {parse(address): mac for address, mac in addresses.items()}
        noted: dict[bytes, tuple[list[bytes], list[bytes]]] = {mac: ([], []) for mac in macs}
        self._old.update(noted)
        try:
            for protocol, flows in self.switch.begun_at(list(addresses)):
                for flow in flows:
                    noted[whose[source_of(flow)]][protocol == UDP].append(flow)
        except NetfilterError:
            return  # they go on

    def _cut_old(self, named: Callable[[bytes], bool]) -> None:
        for mac, (connections, datagrams) in self._older.items():
            if mac in self._protected:
                self.cut([flow for flow in connections if not named(flow)])
                if self.judging is not None and self.judging.around.quic:
                    self.cut(datagrams, UDP)
        self._older, self._old = self._old, {}

    def cut(self, flows: list[bytes], protocol: bytes = TCP) -> None:
        """Connections that may not go on."""
        try:
            self.switch.cut(flows, protocol)
        except NetfilterError as refusal:
            self._flows = Sentence("Connections from before a change could not be ended: {}.", said_by(refusal))

    def cut_to(self, macs: list[bytes], ends: frozenset[bytes]) -> None:
        """Web connections of these devices to these addresses may not go on."""
        try:
            self.switch.cut_to([address for mac in macs for address in self._neighbours.addresses_of(mac)], ends)
        except NetfilterError as refusal:
            self._flows = Sentence("Connections from before a change could not be ended: {}.", said_by(refusal))

    def check(self, named: Callable[[bytes], bool] = lambda flow: False) -> None:
        """Whether the table still stands as wanted; if not, put it up again. Called by a timer. `named(flow)` tells
        whether a connection was judged by its name."""
        switch = self.switch
        self._cut_old(named)
        if self._wanted:
            self._look()
        if not switch.verify() or switch.state == REFUSED or (switch.standing, switch.protected) != self._all_wanted():
            self._bring_about()

    def judge(self, ways: list[Inspection]) -> None:
        """Connections come here, too, in the first of these ways that the kernel takes."""
        try:
            self.switch.judge(ways)
        except NetfilterError:
            return  # the timer's check finds the table as it was, or lost

    @property
    def judging(self) -> Inspection | None:
        return self.switch.judging

    @property
    def armed(self) -> bool:
        return self.switch.state == ARMED

    def offloaded(self) -> bool:
        return self.switch.offloaded()

    def answered_at(self, flow: bytes) -> tuple[bytes, int] | None:
        return self.switch.answered_at(flow)

    def _all_wanted(self) -> tuple[dict[bytes, int], frozenset[bytes]]:
        return self._wanted, self._protected

    def _bring_about(self) -> None:
        if not self._begun:
            return
        before = dict(self.switch.standing)
        if self._wanted and not before:
            self._look()
        try:
            self.switch.apply(*self._all_wanted())
        except NetfilterError:
            return
        try:
            self._end_flows(before)
            self._flows = ""
        except NetfilterError as refusal:
            # They end by themselves after some minutes, and meanwhile the router's own resolver answers them.
            self._flows = Sentence("Flows from before a change could not be ended: {}.", said_by(refusal))

    def _look(self) -> None:
        try:
            self.switch.look()
        except NetfilterError:
            return  # in doubt the firewall lets DNS in, as it nearly always does

    def _end_flows(self, before: dict[bytes, int]) -> None:
        """Redirected ones of a mark that is no more, and those that a new device has had to resolvers elsewhere."""
        for mac, mark in before.items():
            if self._wanted.get(mac) != mark:
                self.switch.flush_marked(mark)
        came = [mac for mac in self._wanted if mac not in before]
        if came:
            self.switch.release([address for mac in came for address in self._neighbours.addresses_of(mac)])

    def covers(self, device: Device) -> bool:
        if device.mac is None or self._neighbours.elsewhere(device.mac):
            return False
        behind = self._neighbours.behind(device.mac)
        if behind and all((name, *WAYS[0]) in self.switch.closed for name in behind):
            return False
        return device.mac in self.switch.standing

    def state(self) -> Row:
        said = [self.switch.message, self._flows]
        if self._wanted:
            said += _zones(self.switch.closed)
        outside = {self._neighbours.elsewhere(mac) for mac in self._wanted} - {""}
        if outside:
            text = "A device that is on is behind {}, which the setting interfaces does not name."
            said.append(Sentence(text, ", ".join(sorted(outside))))
        if any(self._neighbours.stands_for_many(mac) for mac in self._wanted):
            said.append(REPEATER)
        said = [one for one in said if one]
        whole = Sentence(" ".join(["{}"] * len(said)), *said) if len(said) > 1 else said[0]
        return {"state": self.switch.state, **spoken("message", whole)}

    def close(self) -> None:
        """Leave nothing behind."""
        try:
            self.switch.close()
        except NetfilterError:
            return


def _zones(closed: frozenset[tuple[str, int, int]]) -> list[str | Sentence]:
    """What the firewall lets in from nowhere, or from some interfaces in part."""
    ways = {name: [way for way in WAYS if (name, *way) in closed] for name in sorted({entry[0] for entry in closed})}
    shut = [name for name, found in ways.items() if len(found) == len(WAYS)]
    parts = [(name, ", ".join([_NAMES[way] for way in ways[name]])) for name in sorted(ways.keys() - shut)]
    whole: list[str | Sentence] = [Sentence(SHUT, ", ".join(shut))] if shut else []
    return whole + [Sentence(SHUT_IN_PART, *part) for part in parts]
