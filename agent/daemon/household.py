"""The household as the daemon knows it: the parts put together, and what keeps them in step with the gate."""

import os
import time
from collections.abc import Generator

from agent.core.consent import Gate
from agent.core.model import LIMITS, PROTECTION, USAGE, Device, Sentence, said_by
from agent.core.policy import Policy, View
from agent.core.settings import COPIES, POLICY, TIMES, UPDATES, Settings, guest_interfaces
from agent.core.timezone import Zone
from agent.daemon.announcements import Announcements
from agent.daemon.arrivals import ACTOR, Arrivals
from agent.daemon.clients import Clients, DeviceView
from agent.daemon.clock import Clock
from agent.daemon.connections.unblock_tokens import UnblockTokens
from agent.daemon.coverage import Coverage
from agent.daemon.device_content import DeviceContent
from agent.daemon.edges import Edges
from agent.daemon.in_hand import InHand
from agent.daemon.limits.keeper import Keeper
from agent.daemon.limits.screen_time import ScreenTime
from agent.daemon.lists.feed_state import FeedState
from agent.daemon.lists.freshness import Freshness
from agent.daemon.lists.loaded import LoadedLists
from agent.daemon.lists.retained import RetainedSet
from agent.daemon.people import People
from agent.daemon.policies import Policies
from agent.daemon.reports.reports import Reports
from agent.daemon.reports.week_file import WeekFile
from agent.daemon.reports.weekly_counts import WeeklyCounts
from agent.daemon.safe_addresses import SafeAddresses
from agent.daemon.set_right import SetRight
from agent.daemon.settings_in_force import SettingsInForce
from agent.daemon.store.database import StorageError
from agent.daemon.store.delayed_changes import DelayedChanges
from agent.daemon.store.forgotten import Forgotten
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.recorder import Recorder
from agent.daemon.store.rollback_check import RollbackCheck
from agent.daemon.store.snapshots import Snapshots
from agent.daemon.store.state import State
from agent.daemon.store.unsaved import Unsaved
from agent.daemon.subjects import Subjects
from agent.daemon.toggles import Toggles
from agent.platform.hashing import sha256
from agent.platform.memory import total_bytes

PIECE = 16  # rows written in a turn: less than a millisecond here


