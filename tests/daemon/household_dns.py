"""A Dns on the loopback with devices by address, the real policy over a real compiled list, and a server behind it."""

from pathlib import Path

from agent.core.policy import OwnRule, Policy, View
from agent.core.ruleset import Ruleset
from agent.daemon.clients import DeviceView
from agent.daemon.dns.listeners import listen
from agent.daemon.dns.servers import UpstreamServers
from agent.daemon.dns.service import Dns
from agent.daemon.dns.upstream import Upstream
from agent.daemon.loop import Loop
from agent.jobs.compile import compile_lists
from agent.jobs.list_reader import Source
from agent.platform.hashing import sha256
from tests.daemon.resolving import HOST, Answerer, Asker, Server, Time, addresses
from tests.ports import free_port

# Source addresses of the devices.
PROTECTED, PLAIN, OTHER, STRANGER = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"
LISTED = ["bad.example", "tracker.example"]


class Resolving:
    """`records` are what would be recorded: (client, name, blocked, count).

    PROTECTED has the list's protection, OTHER besides a rule of its own against `games.example`, PLAIN is known but not
    protected, STRANGER unknown.
    """

    def __init__(self, folder: Path, answer: Answerer | None = None, entries_max: int = 4000) -> None:
        self.time = Time()
        self.loop = Loop(self.time)
        self.server = Server(self.loop, answer or addresses("192.0.2.1", "2001:db8::1"))
        self.records: list[tuple[DeviceView, bytes, bool, int]] = []
        self.file = _compiled(folder)
        self.policy = self.with_rules()
        self.clients: dict[str, DeviceView] = {}
        self.modes: dict[int, tuple[str, str]] = {}  # of search and YouTube, by device
        self.toggle(1)
        servers = UpstreamServers([(HOST, self.server.port)], "", [])
        self.upstream = Upstream(self.loop, servers)
        self.dns = Dns(self.loop, self.upstream, self._identify, self.policy, self._record, entries_max)
        self.port = free_port()
        listen(self.loop, self.dns, [(HOST, self.port)], None)
        self.askers: list[Asker] = []

    def with_rules(self, *names: str) -> Policy:
        """The policy with `games.example` refused to OTHER, and these names to the household."""
        games = OwnRule(1, b"games.example", "block", "device", 3, None, 0)
        household = [OwnRule(2, name.encode(), "block", "household", 0, None, 0) for name in names]
        return Policy(Ruleset(self.file, sha256), [games, *household])

    def allowing(self, name: str) -> Policy:
        return Policy(Ruleset(self.file, sha256), [OwnRule(1, name.encode(), "allow", "household", 0, None, 0)])

    def toggle(self, generation: int) -> None:
        """New clients, as each toggle makes them."""
        self.clients = {
            PROTECTED: DeviceView(1, generation, self._view(1), 1),
            PLAIN: DeviceView(2, generation, None, 2),
            OTHER: DeviceView(3, generation, self._view(3), 3),
        }

    def _view(self, device: int) -> View:
        return self.policy.view(device, None, *self.modes.get(device, ()))

    def swap(self, policy: Policy) -> None:
        self.policy = policy
        self.dns.swap(policy)
        self.toggle(1)

    def device(self, source: str = PROTECTED) -> Asker:
        asker = Asker(self.loop, self.port, source)
        self.askers.append(asker)
        return asker

    def recorded(self) -> dict[tuple[int, bytes], tuple[bool, int]]:
        """By device and name: whether refused, how many times."""
        self.dns.flush()
        found: dict[tuple[int, bytes], tuple[bool, int]] = {}
        for client, name, blocked, count in self.records:
            earlier = found.get((client.device_id, name), (blocked, 0))
            assert earlier[0] == blocked
            found[client.device_id, name] = (blocked, earlier[1] + count)
        return found

    def close(self) -> None:
        self.dns.close()
        self.upstream.close()
        self.server.close()
        for asker in self.askers:
            asker.close()
        self.file.close()

    def _identify(self, mark: int | None, address: str) -> DeviceView | None:
        assert not mark
        return self.clients.get(address)

    def _record(self, client: DeviceView, name: bytes, verdict: object, count: int) -> None:
        self.records.append((client, name, verdict.blocked, count))  # type: ignore[attr-defined]


def _compiled(folder: Path):  # type: ignore[no-untyped-def]
    names, rules = folder / "list.txt", folder / "rules.bin"
    names.write_text("".join(f"0.0.0.0 {name}\n" for name in LISTED))
    compile_lists([Source(str(names), "phish", name="Phishing names", category="phishing", syntax="hosts")], str(rules))
    return open(rules, "rb", buffering=0)
