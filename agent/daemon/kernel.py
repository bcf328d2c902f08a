"""Keeps the kernel switch in step with the gate: marks from clients, flows ended after a change, retries."""

from agent.core.marks import Layout
from agent.core.model import Device
from agent.daemon.clients import Client
from agent.daemon.switch import REFUSED, Refused, Switch


class Kernel:
    """`apply` never raises: what the kernel refuses is said by `state`, and `check` tries again."""

    def __init__(self, switch: Switch, layout: Layout) -> None:
        self._switch = switch
        self._layout = layout
        self._wanted: dict[bytes, int] = {}

    def apply(self, clients: dict[bytes, Client]) -> None:
        """Steer exactly these devices (MAC → client), and end the flows of marks that are no longer wanted."""
        self._wanted = {mac: self._layout.pack(client.slot, client.generation) for mac, client in clients.items()}
        self._bring_about()

    def check(self) -> None:
        """Whether the table still stands as wanted; if not, put it up again. Called by a timer."""
        if not self._switch.verify() or self._switch.standing != self._wanted or self._switch.state == REFUSED:
            self._bring_about()

    def _bring_about(self) -> None:
        before = dict(self._switch.standing)
        try:
            self._switch.apply(self._wanted)
            for mac, mark in before.items():
                if self._wanted.get(mac) != mark:
                    self._switch.flush_marked(mark)
        except Refused:
            return

    def covers(self, device: Device) -> bool:
        return device.mac is not None and device.mac in self._switch.standing

    def state(self) -> dict[str, object]:
        return {"state": self._switch.state, "message": self._switch.message}

    def close(self) -> None:
        """Leave nothing behind."""
        try:
            self._switch.close()
        except Refused:
            return
