"""The policy in force: put together from the rule set, the household's rules of now, and the settings that it heeds."""

from agent.core import trial_address
from agent.core.known_resolvers import refusals
from agent.core.model import ADULT, PROTECTION
from agent.core.policy import Policy
from agent.core.settings import Settings
from agent.daemon.clock import Clock
from agent.daemon.device_content import DeviceContent
from agent.daemon.edges import Edges
from agent.daemon.lists.loaded import LoadedLists
from agent.daemon.store.state import State
from agent.daemon.subjects import Subjects
from agent.daemon.toggles import Toggles

WAYS_AROUND = ("refuse_encrypted_dns", "canary_names")  # settings that the policy heeds, as is
LOOKALIKE = "lookalike"


class Policies:
    """`current` is the one in force."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        clock: Clock,
        lists: LoadedLists,
        content: DeviceContent,
        subjects: Subjects,
        toggles: Toggles,
        edges: Edges,
    ) -> None:
        self._settings = settings
        self._state = state
        self._clock = clock
        self._lists = lists
        self._content = content
        self._subjects = subjects
        self._toggles = toggles
        self._edges = edges
        self.current = Policy(None, [])

    def renew(self) -> None:
        """Put it together anew; it is in force when this returns."""
        self._content.read()
        self.current = self._with_rules(*self._clock.now())
        self._edges.swap(self.current)

    def coming(self, at: int) -> Policy:
        """As it will be at that wall time, if nobody changes a rule until then."""
        wall, age = self._clock.now()
        return self.current if at <= wall else self._with_rules(at, age + at - wall)

    def _with_rules(self, wall: int, age: int) -> Policy:
        guessing = self._settings.text(LOOKALIKE)
        return Policy(
            self._lists.ruleset,
            [rule for rule in self._state.rules() if not rule.over(wall, age)],
            self._lists.helplines,
            {**refusals(*[self._settings.flag(name) for name in WAYS_AROUND]), **trial_address.refusal()},
            self._lists.guesser() if guessing != "off" else None,
            guessing == "refuse",
            self._lists.needed,
            self._content.services,
        )

    def rule_over(self) -> bool:
        """Whether a rule with an end came to it since the policy was made, or a service's window began or ended."""
        now = self._clock.now()
        return self._content.moved or any(rule.over(*now) for rule in self._state.rules())

    def warn(self, device_id: int, name: bytes) -> None:
        """Tell who watches that a device asked for what looks like another name. Told once, kept nowhere."""
        if self._settings.text(LOOKALIKE) != "warn":
            return
        guess = self.current.warning(name)
        device = self._state.device(device_id) if guess else None
        # An adult's contacts are the adult's own.
        if guess and device and self._toggles.is_on(device, PROTECTION) and self._subjects.group_of(device) != ADULT:
            event = {"event": "lookalike", "device_id": device_id, "name": name.decode(), "like": guess.like}
            self._edges.publish({**event, "why": guess.text})
