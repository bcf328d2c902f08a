"""What was let through and may be open still, so that it is judged again when the household decides otherwise.

In memory only, bounded, and only for devices whose connections are judged now.
"""

from collections.abc import Callable

from agent.core.policy import Policy, View

OPEN_MAX = 1000  # connections remembered, some 300 bytes each; the oldest go first

# Whether a device with this view may not reach (name, address).
Blocked = Callable[[View, bytes, bytes], bool]


class OpenConnections:
    """`flow` is as of a Segment."""

    def __init__(self) -> None:
        self._let: dict[bytes, tuple[int, bytes, bytes]] = {}
        self._views: dict[int, View] = {}
        self._policy: Policy | None = None

    def let(self, flow: bytes, device: int, name: bytes, address: bytes) -> None:
        """It was let through, to this name (empty where it said none) at this address."""
        self._let.pop(flow, None)
        if len(self._let) >= OPEN_MAX:
            del self._let[next(iter(self._let))]
        self._let[flow] = (device, name, address)

    def refused(self, flow: bytes) -> None:
        self._let.pop(flow, None)

    def named(self, flow: bytes) -> bool:
        """Whether it was judged by where it goes, from its beginning."""
        return flow in self._let and self._let[flow][1] != b""

    def review(self, policy: Policy, views: dict[int, View], blocked: Blocked) -> list[bytes]:
        """The flows that may not go on under this policy. They are forgotten, and those of devices without a view."""
        before, self._views = self._views, views
        changed = {device for device in views if views[device] != before.get(device) or policy is not self._policy}
        self._policy = policy
        self._let = {flow: one for flow, one in self._let.items() if one[0] in views}
        decided: dict[tuple[int, bytes, bytes], bool] = {}
        cut = []
        for flow, one in self._let.items():
            if one[0] in changed:
                if one not in decided:
                    decided[one] = blocked(views[one[0]], one[1], one[2])
                if decided[one]:
                    cut.append(flow)
        for flow in cut:
            del self._let[flow]
        return cut
