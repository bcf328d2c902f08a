"""What everybody who watches hears of the ledger: its growth, and the acknowledged state of each feature."""

from agent.control.messages import Row
from agent.core.model import Device
from agent.daemon.edges import Edges
from agent.daemon.set_right import SetRight
from agent.daemon.store.rollback_check import RollbackCheck
from agent.daemon.store.state import State
from agent.daemon.toggles import Pairs, Toggles


class Announcements:
    def __init__(
        self, state: State, toggles: Toggles, set_right: SetRight, anchor: RollbackCheck, edges: Edges
    ) -> None:
        self._state = state
        self._toggles = toggles
        self._set_right = set_right
        self._anchor = anchor
        self._edges = edges

    def noted(self) -> None:
        """The ledger grew outside a toggle: note its head."""
        head = self._state.ledger.head
        self._anchor.save(head)
        if head is not None:
            self._edges.publish({"event": "ledger", "seq": head.seq})

    def reviewed(self, actor: str) -> None:
        """After any change of people, devices, sharing, or of what is stored and for how long."""
        changed = self._toggles.review(actor)
        self.noted()
        self.announce(changed)

    def announce(self, pairs: Pairs) -> None:
        """The acknowledged state of these."""
        for device, feature in pairs:
            self._edges.publish(self._event(device, feature))

    def _event(self, device: Device, feature: str) -> Row:
        since = self._state.ledger.register.since(device.enrolment, feature)
        at = self._set_right.at(since) if since else None
        on = self._toggles.is_on(device, feature)
        return {"event": "feature", "device_id": device.id, "feature": feature, "on": on, "since": at}
