"""Whether a device is where its address says: what is on is covered only where the device was seen."""

from collections.abc import Callable

from agent.control.messages import Row
from agent.core.model import Device
from agent.daemon.clock import Clock
from agent.daemon.kernel.neighbours import Neighbours

UNSEEN_S = 15 * 60  # the router asks a device that talks at least every minute; a phone asleep talks within minutes


class Sight:
    """`kernel(device)` tells whether the kernel holds it. Of a device known by its address nothing is claimed here."""

    def __init__(self, neighbours: Neighbours, clock: Clock, kernel: Callable[[Device], bool]) -> None:
        self._neighbours = neighbours
        self._clock = clock
        self._kernel = kernel

    def covers(self, device: Device) -> bool:
        return self._kernel(device) and not self.trouble(device)

    def trouble(self, device: Device) -> Row:
        """Nothing; or since when it was `unseen`, the MAC that it seems to have now (`moved`) or that answers for it
        (`through`)."""
        if device.mac is None:
            return {}
        moved, through = self._neighbours.successor(device.mac), self._neighbours.behind_mac(device.mac)
        silent = self._neighbours.unseen_s(device.mac)
        if moved is None and through is None and silent < UNSEEN_S:
            return {}
        found: Row = {"unseen": self._clock.wall() - int(silent), "moved": None, "through": None}
        if moved is not None:
            address, name = self._neighbours.address_of(moved), self._neighbours.name_of(moved)
            found["moved"] = {"mac": moved.hex(":"), "address": address, "hostname": name}
        elif through is not None:
            found["through"] = through.hex(":")
        return found
