"""The daemon's parts with sockets, and what the household has them do."""

import os

from agent.control.messages import Event, Row
from agent.core import settings as settings_table
from agent.core.model import BadInput, Device
from agent.core.nft.count_rules import CountRules
from agent.core.policy import Policy
from agent.core.settings import Settings
from agent.daemon.clients import DeviceView
from agent.daemon.clock import Clock
from agent.daemon.control import ControlServer
from agent.daemon.edges import Edges
from agent.daemon.household import Household
from agent.daemon.jobs import job_command
from agent.daemon.kernel.counting import Counting
from agent.daemon.kernel.neighbours import Neighbours
from agent.daemon.kernel.switch import Switch
from agent.daemon.kernel.switch_sync import SwitchSync
from agent.daemon.log import say
from agent.daemon.loop import AtDisk, Loop
from agent.daemon.pace import Pace
from agent.daemon.runtime.dns_service import DnsService
from agent.daemon.runtime.hold_service import HoldService
from agent.daemon.runtime.inspection_service import InspectionService
from agent.daemon.runtime.list_updates import ListUpdates
from agent.daemon.runtime.messenger import Messenger
from agent.daemon.runtime.report_job import ReportJob
from agent.daemon.sight import Sight
from agent.platform.cmodules import socket

RESTART_S = 0.2
EX_TEMPFAIL = 75  # sysexits.h: the guard starts the daemon again


