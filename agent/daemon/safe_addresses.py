"""The addresses that the safe forms of hosts had within a day: where a connection to such a host may lead.

In memory only, of what was answered to anybody; who asked is not in it.
"""

from collections.abc import Callable

from agent.core.safesearch import SafeHost

KEPT_S = 86400.0  # devices and their programs keep addresses longer than they are told
ADDRESSES_MAX = 64  # of all targets together; these have one to four each, and change now and then
_NAT64 = bytes([0, 0x64, 0xFF, 0x9B]) + bytes(8)  # RFC 6052: a device translates an IPv4 address by itself


class SafeAddresses:
    """`now()` is the loop's clock; `of_any_form()` are the addresses of such hosts and of their safe forms, as far as
    DNS remembers them.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.of_any_form: Callable[[], frozenset[bytes]] = frozenset
        self._until: dict[tuple[bytes, bytes], float] = {}  # (target, address), the one noted last at the end

    def note(self, target: bytes, addresses: list[bytes]) -> None:
        """The target was answered with these."""
        for address in addresses:
            key = (target, address)
            self._until.pop(key, None)
            if len(self._until) >= ADDRESSES_MAX:
                del self._until[next(iter(self._until))]
            self._until[key] = self._now() + KEPT_S

    def holds(self, safe: SafeHost, address: bytes) -> bool:
        if address.startswith(_NAT64):
            address = address[len(_NAT64) :]
        if safe.address:
            return address == safe.address
        return self._until.get((safe.target, address), 0.0) > self._now()

    def __len__(self) -> int:
        return len(self._until)
