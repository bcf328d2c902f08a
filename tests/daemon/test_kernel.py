"""The kernel switch kept in step with the gate: what is asked of it, and what is said when it refuses."""

from collections.abc import Iterator

import pytest

from agent.core.marks import DEFAULT
from agent.core.model import Device
from agent.core.nft.dns_redirect import WAYS
from agent.core.policy import View
from agent.daemon.clients import DeviceView
from agent.daemon.kernel.netfilter import NetfilterError
from agent.daemon.kernel.switch import ARMED, IDLE, REFUSED
from agent.daemon.kernel.switch_sync import SwitchSync

TABLET, PHONE = b"\x3c\x22\xfb\x00\x00\x0a", b"\xda\xa1\x19\x00\x00\x0b"


class Switched:
    """A switch that notes what it is told, and refuses when told to."""

    def __init__(self) -> None:
        self.standing: dict[bytes, int] = {}
        self.protected: frozenset[bytes] = frozenset()
        self.state, self.message = IDLE, "No device is switched on."
        self.refusing: set[str] = set()
        self.stands = True
        self.closed: frozenset[tuple[str, int, int]] = frozenset()
        self.told: list[tuple[object, ...]] = []

    def _tell(self, what: str, *more: object) -> None:
        self.told.append((what, *more))
        if what in self.refusing:
            raise NetfilterError("the kernel is short of memory", 12)

    def apply(self, wanted: dict[bytes, int], protected: frozenset[bytes] = frozenset()) -> None:
        try:
            self._tell("apply", sorted(wanted))
        except NetfilterError:
            self.state = REFUSED
            raise
        self.standing, self.protected = dict(wanted), protected
        self.state = ARMED if wanted else IDLE

    def look(self) -> None:
        if "look" in self.refusing:
            raise NetfilterError("the kernel did not answer", 5)

    def flush_marked(self, mark: int) -> None:
        self._tell("flush_marked", DEFAULT.unpack(mark))

    def release(self, addresses: list[str]) -> None:
        self._tell("release", addresses)

    def begun_at(self, addresses: list[str]) -> Iterator[tuple[bytes, list[bytes]]]:
        self._tell("begun_at", addresses)
        return iter(())

    def verify(self) -> bool:
        if not self.stands:
            self.standing, self.stands = {}, True
            return False
        return True


class Neighbours:
    def __init__(self) -> None:
        self.outside: dict[bytes, str] = {}
        self.repeaters: set[bytes] = set()
        self.places: dict[bytes, str] = {}

    def addresses_of(self, mac: bytes) -> list[str]:
        return [f"192.168.50.{mac[-1]}"]

    def elsewhere(self, mac: bytes) -> str:
        return self.outside.get(mac, "")

    def behind(self, mac: bytes) -> frozenset[str]:
        return frozenset([self.places[mac]] if mac in self.places else [])

    def stands_for_many(self, mac: bytes) -> bool:
        return mac in self.repeaters


@pytest.fixture
def switch() -> Switched:
    return Switched()


@pytest.fixture
def neighbours() -> Neighbours:
    return Neighbours()


@pytest.fixture
def kernel(switch: Switched, neighbours: Neighbours) -> SwitchSync:
    made = SwitchSync(switch, DEFAULT, neighbours)  # type: ignore[arg-type]
    made.begin()
    switch.told.clear()
    return made


def on(*places: tuple[bytes, int, int]) -> dict[bytes, DeviceView]:
    return {mac: DeviceView(slot, generation, None, slot) for mac, slot, generation in places}


def device(mac: bytes | None) -> Device:
    return Device(1, "e", "Tablet", mac=mac, slot=1)


def test_nothing_reaches_the_kernel_before_the_loop_turns(switch: Switched, neighbours: Neighbours) -> None:
    kernel = SwitchSync(switch, DEFAULT, neighbours)  # type: ignore[arg-type]
    kernel.apply(on((TABLET, 1, 1)))
    kernel.check()
    assert switch.told == []
    kernel.begin()
    assert switch.told[0] == ("apply", [TABLET])


def test_a_device_that_comes_has_its_old_flows_released(kernel: SwitchSync, switch: Switched) -> None:
    kernel.apply(on((TABLET, 1, 1)))
    assert switch.told == [("apply", [TABLET]), ("release", ["192.168.50.10"])]


def test_what_was_open_is_known_before_an_on_is_acknowledged(kernel: SwitchSync, switch: Switched) -> None:
    kernel.apply({TABLET: DeviceView(1, 1, View(()), 1), PHONE: DeviceView(2, 1, View(()), 2)})
    assert switch.told[2:] == [("begun_at", ["192.168.50.10", "192.168.50.11"])]


