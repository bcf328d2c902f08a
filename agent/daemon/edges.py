"""What the household has done by the parts with sockets, and what it can ask them: one object, handed in when it is
built."""

import contextlib

from agent.control.messages import Event, Row
from agent.core.model import Device
from agent.core.policy import Policy
from agent.daemon.clients import DeviceView
from agent.daemon.clock import Clock
from agent.daemon.faults import raised


class Edges:
    """As it stands, a household without sockets: devices are known by their address, each that is on counts as covered,
    and nobody listens. The daemon's own is `runtime/live_edges.py`; tests have theirs."""

    # what follows the household

    def apply(self, wanted: dict[bytes, DeviceView]) -> None:
        """Steer exactly these devices ({MAC: view}) here."""

    def hold(self, macs: frozenset[bytes]) -> None:
        """Nothing of these devices goes out from here on, and what they had open ends; of no others. NetfilterError:
        the kernel refused, and who was held before is held still."""

    def end_flows(self, macs: frozenset[bytes]) -> None:
        """What these devices have open ends, whether they are held or not."""

    def count(self, macs: frozenset[bytes]) -> None:
        """What these devices send to the internet is counted, and of no others. NetfilterError: the kernel refused."""

    def counts(self) -> dict[bytes, tuple[int, int]]:
        """MAC → packets and bytes of whoever is counted, since they are. NetfilterError."""
        return {}

    def offloaded(self) -> bool:
        """Whether packets may go past all rules, by a flow table of the firewall: then they are not counted."""
        return False

    def swap(self, policy: Policy) -> None:
        """Decide by this policy from here on."""

    def drain(self) -> None:
        """Read what waits in the sockets and record it under the clients of before a toggle."""

    def hand_over(self) -> None:
        """Give the recorder what was noted until now."""

    def publish(self, event: Event) -> None:
        """Tell every subscriber of the control socket."""

    def step(self, name: str) -> None:
        """About to take this step of those in ARCHITECTURE's tables: tests of the promises end the process here."""

    def met(self, error: Exception) -> None:
        """The barrier, see faults.py: what was not expected is counted, and not gone on with. It may raise it again."""
        raised(error)

    def restart(self, reason: str) -> None:
        """End, so that the guard starts the daemon again; after the reply has gone out."""

    # the jobs

    def start_update(self) -> bool:
        """Start the job that fetches lists; False when it can't be."""
        return False

    def end_report(self) -> bool:
        """End the job that sends reports; True while it is still there."""
        return False

    def report_silence_s(self) -> float:
        """For how long the wire may still carry something of a report job that has gone; 0 when it is silent."""
        return 0.0

    # what is seen

    def clock(self, saved: str, awaited: str) -> Clock:
        """The clocks; see there."""
        return Clock(saved, awaited)

    def at_disk(self) -> "contextlib.AbstractContextManager[None]":
        """To be entered while the daemon waits for the disk: the guard is patient then."""
        return contextlib.nullcontext()

    def turn(self) -> float | None:
        """When the loop's turn began, so that clocks are read once in it; None without a loop."""
        return None

    def covers(self, device: Device) -> bool:
        """Whether what is on for the device takes effect where it is now."""
        return True

    def held(self) -> frozenset[bytes]:
        """The devices of whom nothing goes out now."""
        return frozenset()

    def spares(self, device_id: int, host: bytes) -> bool:
        """Whether the device reaches the host by name while it is held."""
        return False

    def reaches(self, device_id: int, name: bytes) -> bool:
        """Whether a device that is held reaches the name: over the web, or for calls."""
        return False

    def admit(self, device_id: int, name: bytes, addresses: list[bytes]) -> bool:
        """Whether a device that is held reaches the name; it is let through to these addresses of it then."""
        return False

    def unseen(self, device: Device) -> Row:
        """See Sight.trouble."""
        return {}

    def mac_of(self, address: str) -> bytes | None:
        """The neighbour with this address."""
        return None

    def address_of(self, mac: bytes) -> str | None:
        """Where the neighbour is now, for display."""
        return None

    def interfaces_of(self, mac: bytes) -> frozenset[str]:
        """Behind which of the router's interfaces the neighbour is in sight."""
        return frozenset()

    def stands_for_many(self, mac: bytes) -> bool:
        """Whether the neighbour answers for others (a repeater)."""
        return False

    def neighbours_seen(self) -> list[tuple[bytes, Row]]:
        """Every neighbour: (MAC, its row for display)."""
        return []

    def kernel_state(self) -> Row:
        """{"state", "message"}, and how connections come where they are judged."""
        return {"state": "none", "message": "by address"}

    def upstream_state(self) -> Row:
        """{"state", "servers"}; empty where nobody asks upstream."""
        return {}

    def counters(self) -> dict[str, int]:
        """What was answered, judged and dropped since the start."""
        return {}

    def faults(self) -> Row:
        """What the barrier met: {"total", "last"}."""
        return {"total": 0, "last": ""}
