"""The household as the daemon knows it: the parts put together, and what keeps them in step."""

import json
import os
import time
from collections.abc import Callable

from agent.core import people
from agent.core.consent import ON, SUSPENDED, WAITING, Gate, LedgerRow
from agent.core.known_resolvers import refusals
from agent.core.model import ADULT, HISTORY, LIMITS, PROTECTION, BadInput, Device, NotFound, Person
from agent.core.policy import Policy, View
from agent.core.settings import COPIES, POLICY, Settings, known
from agent.daemon.clients import Clients, DeviceView
from agent.daemon.clock import Clock
from agent.daemon.connections.unblock_tokens import UnblockTokens
from agent.daemon.device_content import DeviceContent
from agent.daemon.kernel.holding import Holding
from agent.daemon.kernel.neighbours import Neighbours
from agent.daemon.lists.feed_state import FeedState, is_starter, protecting
from agent.daemon.lists.loaded import LoadedLists
from agent.daemon.lists.retained import RetainedSet
from agent.daemon.people import People
from agent.daemon.reports.reports import Reports
from agent.daemon.safe_addresses import SafeAddresses
from agent.daemon.set_right import SetRight
from agent.daemon.sight import Sight
from agent.daemon.store.database import StorageError
from agent.daemon.store.delayed_changes import DelayedChanges
from agent.daemon.store.forgotten import Forgotten
from agent.daemon.store.history_db import HistoryDb
from agent.daemon.store.recorder import Recorder
from agent.daemon.store.rollback_check import RollbackCheck
from agent.daemon.store.snapshots import Snapshots
from agent.daemon.store.state import State
from agent.daemon.subjects import Subjects
from agent.daemon.toggles import Pairs, Toggles
from agent.platform.hashing import sha256
from agent.platform.memory import total_bytes

FEATURE_NAMES = (HISTORY, PROTECTION)
WAYS_AROUND = ("refuse_encrypted_dns", "canary_names")  # settings that the policy heeds, as is
LOOKALIKE = "lookalike"
LISTS_STALE_S = 14 * 86400  # phishing names live for days: a list of two weeks ago hardly protects


