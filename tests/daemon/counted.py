"""A household whose kernel counts: packets are as a test says, minute by minute."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.kernel.netfilter import NetfilterError
from tests.daemon.limited import Kernel, Times, at
from tests.promises.household import Home

BUSY = 500  # packets a minute of whoever watches


class CountingKernel(Kernel):
    """`elements` are its counters; a new one starts at 0, as nftables' do."""

    def __init__(self, home: Home, at: int) -> None:
        super().__init__(home, at)
        self.elements: dict[bytes, tuple[int, int]] = {}
        self.flow_table = False
        self.uncountable = ""

    def count(self, macs: frozenset[bytes]) -> None:
        if self.uncountable:
            raise NetfilterError(self.uncountable, 28)
        self.elements = {mac: self.elements.get(mac, (0, 0)) for mac in macs}

    def counts(self) -> dict[bytes, tuple[int, int]]:
        return dict(self.elements)

    def offloaded(self) -> bool:
        return self.flow_table

    def send(self, mac: str, packets: int, each: int = 200) -> None:
        key = bytes.fromhex(mac.replace(":", ""))
        if key in self.elements:
            before = self.elements[key]
            self.elements[key] = (before[0] + packets, before[1] + packets * each)


class Counted(Times):
    """Mia has a tablet (1), Ben a phone (2), Ann a laptop (3); there is a television (4)."""

    kernel: CountingKernel

    def kernel_of(self, home: Home, at: int) -> Kernel:
        return CountingKernel(home, at)

    def begin(self) -> None:
        super().begin()
        assert self.home.household
        self.home.household.screen_time._uptime = lambda: float(self.clock.up)
        self.minute()

    def again(self, trusted: bool = True) -> None:
        """The power fails and comes back: the kernel has forgotten everything."""
        self.kernel.elements = {}
        super().again(trusted)

    def on(self, device: int) -> None:
        self.ask("on", device_id=device, feature="usage", agree=2)
        self.minute()

    def minute(self, *macs: str, packets: int = BUSY, each: int = 200) -> None:
        """A minute in which these are used."""
        assert self.home.household
        for mac in macs:
            if mac not in self.kernel.taken:
                self.kernel.send(mac, packets, each)
        self.clock.go(60)
        self.home.household.screen_time.minute()
        self.home.household.flush()
        self.tick()

    def minutes(self, count: int, *macs: str) -> None:
        for _ in range(count):
            self.minute(*macs)

    def asks_from(self, mac: str) -> None:
        """What is asked at /me is asked by this device."""
        assert self.home.household
        self.kernel.mac_of = lambda address: bytes.fromhex(mac.replace(":", ""))  # type: ignore[method-assign]
        self.home.household.clients.mac_of = self.kernel.mac_of

    def today(self, **whom: int) -> int:
        now = self.ask("usage.days", **whom)["now"]
        return int(now["today"])


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[Counted]:
    """At noon of a day."""
    made = Counted(Home(str(tmp_path)), at(12))
    yield made
    made.home.crash()
