"""Which device a packet or a connection belongs to: by the kernel's mark, or by its source address."""

from collections.abc import Callable

from agent.core.marks import Layout
from agent.core.policy import View


class DeviceView:
    """A device with something on, as of one generation. A toggle makes a new Client; old ones are never changed.

    `view` is the policy's view (None: nothing is refused), `generation` what its permits are asked with. `held`: its
    internet is off, but for what is spared.
    """

    __slots__ = ("slot", "generation", "view", "device_id", "held")

    def __init__(self, slot: int, generation: int, view: View | None, device_id: int, held: bool = False) -> None:
        self.slot = slot
        self.generation = generation
        self.view = view
        self.device_id = device_id
        self.held = held


class Clients:
    """The clients of now. `layout` is the mark's, None where devices are known by address.

    `mac_of(address)` looks a neighbour up, for the page at /me; a query is never known by its address alone.
    """

    def __init__(self, layout: Layout | None, mac_of: Callable[[str], bytes | None]) -> None:
        self._layout = layout
        self.mac_of = mac_of
        self._marked: dict[int, DeviceView] = {}
        self._addresses: dict[str, DeviceView] = {}

    def replace(self, entries: list[tuple[DeviceView, bytes | None, str | None]]) -> None:
        """Take these (client, MAC, address) as all there are."""
        layout = self._layout
        if layout is not None:
            self._marked = {layout.pack(client.slot, client.generation): client for client, _, _ in entries}
        self._addresses = {address: client for client, _, address in entries if address is not None}

    def identify(self, mark: int | None, address: str) -> DeviceView | None:
        """The client, or None: unknown, nothing on, or an old generation. None is answered plainly, unrecorded."""
        if self._layout is None:
            return self._addresses.get(address)
        return None if mark is None else self._marked.get(mark & self._layout.mask)

    def marks(self) -> set[int]:
        """The marks of the clients of now."""
        return set(self._marked)

    def protected(self) -> dict[int, View]:
        """{device id: its view} of those whose connections are judged."""
        return {one.device_id: one.view for one in self._marked.values() if one.view is not None}
