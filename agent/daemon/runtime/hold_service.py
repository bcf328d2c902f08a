"""Holding put together: rules of the kernel, ending of flows, the page of whoever is held, and what `status` says."""

from __future__ import annotations

from agent.control.messages import Row
from agent.core.model import BadInput, Sentence, said_by, spoken
from agent.core.names import suffixes
from agent.core.nft.hold_rules import CALLS, SPARED, STAYS_S, HoldingRules
from agent.core.settings import HOLDS, Settings, mark_layout
from agent.daemon.hold_page_server import HoldPageServer, Stay
from agent.daemon.household import Household
from agent.daemon.kernel.flow_ending import FlowEnding
from agent.daemon.kernel.holding import Holding
from agent.daemon.kernel.house import House
from agent.daemon.kernel.neighbours import Neighbours
from agent.daemon.kernel.netfilter import NetfilterError
from agent.daemon.kernel.switch_sync import SwitchSync
from agent.daemon.loop import Loop
from agent.daemon.store.owners import owner_of

CALLS_ZONE = b"pub.3gppnetwork.org"  # of the gateways for calls over Wi-Fi (3GPP TS 23.003, section 19.4.2.9)


class HoldService:
    """One for the daemon, where devices are known by the kernel's mark."""

    def __init__(
        self, loop: Loop, settings: Settings, household: Household, kernel: SwitchSync, neighbours: Neighbours
    ) -> None:
        self._loop = loop
        self._settings = settings
        self._household = household
        self._switch = kernel.switch
        self._layout = mark_layout(settings)
        self._local = sorted({*settings.texts("interfaces"), *settings.texts("local_interfaces")})
        self._page = HoldPageServer(
            loop, settings.number("hold_port"), lambda: settings.flag("calls_through"), self._stay, self._asked
        )
        self._page_trouble: str | Sentence = ""
        self._full: str | Sentence = ""
        self._admitted: dict[bytes, float] = {}  # addresses, and when somebody held was told them last
        ending = FlowEnding(
            kernel.switch.each, neighbours.addresses_of, self._local, lambda address: address in self._admitted
        )
        self.holding = Holding(kernel.switch, ending, loop.task, self._first)
        household.in_force.also(HOLDS, self._changed)
        self._changed()

    def _first(self, held: bool) -> None:
        """Before the first is held, and after the last was. The rules lead to the page only where it listens."""
        if not held or not self._settings.flag("hold_page"):
            self._page.close()
            return
        try:
            self._page.open()
            self._page_trouble = ""
        except OSError as error:
            port = self._settings.number("hold_port")
            self._page_trouble = Sentence(
                "The page about internet off can't listen on port {}: {}.", port, error.strerror or error
            )
        self._use_rules()

    def _changed(self) -> None:
        """A setting: in force for whoever is held, and for who will be."""
        if self.holding.held:
            self._first(True)
        else:
            self._use_rules()

    def _use_rules(self) -> None:
        paged = self._settings.flag("hold_page") and not self._page_trouble
        port = self._settings.number("hold_port") if paged else None
        rules = HoldingRules(self._settings.texts("interfaces"), tuple(self._local), port, self._layout)
        try:
            self._switch.hold_by(rules)
        except NetfilterError as refusal:
            said = Sentence("The rules for the page about internet off could not be changed: {}.", said_by(refusal))
            self._page_trouble = said

    def _stay(self, address: str) -> Stay | None:
        mac = self._household.edges.mac_of(address)
        if mac is None or mac not in self.holding.held:
            return None
        device = next((one for one in self._household.state.devices() if one.mac == mac), None)
        if device is None:
            return Stay(None, "new", "", "") if mac in self._household.arrivals.held else None
        keeper = self._household.keeper
        decision, name = keeper.decision(device), keeper.name_of(owner_of(device))
        if not decision.held:
            return Stay(device.id, "off", name, "")
        until = "" if decision.until is None else keeper.time_words(decision.until)
        return Stay(device.id, decision.why, name, until)

    def _asked(self, device_id: int, kind: str) -> bool:
        """A button of the page."""
        from agent.daemon.operations.time_requests import ask_for_time  # here: most routers hold nobody

        return ask_for_time(self._household, device_id, kind)

    # what passes all the same

    def spares(self, device_id: int, host: bytes) -> bool:
        """Whether the device reaches this host over the web while it is held."""
        if self._household.policy.helpline(host):
            return True
        from agent.daemon.operations.time_requests import left_open  # here: most routers hold nobody

        device = self._household.state.device(device_id)
        return left_open(self._household, device, self._household.keeper.decision(device).why, host)

    def reaches(self, device_id: int, name: bytes) -> bool:
        """Whether the name is one of those, or a gateway's for calls."""
        return self._called(name) or self.spares(device_id, name)

    def admit(self, device_id: int, name: bytes, addresses: list[bytes]) -> bool:
        """Before a held device is told these addresses of a name: whether it reaches them, and so may not remember
        them for long."""
        sets = SPARED if self.spares(device_id, name) else CALLS if self._called(name) else None
        if sets is None:
            return False
        now = self._loop.now
        self._admitted = {one: at for one, at in self._admitted.items() if now - at < STAYS_S}
        self._admitted.update({address: now for address in addresses})
        try:
            self._switch.admit(sets, addresses)
            self._full = ""
        except NetfilterError as refusal:
            self._full = Sentence("A site that stays open could not be opened: {}.", said_by(refusal))
        return True

    def _called(self, name: bytes) -> bool:
        return self._settings.flag("calls_through") and CALLS_ZONE in suffixes(name)

    def check(self) -> None:
        """Called by a timer."""
        self.holding.check()

    def state(self) -> Row:
        """What is in force, and why not."""
        found = [self.holding.trouble]
        if self.holding.held:
            found += [self._page_trouble, self._full, self._strange_networks()]
        return {"held": len(self.holding.held), **spoken("holding", next((one for one in found if one), ""))}

    def _strange_networks(self) -> str | Sentence:
        """Private networks behind interfaces that nobody named: a device was refused on its way there."""
        try:
            house, met = House(self._local), self._switch.elsewhere()
        except (NetfilterError, OSError, BadInput):
            return ""
        for name in met:  # one after the other: the next is told when this one is named
            network = house.network(name)
            if network:
                return Sentence("If {} behind {} is yours, add {} to local_interfaces.", network, name, name)
        return ""

    def close(self) -> None:
        self._page.close()
