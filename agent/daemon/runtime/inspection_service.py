"""The connection side put together: the kernel's queue, the household's answers to "who" and "may it", the ways around.

Where the kernel has no queue, or connections may pass by the rules, only DNS protects and records; `state` says so,
and what is missing is looked for again.
"""

import errno

from agent.control.messages import Row
from agent.core import block_page, safesearch
from agent.core.addresses import parse_endpoint
from agent.core.known_resolvers import ADDRESSES
from agent.core.model import Sentence, Verdict, spoken
from agent.core.nft.inspection import BypassRules, Inspection
from agent.core.packet import Segment, tcp_position
from agent.core.policy import Policy, View
from agent.core.settings import Settings, mark_layout
from agent.core.sniffed_request import SniffedRequest
from agent.daemon.clients import DeviceView
from agent.daemon.connections.inspector import Inspector, host_of, target_of
from agent.daemon.connections.server_impersonation import ServerImpersonation
from agent.daemon.household import Household
from agent.daemon.kernel.queue import Queue
from agent.daemon.kernel.switch_sync import SwitchSync
from agent.daemon.loop import Loop
from agent.platform import page_texts

COPY_BYTES = 4096  # a hello that segments were put together for is 2 kB; a request with its cookies 4 kB
RECORD_S = 0.5  # the same name within it is recorded once, with a count
EXPIRE_S = 30.0
RETRY_S = 10.0  # asked for what it has not, the kernel starts a program each time that looks for a module

NO_MODES = (safesearch.OFF, safesearch.OFF)
ON = "Web connections are judged."
OFF = "DNS only: the setting connections is off."
OFFLOADED = "DNS only: flow offloading hides connections from the router's rules; switch it off to have them judged."
UNKNOWN = "DNS only: the kernel has no queue for packets: install kmod-nft-queue and kmod-nfnetlink-log."

# What the kernel says to netlink messages for a part that it has not.
_MISSING = (errno.EINVAL, errno.EPROTONOSUPPORT)