class Household:
    """Built once by main. `kernel(wanted)` applies {MAC: client}; `swap(policy)` gives the DNS side a new policy,
    `drain` has it read what waits under the clients of before, `hand_over` has it record what it noted until now.

    `publish` hands one event (a dict) to every subscriber.
    """

    sight: Sight | None = None  # where devices are known by their MAC
    holding: Holding | None = None  # likewise
    # Whether a device whose internet is off reaches a host by name all the same.
    spares: Callable[[int, bytes], bool] = staticmethod(lambda device_id, host: False)

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
    ) -> None:
        self.settings = settings
        self.anchor = anchor
        self.state = state
        self.forgotten = Forgotten(os.path.join(settings.text("state_dir"), "forgotten"), state)
        self.records = records
        self.gate = gate
        self.recorder = recorder
        self.clients = clients
        self.snapshots = snapshots
        self.clock = clock
        self.lists = lists
        self.asks, self.safe_addresses = UnblockTokens(), SafeAddresses(time.monotonic)
        self.toggles: Toggles
        self.delayed = DelayedChanges(state, clock.now, sha256)
        self.subjects = Subjects(state, settings, self.delayed)
        self.people = People(
            state, self.subjects, self.delayed, clock, self.reviewed, lambda event: self.publish(event)
        )
        self.feeds = FeedState(settings, state, clock, total_bytes())
        self.kept_lists, self.content = RetainedSet(settings), DeviceContent(state.content, lists, settings)
        self.reports = Reports(settings, state, clock, sha256, self.noted, lambda name: self.step(name))
        self.step: Callable[[str], None] = lambda name: None  # see Toggles
        self.kernel: Callable[[dict[bytes, DeviceView]], None] = lambda wanted: None
        self.swap: Callable[[Policy], None] = lambda policy: None
        self.drain: Callable[[], None] = lambda: None
        self.hand_over: Callable[[], None] = lambda: None
        self.publish: Callable[[dict[str, object]], None] = lambda event: None
        # What a change of settings makes the parts do; the edges add theirs.
        self._reactions: dict[str, list[Callable[[], None]]] = {POLICY: [self.new_policy], COPIES: [self._copies]}
        self.policy = Policy(None, [])
        self.sha256 = sha256
        # What the edges can tell; by address there is no kernel's side, and every device that is on is covered.
        self.covered: Callable[[Device], bool] = lambda device: True
        self.neighbours: Neighbours | None = None
        self.kernel_state: Callable[[], dict[str, object]] = lambda: {"state": "none", "message": "by address"}
        self.upstream_state: Callable[[], dict[str, object]] = dict
        self.counters: Callable[[], dict[str, int]] = dict
        self.faults: Callable[[], dict[str, object]] = lambda: {"total": 0, "last": ""}
        self.setup: object = None
        # A backup on its way in: rows so far; then (new file, old file) to be put in place after the databases closed.
        self.restoring: list[tuple[str, list[object]]] | None = None
        self.replaced: list[tuple[str, str]] = []
        self.restart: Callable[[str], None] = lambda reason: None
        self.trouble, self.stale_snapshot = "", False  # stale: the copy on flash still holds rows that were erased
        self.set_right = SetRight(state, records, clock, recorder.part)

    def unseen(self, device: Device) -> dict[str, object]:
        """See Sight.trouble."""
        return self.sight.trouble(device) if self.sight else {}

    def begin(self) -> None:
        """Open the gate from the ledger, after this start is committed; on a storage failure nothing is on."""
        try:
            self.reports.budget.note_restored(self.anchor.restored(self.state.ledger.hashes()))
            again = self.forgotten.again(self.clock.wall(), self.people.removed)
            strays = 0 if self.toggles.booted else self.toggles.start(self.clock.boot)
            self.reports.begin()
            self.stale_snapshot = self.stale_snapshot or strays > 0 or again > 0
            self.new_policy()
            self.trouble = ""
        except StorageError as error:
            self.trouble = str(error)

    # keeping in step

    def refresh(self) -> None:
        """Make clients and kernel agree with the gate. Called at each toggle and change of a device."""
        self.drain()
        entries = []
        wanted: dict[bytes, DeviceView] = {}
        for device in self._open_devices():
            client = self._client(device)
            entries.append((client, device.mac, device.address))
            if device.mac is not None:
                wanted[device.mac] = client
        self.clients.replace(entries)
        self.kernel(wanted)

    def _open_devices(self) -> list[Device]:
        by_slot = {device.slot: device for device in self.state.devices()}
        return [by_slot[device.slot] for device in self.gate.devices() if device.slot in by_slot]

    def _client(self, device: Device) -> DeviceView:
        on = self.gate.features(device.slot)
        protected, limited = PROTECTION in on, LIMITS in on and self.content.wanted(device)
        view = self.content.view(self.policy, device, protected, limited) if protected or limited else None
        held = self.holding is not None and device.mac in self.holding.held
        return DeviceView(device.slot, self.gate.generation(device.slot), view, device.id, held)

    def view_of(self, device: Device | None) -> View:
        """As if all that may be on were: what would be decided. None: nobody's in particular."""
        if device is None:
            return self.content.household_view()
        return self.content.view(self.policy, device, True, True)

    def categories_used(self) -> set[str]:
        """The categories of devices for which limits are on."""
        return self.content.categories([device for device, _ in self.pairs_on(LIMITS)])

    def flush(self) -> None:
        """Everything observed until now is written."""
        self.hand_over()
        self.recorder.flush()
        try:
            self.set_right.check()
        except StorageError as error:
            self.recorder.trouble = str(error)

    def new_policy(self) -> None:
        """Put together the policy from the rule set and the household's rules in force, and use it from here on."""
        now = self.clock.now()
        rules = [rule for rule in self.state.rules() if not rule.over(*now)]
        self.content.read()
        ways = [self.settings.flag(name) for name in WAYS_AROUND]
        guessing = self.settings.text(LOOKALIKE)
        self.policy = Policy(
            self.lists.ruleset,
            rules,
            self.lists.helplines,
            refusals(*ways),
            self.lists.guesser() if guessing != "off" else None,
            guessing == "refuse",
            self.lists.needed,
            self.content.services,
        )
        self.swap(self.policy)
        self.refresh()

    def warn(self, device_id: int, name: bytes) -> None:
        """Tell who watches that a device asked for what looks like another name. Told once, kept nowhere."""
        if self.settings.text(LOOKALIKE) != "warn":
            return
        guess = self.policy.warning(name)
        device = self.state.device(device_id) if guess else None
        # An adult's contacts are the adult's own.
        if guess and device and self.is_on(device, PROTECTION) and self.group_of(device) != ADULT:
            event = {"event": "lookalike", "device_id": device_id, "name": name.decode(), "like": guess.like}
            self.publish({**event, "why": guess.text})

    def rule_over(self) -> bool:
        """Whether a rule with an end came to it since the policy was made."""
        now = self.clock.now()
        return any(rule.over(*now) for rule in self.state.rules())

    # finding

    def devices_of(self, request: dict[str, object]) -> list[Device]:
        """The devices that a request names by "device_id", "person_id" or "all"; BadInput when there are none."""
        if request.get("all") is True:
            return self.state.devices()
        person_id = request.get("person_id")
        if isinstance(person_id, int):
            self.state.person(person_id)
            found = [device for device in self.state.devices() if device.person_id == person_id]
            if not found:
                raise BadInput("that person has no device yet: add one, or give one of the devices this person")
            return found
        device_id = request.get("device_id", request.get("id"))
        if not isinstance(device_id, int):
            raise BadInput("say which: device_id or person_id (numbers)")
        return [self.state.device(device_id)]

    def person_of(self, device: Device) -> Person | None:
        if device.person_id is None or device.shared:
            return None
        return self.state.person(device.person_id)

    def is_on(self, device: Device, feature: str) -> bool:
        """On is what records: the ledger says so and the gate is open."""
        if self.state.ledger.register.state(device.enrolment, feature) != ON:
            return False
        return feature in self.gate.features(device.slot)

    def pairs_on(self, feature: str) -> Pairs:
        return [(device, feature) for device in self.state.devices() if self.is_on(device, feature)]

    def person_named(self, request: dict[str, object]) -> Person:
        person_id = request.get("id", request.get("person_id"))
        if not isinstance(person_id, int):
            raise BadInput("say which person: id (a number)")
        return self.state.person(person_id)

    def device_of_visit(self, visit_id: int) -> Device:
        device_id = self.records.device_of_visit(visit_id)
        if device_id is None:
            raise NotFound("no visit " + str(visit_id))
        return self.state.device(device_id)

    def group_of(self, device: Device) -> str | None:
        return self.subjects.group_of(device)

    def days(self, feature: str) -> int:
        """For how long the household keeps what the feature records."""
        return self.subjects.days(feature)

    def why_suspended(self, state: str, since: LedgerRow | None) -> str | None:
        """Why something that was wanted does not run: "agreement", "restore", "notice", "person", "terms", "pause", or
        None."""
        if state == WAITING:
            return "agreement"
        if state != SUSPENDED or since is None:
            return None
        return since.actor if since.actor in ("restore", "notice") else people.told(since.detail).get("why", "pause")

    def noted(self) -> None:
        """The ledger grew outside a toggle: note its head."""
        self.anchor.save(self.state.ledger.head)
        if self.state.ledger.head is not None:
            self.publish({"event": "ledger", "seq": self.state.ledger.head.seq})

    def address_of(self, device: Device) -> str | None:
        """Where the device is now, for display."""
        if device.mac is None or self.neighbours is None:
            return device.address
        return self.neighbours.address_of(device.mac)

    # settings and the web job's values, kept in state.db

    def change_setting(self, key: str, value: object, actor: str = "cli") -> None:
        """From the household, and before the settings file from here on; in force when it returns."""
        self.state.put_meta("setting " + key, json.dumps(value))
        self.put_in_force({key: value}, actor)

    def put_in_force(self, changed: dict[str, object], actor: str) -> None:
        """Settings that changed, whoever changed them: each one's part reacts, then agreements are looked at."""
        self.settings.values.update(changed)
        for part in sorted({known(key).reacts for key in changed}):
            for react in self._reactions.get(part, []):
                react()
        self.reviewed(actor)

    def also(self, part: str, react: Callable[[], None]) -> None:
        """What else is to be done when a setting of that part changes."""
        self._reactions.setdefault(part, []).append(react)

    def _copies(self) -> None:
        """What may lie on flash."""
        self.snapshots.wanted = self.settings.flag("keep_history")
        if not self.snapshots.wanted:
            self.snapshots.drop()
        if not self.kept_lists.wanted:
            self.kept_lists.drop()

    def web_value(self, key: str) -> object:
        value = self.state.web(key)
        return None if value is None else json.loads(value)

    def put_web_value(self, key: str, value: object, bytes_max: int, keys_max: int) -> None:
        """BadInput when the value is too long or there are too many."""
        text = json.dumps(value)
        if len(text) > bytes_max:
            raise BadInput("a value is at most " + str(bytes_max) + " bytes")
        if self.state.web(key) is None and self.state.web_count() >= keys_max:
            raise BadInput("there are " + str(keys_max) + " values already")
        self.state.put_web(key, text)

    def list_state(self, row: dict[str, object]) -> str:
        """Of one list in use: "ready", or "stale" when its text was confirmed too long ago to protect from what is new.

        A list that the feeds job looks after counts from its last good check, another one from its file's date.
        """
        if not self.clock.is_set:
            return "ready"
        outcome = self.feeds.outcomes.get(str(row["id"]), {})
        # What was checked last may be newer than what a copy on flash brought back.
        same = outcome.get("version") in (row["version"], None) or not row["version"]
        checked = outcome.get("checked") if same and not outcome.get("failures") else None
        seen = [at for at in (row.get("fetched"), checked) if isinstance(at, int)]
        at = max(seen) if seen else self.lists.loaded_at
        return "stale" if self.clock.wall() - at > LISTS_STALE_S else "ready"

    def lists_state(self) -> str:
        """ "none": nothing but test names, or nothing; "stale": no list is current; "ready"."""
        ruleset = self.lists.ruleset
        if ruleset is None or not protecting(ruleset):
            return "none"
        rows = [row for row in ruleset.lists if row["count"] and not is_starter(row["id"])]
        return "ready" if "ready" in [self.list_state(row) for row in rows] else "stale"

    # people

    def reviewed(self, actor: str) -> None:
        """After any change of people, devices, sharing, or of what is stored and for how long."""
        changed = self.toggles.review(actor)
        self.noted()
        for device, feature in changed:
            self.announce(device, feature)

    def announce(self, device: Device, feature: str) -> None:
        """Tell every subscriber the acknowledged state."""
        since = self.state.ledger.register.since(device.enrolment, feature)
        event: dict[str, object] = {"event": "feature", "device_id": device.id, "feature": feature}
        self.publish({**event, "on": self.is_on(device, feature), "since": self.set_right.at(since) if since else None})

    def birthdays(self) -> None:
        self.people.birthdays()