class LiveEdges(Edges):
    """The household is built with this first, then `open` makes the parts: each needs the other. Until then nothing is
    on, so there is nobody to be told."""

    def __init__(self, loop: Loop, settings: Settings, netlink: socket.socket | None, pace: Pace) -> None:
        self._loop = loop
        self._settings = settings
        self._netlink = netlink
        self._pace = pace
        self.code = 0  # of the process, when it ends
        self.neighbours = Neighbours(settings.texts("interfaces"), settings.text("leases_file"))
        self.kernel: SwitchSync | None = None
        self.counting: Counting | None = None
        self.holding: HoldService | None = None
        self.connecting: InspectionService | None = None
        self._sight: Sight | None = None
        self._paths: list[DnsService | InspectionService] = []  # of what devices ask and reach

    def open(self, household: Household) -> None:
        """BadInput, OSError when a part can't be made."""
        loop, settings = self._loop, self._settings
        if settings.text("identity") == "mark":
            self.kernel = _kernel(settings, self._netlink, self.neighbours)
            self.counting = Counting(self.kernel.switch)
            self._sight = Sight(self.neighbours, household.clock, self.kernel.covers)
            self.holding = HoldService(loop, settings, household, self.kernel, self.neighbours)
        self.resolving = DnsService(loop, settings, household)
        self._paths.append(self.resolving)
        if self.kernel:
            self.connecting = InspectionService(loop, settings, household, self.kernel)
            if self.connecting.chosen:
                self._paths.append(self.connecting)
        self.control = _control(loop, settings, household)
        update = job_command("agent.jobs.update_job")
        self.updates = ListUpdates(loop, settings, household, self.control, update, self._pace.lists_due_s)
        report, tick_s = job_command("agent.jobs.report"), self._pace.report_tick_s
        self.reporting = ReportJob(loop, settings, household, self.control, report, tick_s)
        call = job_command("agent.jobs.house_call")
        self.messenger = Messenger(loop, settings, household, self.control, call)

    def close(self) -> None:
        """In order: no more queries steered here, then no more answers, jobs and askers."""
        if self.kernel:
            self.kernel.close()
        if self.connecting:
            self.connecting.close()
        if self.holding:
            self.holding.close()
        self.resolving.close()
        self.updates.close()
        self.reporting.end()
        self.messenger.close()
        self.control.close()
        self.neighbours.close()

    # by timers

    def check_kernel(self) -> None:
        if self.kernel and self.connecting:
            self.kernel.check(self.connecting.named)

    def check_holding(self) -> None:
        if self.holding:
            self.holding.check()

    def check_counting(self) -> None:
        if self.counting:
            self.counting.check()

    def check_connections(self) -> None:
        if self.connecting:
            self.connecting.check()

    # what follows the household

    def apply(self, wanted: dict[bytes, DeviceView]) -> None:
        if self.kernel:
            self.kernel.apply(wanted)
        if self.connecting and self.connecting.chosen:
            self.connecting.review()

    def hold(self, macs: frozenset[bytes]) -> None:
        if self.holding:
            self.holding.holding.want(macs)

    def end_flows(self, macs: frozenset[bytes]) -> None:
        if self.holding:
            judged = self.kernel is not None and self.kernel.judging is not None and not self.kernel.offloaded()
            self.holding.holding.end_flows(macs, judged)

    def count(self, macs: frozenset[bytes]) -> None:
        if self.counting:
            self.counting.want(macs)

    def counts(self) -> dict[bytes, tuple[int, int]]:
        return self.counting.counts() if self.counting else {}

    def offloaded(self) -> bool:
        return self.kernel is not None and self.kernel.offloaded()

    def swap(self, policy: Policy) -> None:
        for path in self._paths:
            path.swap(policy)

    def drain(self) -> None:
        for path in self._paths:
            path.drain()

    def hand_over(self) -> None:
        for path in self._paths:
            path.hand_over()

    def publish(self, event: Event) -> None:
        self.control.publish(event)

    def step(self, name: str) -> None:
        self._pace.step(name)

    def met(self, error: Exception) -> None:
        self._loop.faults.met(error)

    def restart(self, reason: str) -> None:
        say(reason)
        self.code = EX_TEMPFAIL
        self._loop.after(RESTART_S, self._loop.stop)

    # the jobs

    def start_update(self) -> bool:
        return self.updates.start()

    def end_report(self) -> bool:
        return self.reporting.end()

    def report_silence_s(self) -> float:
        return self.reporting.silence_s()

    # what is seen

    def clock(self, saved: str, awaited: str) -> Clock:
        return self._pace.clock(saved, awaited)

    def at_disk(self) -> AtDisk:
        return self._loop.at_disk()

    def turn(self) -> float:
        return self._loop.now

    def covers(self, device: Device) -> bool:
        return self._sight is None or self._sight.covers(device)

    def held(self) -> frozenset[bytes]:
        return self.holding.holding.held if self.holding else frozenset()

    def spares(self, device_id: int, host: bytes) -> bool:
        return self.holding is not None and self.holding.spares(device_id, host)

    def reaches(self, device_id: int, name: bytes) -> bool:
        return self.holding is not None and self.holding.reaches(device_id, name)

    def admit(self, device_id: int, name: bytes, addresses: list[bytes]) -> bool:
        return self.holding is not None and self.holding.admit(device_id, name, addresses)

    def unseen(self, device: Device) -> Row:
        return self._sight.trouble(device) if self._sight else {}

    def mac_of(self, address: str) -> bytes | None:
        return self.neighbours.mac_of(address)

    def address_of(self, mac: bytes) -> str | None:
        return self.neighbours.address_of(mac)

    def interfaces_of(self, mac: bytes) -> frozenset[str]:
        return self.neighbours.behind(mac)

    def stands_for_many(self, mac: bytes) -> bool:
        return self.neighbours.stands_for_many(mac)

    def neighbours_seen(self) -> list[tuple[bytes, Row]]:
        return self.neighbours.seen()

    def kernel_state(self) -> Row:
        if self.kernel is None:
            return super().kernel_state()
        parts = [part.state() for part in (self.kernel, self.holding, self.connecting) if part]
        return {key: value for part in parts for key, value in part.items()}

    def upstream_state(self) -> Row:
        return self.resolving.state()

    def counters(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for path in self._paths:
            found.update(path.counters())
        return found

    def faults(self) -> Row:
        return self._loop.faults.state()


def _kernel(settings: Settings, netlink: socket.socket | None, neighbours: Neighbours) -> SwitchSync:
    layout = settings_table.mark_layout(settings)
    for name in layout.shared():
        say(f"the bits of marks that are set are also {name}'s by default: doctor tells whether it uses them here")
    switch = Switch(netlink, settings.texts("interfaces"), settings.number("agent_port"), layout)
    switch.counting = CountRules(settings.texts("interfaces"), tuple(settings.texts("local_interfaces")))
    return SwitchSync(switch, layout, neighbours)


def _control(loop: Loop, settings: Settings, household: Household) -> ControlServer:
    path = os.path.join(settings.text("run_dir"), "control.sock")
    try:
        return ControlServer(loop, household, path)
    except OSError as error:
        raise BadInput(f"setting run_dir: the socket {path} can't be made: {error.strerror or error}") from error
