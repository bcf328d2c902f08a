"""The DNS side put together: listeners, upstream servers, and the household's answers to "who" and "may it"."""

from agent.control.messages import Row
from agent.core.addresses import parse_endpoint
from agent.core.model import Verdict
from agent.core.policy import Policy
from agent.core.safesearch import hosts_or_target
from agent.core.settings import DNS, Settings, mark_layout
from agent.daemon.clients import DeviceView
from agent.daemon.dns.listeners import listen
from agent.daemon.dns.servers import UpstreamServers, on_this_router
from agent.daemon.dns.service import Dns
from agent.daemon.dns.upstream import Upstream
from agent.daemon.household import Household
from agent.daemon.loop import Loop


class DnsService:
    """Answers DNS as soon as it is built. OSError when a listener can't be made."""

    def __init__(self, loop: Loop, settings: Settings, household: Household) -> None:
        self._settings = settings
        self._household = household
        endpoints = [parse_endpoint(endpoint) for endpoint in settings.texts("dns_listen")]
        self._servers = UpstreamServers(self._given(), settings.text("resolver_file"), endpoints)
        self._upstream = Upstream(loop, self._servers)
        # The router's own resolver, which knows the names of this network; asked where upstream is somebody else.
        self._system = UpstreamServers([], settings.text("resolver_file"), endpoints, inside=True)
        self._router = Upstream(loop, self._system)
        self._dns = Dns(
            loop,
            self._upstream,
            household.clients.identify,
            household.policy,
            self._record,
            settings.number("cache_entries"),
            household.safe_addresses,
        )
        tag = mark_layout(settings).tag if settings.text("identity") == "mark" else None
        self._dns.spare_by(household.edges.admit, household.edges.reaches)
        listen(loop, self._dns, endpoints, tag)
        household.safe_addresses.of_any_form = lambda: self._dns.addresses(hosts_or_target)
        household.in_force.also(DNS, self.reload)
        self.reload()

    def swap(self, policy: Policy) -> None:
        self._dns.swap(policy)

    def hand_over(self) -> None:
        self._dns.flush()

    def counters(self) -> dict[str, int]:
        return self._dns.counters()

    def state(self) -> Row:
        return {"state": self._upstream.state, "servers": self._upstream.names}

    def _given(self) -> list[tuple[str, int]]:
        return [parse_endpoint(server) for server in self._settings.texts("upstream")]

    def _is_routers(self, endpoint: tuple[str, int]) -> bool:
        """Whether the server is the router's own resolver, which knows the names of this network and keeps others from
        leading into it."""
        return self._system.holds(endpoint) or on_this_router(endpoint[0])

    def drain(self) -> None:
        """Everything asked until now is read and recorded under the clients of now. Before any toggle."""
        self._dns.drain()
        self._dns.flush()

    def reload(self) -> None:
        """The settings of now; servers that are others are asked from the next question on."""
        self._servers.use(self._given(), self._settings.text("resolver_file"))
        self._system.use([], self._settings.text("resolver_file"))
        for servers in (self._servers, self._system):
            servers.reread()
        foreign = any(not self._is_routers(endpoint) for endpoint in self._given())
        self._dns.ask_router(
            self._router if foreign else None,
            lambda: self._system.domains,
            foreign and self._settings.flag("rebind_protection"),
        )
        self._dns.refuse_with(self._settings.text("blocked_answer"), self._settings.number("blocked_ttl"))

    def _record(self, client: DeviceView, name: bytes, verdict: Verdict, count: int) -> None:
        recorder = self._household.recorder
        if verdict.blocked:
            recorder.refused(client.slot, client.generation, name.decode(), "dns", count, verdict)
            self._household.edges.publish({"event": "attempt", "device_id": client.device_id})
        else:
            recorder.allowed(client.slot, client.generation, name, "dns", count)
            self._household.policies.warn(client.device_id, name)

    def close(self) -> None:
        self._dns.close()
        self._upstream.close()
        self._router.close()