def test_devices_that_come_together_have_theirs_released_together(kernel: SwitchSync, switch: Switched) -> None:
    kernel.apply(on((TABLET, 1, 1), (PHONE, 2, 1)))
    assert switch.told[1:] == [("release", ["192.168.50.10", "192.168.50.11"])]


def test_a_device_that_goes_or_changes_has_its_flows_ended(kernel: SwitchSync, switch: Switched) -> None:
    kernel.apply(on((TABLET, 1, 1), (PHONE, 2, 1)))
    switch.told.clear()
    kernel.apply(on((TABLET, 1, 2)))
    assert switch.told == [("apply", [TABLET]), ("flush_marked", (1, 1)), ("flush_marked", (2, 1))]


def test_a_refusal_is_told_and_tried_again(kernel: SwitchSync, switch: Switched) -> None:
    switch.refusing = {"apply"}
    kernel.apply(on((TABLET, 1, 1)))
    assert kernel.state()["state"] == REFUSED
    assert not kernel.covers(device(TABLET))
    kernel.check()
    switch.refusing = set()
    kernel.check()
    assert kernel.covers(device(TABLET))
    assert [told[0] for told in switch.told] == ["apply", "apply", "apply", "release"]


def test_what_stands_as_wanted_is_left_alone(kernel: SwitchSync, switch: Switched) -> None:
    kernel.apply(on((TABLET, 1, 1)))
    switch.told.clear()
    kernel.check()
    assert switch.told == []
    switch.stands = False
    kernel.check()
    assert switch.told[0] == ("apply", [TABLET])


def test_flows_that_can_not_be_ended_are_told_but_cost_nothing(kernel: SwitchSync, switch: Switched) -> None:
    switch.refusing = {"release"}
    kernel.apply(on((TABLET, 1, 1)))
    assert kernel.covers(device(TABLET))
    assert "could not be ended: the kernel is short of memory." in str(kernel.state()["message"])
    switch.refusing = set()
    kernel.apply({})
    assert "could not be ended" not in str(kernel.state()["message"])


def test_a_device_behind_another_interface_is_not_covered(kernel: SwitchSync, neighbours: Neighbours) -> None:
    neighbours.outside = {TABLET: "br-iot"}
    kernel.apply(on((TABLET, 1, 1)))
    assert not kernel.covers(device(TABLET))
    assert "behind br-iot" in str(kernel.state()["message"])


def test_a_zone_that_lets_no_dns_in_is_told_and_its_devices_are_not_covered(
    kernel: SwitchSync, switch: Switched, neighbours: Neighbours
) -> None:
    neighbours.places = {TABLET: "br-guest", PHONE: "br-lan"}
    kernel.apply(on((TABLET, 1, 1), (PHONE, 2, 1)))
    assert kernel.covers(device(TABLET))
    switch.closed = frozenset([("br-guest", *way) for way in WAYS])
    assert not kernel.covers(device(TABLET))
    assert kernel.covers(device(PHONE))
    assert "lets no DNS in from br-guest: devices there are not covered" in str(kernel.state()["message"])


def test_what_a_zone_lets_in_only_in_part_is_told(kernel: SwitchSync, switch: Switched, neighbours: Neighbours) -> None:
    neighbours.places = {TABLET: "br-guest"}
    kernel.apply(on((TABLET, 1, 1)))
    switch.closed = frozenset([("br-guest", *WAYS[1]), ("br-guest", *WAYS[2])])
    assert kernel.covers(device(TABLET))
    assert "no DNS in from br-guest by IPv4 over TCP, IPv6 over UDP: what devices" in str(kernel.state()["message"])
    switch.closed = frozenset([("br-guest", *WAYS[0])])
    assert not kernel.covers(device(TABLET))


def test_a_firewall_that_can_not_be_read_is_taken_to_be_open(kernel: SwitchSync, switch: Switched) -> None:
    switch.refusing = {"look"}
    kernel.apply(on((TABLET, 1, 1)))
    kernel.check()
    assert kernel.covers(device(TABLET))


def test_a_repeater_is_explained(kernel: SwitchSync, neighbours: Neighbours) -> None:
    kernel.apply(on((TABLET, 1, 1)))
    assert "repeater" not in str(kernel.state()["message"])
    neighbours.repeaters = {TABLET}
    assert "repeater" in str(kernel.state()["message"])


def test_a_device_without_a_mac_is_not_covered(kernel: SwitchSync) -> None:
    assert not kernel.covers(device(None))