class InspectionService:
    """Judges connections as soon as it is built and the kernel sends some; where that is not `chosen`, it says so."""

    def __init__(self, loop: Loop, settings: Settings, household: Household, kernel: SwitchSync) -> None:
        self._loop = loop
        self._settings = settings
        self._household = household
        self._kernel = kernel
        self._answering = ServerImpersonation(kernel.answered_at)
        self._judge = Inspector(
            household.clients,
            household.recorder,
            household.policy,
            lambda: loop.now,
            self._refused,
            self._answer,
            mark_layout(settings),
            household.policies.warn,
            household.safe_addresses,
            household.edges.spares,
        )
        self._modes: dict[int, tuple[str, str]] = {}  # by device
        self._queue: Queue | None = None
        self._around: BypassRules | None = None
        self._trouble: str | Sentence = OFF
        self._offloaded = False
        self._retry_at = loop.now
        self.chosen = settings.flag("connections")
        if self.chosen:
            loop.every(RECORD_S, self._judge.flush)
            loop.every(EXPIRE_S, self._judge.expire)
            self.check()

    def _connect(self) -> None:
        number = self._settings.number("queue_number")
        judge, met = self._judge, self._loop.faults.met
        try:
            queue = self._queue = Queue(number, COPY_BYTES, judge.judge, judge.note, self._answering.send, met)
        except OSError as error:
            self._trouble = UNKNOWN if error.errno in _MISSING else Sentence("DNS only: {}.", error.strerror or error)
            return
        self._loop.add(queue.queue, queue.read_queue)
        self._loop.add(queue.log, queue.read_log)

    def swap(self, policy: Policy) -> None:
        self._judge.swap(policy)

    def hand_over(self) -> None:
        self._judge.flush()

    def named(self, flow: bytes) -> bool:
        """Whether a connection was judged by its name."""
        return self._judge.open.named(flow)

    def review(self) -> None:
        """The devices are others, or are judged otherwise: what is open and is blocked now ends."""
        self._kernel.cut(self._judge.review())
        self._end_other_forms()

    def _end_other_forms(self) -> None:
        """Where the modes of a device changed, what it has open to such hosts ends: a browser asks for more than one
        host over one connection."""
        before = self._modes
        views = self._household.clients.protected()
        self._modes = {id: (view.search, view.youtube) for id, view in views.items() if isinstance(view, View)}
        changed = {id for id, modes in self._modes.items() if before.get(id, NO_MODES) != modes}
        if changed:
            macs = [device.mac for device in self._household.state.devices() if device.id in changed and device.mac]
            self._kernel.cut_to(macs, self._household.safe_addresses.of_any_form())

    def drain(self) -> None:
        """Every packet that waits is judged and recorded under the clients of now. Before any toggle."""
        if self._queue is not None:
            self._queue.drain()
            self._judge.drain()

    def check(self) -> None:
        """The ways around as the household wants them now, and whether connections can be seen. Called by a timer."""
        if not self.chosen:
            return
        due = self._due()
        if self._queue is None and due:
            self._connect()
        if self._queue is None:
            return
        self._judge.retain(self._household.clients.marks())
        self._household.asks.retain({device.id for device in self._household.gate.devices()})
        around = self._wanted()
        if around != self._around or due:
            self._around = around
            number = self._settings.number("queue_number")
            self._kernel.judge([Inspection(number, COPY_BYTES, by_target, around) for by_target in (False, True)])
        self._offloaded = self._kernel.offloaded()

    def _due(self) -> bool:
        """Whether to try again what the kernel did not have."""
        missing = self._queue is None or (self._kernel.judging is None and self._kernel.armed)
        if not missing or self._loop.now < self._retry_at:
            return False
        self._retry_at = self._loop.now + RETRY_S
        return True

    def _wanted(self) -> BypassRules:
        encrypted = self._settings.flag("refuse_encrypted_dns")
        return BypassRules(self._settings.flag("refuse_quic"), encrypted, ADDRESSES if encrypted else ())

    def counters(self) -> dict[str, int]:
        return {**self._judge.counters(), "packets": self._queue.packets if self._queue else 0}

    def _refused(self, client: DeviceView) -> None:
        self._household.edges.publish({"event": "attempt", "device_id": client.device_id})

    def _answer(
        self, client: DeviceView, packet: bytes, piece: Segment, request: SniffedRequest, verdict: Verdict
    ) -> bool:
        at = tcp_position(packet)
        if at is None:
            return False
        place, button = asking_page(self._settings), None
        if place is not None:
            host = host_of(piece, request).decode()
            button = block_page.Button(place, self._household.asks.token(client.device_id, host))
        spoken = block_page.language(piece.data, page_texts.installed())
        given = page_texts.texts(spoken, "block")
        page = block_page.page(target_of(piece, request), verdict.rule, button, spoken, given)
        return self._answering.prepare(at, page)

    def state(self) -> Row:
        """A sentence, and by which of the kernel's mechanisms protected devices' connections come."""
        judging = self._kernel.judging
        by = None if judging is None else "xt_NFQUEUE" if judging.by_target else "nft queue"
        return {**spoken("connections", self._sentence()), "connections_by": by}

    def _sentence(self) -> str | Sentence:
        """Whether connections are judged, and if not, why."""
        if self._queue is None:
            return self._trouble
        if self._offloaded:
            return OFFLOADED
        return UNKNOWN if self._kernel.judging is None and self._kernel.armed else ON

    def close(self) -> None:
        if self._queue is not None:
            self._loop.remove(self._queue.queue)
            self._loop.remove(self._queue.log)
            self._queue.close()


def asking_page(settings: Settings) -> str | None:
    """Where the button of a refusal page leads; None where the web UI is not served to the household."""
    hosts = settings.texts("web_hosts")
    for endpoint in settings.texts("web_listen"):
        address, port = parse_endpoint(endpoint)
        if not address.startswith("127.") and address != "::1" and hosts:
            return f"http://{hosts[0]}:{port}/me/ask"
    return None