class Household:
    """Built once by bootstrap, on what was opened there. `edges` do for it what takes a socket."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        records: HistoryDb,
        gate: Gate,
        recorder: Recorder,
        clients: Clients,
        snapshots: Snapshots,
        clock: Clock,
        lists: LoadedLists,
        anchor: RollbackCheck,
        edges: Edges,
    ) -> None:
        # what is known
        self.settings = settings
        self.state = state
        self.records = records
        self.gate = gate
        self.recorder = recorder
        self.clients = clients
        self.snapshots = snapshots
        self.clock = clock
        self.lists = lists
        self.anchor = anchor
        self.edges = edges
        self.forgotten = Forgotten(os.path.join(settings.text("state_dir"), "forgotten"), state)
        self.delayed = DelayedChanges(state, clock.now, sha256)
        self.feeds = FeedState(settings, state, clock, total_bytes(), edges.start_update, self.categories_used)
        self.freshness = Freshness(lists, self.feeds, clock)
        self.kept_lists, self.content = (
            RetainedSet(settings),
            DeviceContent(state.content, lists, settings, clock.wall, self._zone),
        )
        self.asks, self.safe_addresses, self.in_hand = UnblockTokens(), SafeAddresses(time.monotonic), InHand()
        self.trouble: str | Sentence = ""
        self.stale_snapshot = False  # the copy on flash still holds rows that were erased
        # the rules about people, and what switches
        self.subjects = Subjects(state, settings, self.delayed)
        unsaved = Unsaved(os.path.join(settings.text("run_dir"), "unsaved"))
        self.toggles = Toggles(
            state, records, gate, recorder, anchor, self.subjects, self.refresh, clock.wall, unsaved, edges
        )
        self.set_right = SetRight(state, records, clock, recorder.part)
        self.announcements = Announcements(state, self.toggles, self.set_right, anchor, edges)
        noted = self.announcements.noted
        # who is kept off the internet
        self.keeper = Keeper(state, gate, clock, settings, edges, self.refresh, noted)
        self.screen_time = ScreenTime(
            state, records, recorder, gate, clock, settings, edges, self.keeper.local, self.refresh
        )
        self.keeper.used_up, self.keeper.strangers = self.screen_time.span, lambda: self.arrivals.held
        reviewed = self.announcements.reviewed
        self.coverage = Coverage(state, self.keeper, self.subjects, self.content, self.toggles)
        self.people = People(state, self.subjects, self.delayed, clock, reviewed, edges.publish, self.coverage.cover)
        counts = WeeklyCounts(state, records, clock, self.subjects, self.toggles, self.freshness, self.flush)
        self.reports = Reports(settings, state, clock, sha256, noted, counts, edges)
        self.week_file = WeekFile(state, clock, sha256, noted, edges, os.urandom)
        self._refusing: dict[bytes, frozenset[str]] = {}  # by MAC, when that was last decided
        # what changes with settings
        self.policies = Policies(settings, state, clock, lists, self.content, self.subjects, self.toggles, edges)
        self.arrivals = Arrivals(state, settings, clock, edges, self._welcome, self._is_guest, noted, self.refresh)
        self.in_force = SettingsInForce(settings, state, reviewed, self.arrivals.changed)
        reactions = {
            POLICY: self.new_policy,
            COPIES: self._copies,
            UPDATES: self.feeds.rescheduled,
            TIMES: self.refresh,
        }
        for part, react in reactions.items():
            self.in_force.also(part, react)

    @property
    def policy(self) -> Policy:
        """The one in force."""
        return self.policies.current

    def begin(self) -> None:
        """Open the gate from the ledger, after this start is committed; on a storage failure nothing is on."""
        try:
            self.reports.budget.note_restored(self.anchor.restored(self.state.ledger.hashes()))
            again = self.forgotten.again(self.clock.wall(), self.people.removed)
            strays = 0 if self.toggles.booted else self.toggles.start(self.clock.boot)
            self.screen_time.begun = True
            self.reports.begin()
            self.week_file.begin()
            self.stale_snapshot = self.stale_snapshot or strays > 0 or again > 0
            self.new_policy()
            self.trouble = ""
        except StorageError as error:
            self.trouble = said_by(error)

    def refresh(self) -> None:
        """Make clients and kernel agree with the gate. Called at each toggle and change of a device."""
        self.screen_time.renew()
        self.keeper.renew()
        self.edges.drain()
        entries = []
        wanted: dict[bytes, DeviceView] = {}
        for device in self._open_devices():
            client = self._client(device)
            entries.append((client, device.mac, device.address))
            if device.mac is not None:
                wanted[device.mac] = client
        self.clients.replace(entries)
        self.edges.apply(wanted)
        self._end_what_is_blocked(wanted)

    def _end_what_is_blocked(self, wanted: dict[bytes, DeviceView]) -> None:
        """Where a service or a category is blocked that was not, what the device has open ends."""
        views = {mac: client.view for mac, client in wanted.items() if isinstance(client.view, View)}
        before, self._refusing = self._refusing, {mac: self.content.refusing(view) for mac, view in views.items()}
        more = [mac for mac, found in self._refusing.items() if found - before.get(mac, frozenset())]
        if more:
            self.edges.end_flows(frozenset(more))

    def _open_devices(self) -> list[Device]:
        by_slot = {device.slot: device for device in self.state.devices()}
        found = [by_slot[device.slot] for device in self.gate.devices() if device.slot in by_slot]
        return [device for device in found if self.read(device)]

    def read(self, device: Device) -> bool:
        """Whether any name is read of it: minutes alone never, times only while it is held, content rules always."""
        names = [name for name in self.gate.features(device.slot) if name != USAGE]
        if names != [LIMITS]:
            return bool(names)
        return self.keeper.decision(device).held or self.content.wanted(device)

    def _client(self, device: Device) -> DeviceView:
        on = self.gate.features(device.slot)
        protected, limited = PROTECTION in on, LIMITS in on and self.content.wanted(device)
        view = self.content.view(self.policy, device, protected, limited) if protected or limited else None
        held = device.mac in self.edges.held()
        return DeviceView(device.slot, self.gate.generation(device.slot), view, device.id, held)

    def view_of(self, device: Device | None, policy: Policy | None = None, at: int | None = None) -> View:
        """As if all that may be on were: what would be decided, `at` that time by its policy, or now. None: nobody's in
        particular."""
        if device is None:
            return self.content.household_view()
        return self.content.view(policy or self.policy, device, True, True, at)

    def _welcome(self, device: Device) -> None:
        """Protection for a device that was never here before, and nothing else."""
        self.people.added(device, ACTOR)
        self.toggles.on([(device, PROTECTION)], "on", ACTOR)
        self.announcements.noted()
        self.announcements.announce([(device, PROTECTION)])

    def look_for_arrivals(self) -> None:
        if self.toggles.booted:
            self.arrivals.look()

    def _is_guest(self, mac: bytes) -> bool:
        return bool(self.edges.interfaces_of(mac) & guest_interfaces(self.settings))

    def _zone(self) -> Zone:
        return self.keeper.local.zone

    def categories_used(self) -> set[str]:
        """The categories of devices for which limits are on."""
        return self.content.categories([device for device, _ in self.toggles.pairs_on(LIMITS)])

    def new_policy(self) -> None:
        """The policy anew, and every device's view of it."""
        self.policies.renew()
        self.refresh()

    def load_lists(self) -> None:
        """Take the compiled rule set into use; a missing or damaged one leaves the one in use and says so."""
        before = self.lists.load(self.settings.text("ruleset_file"))
        self.feeds.note_loaded(self.lists.ruleset)
        self.new_policy()
        if before is not None and before is not self.lists.ruleset:
            before.close()

    def flush(self) -> None:
        """Everything observed until now is written."""
        self.edges.hand_over()
        self.recorder.flush()
        self._check_clock()

    def flush_in_pieces(self) -> Generator[None, None, None]:
        """What was recorded until now is written; a step holds the loop for a millisecond or so."""
        while self.recorder.flush(PIECE):
            yield
        self._check_clock()

    def _check_clock(self) -> None:
        try:
            self.set_right.check()
        except StorageError as error:
            self.recorder.trouble = said_by(error)

    def _copies(self) -> None:
        """What may lie on flash."""
        self.snapshots.wanted = self.settings.flag("keep_history")
        if not self.snapshots.wanted:
            self.snapshots.drop()
        if not self.kept_lists.wanted:
            self.kept_lists.drop()
