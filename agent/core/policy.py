"""Decides: what a protected device may reach, by which rule.

Precedence: the shipped helplines; the household's own rules (the device's before the person's before everybody's; in
one scope allow before block); ways around; then the lists that protect: exceptions and important rules, then the most
specific rule; then services and the lists of categories, which leave alone what devices need; last what strict search
refuses. A device sees the policy through a `View`; devices with equal views can share answers.
"""

from agent.core import known_resolvers, names
from agent.core.localnames import ENDS, is_local
from agent.core.lookalike import Guess
from agent.core.model import ALLOW, BLOCK, Rule, Value, Verdict
from agent.core.ruleset import EVERY_LIST
from agent.core.safesearch import OFF, unsafe_engine
from agent.core.services import Services
from agent.core.shapes import Guesses, Lines, Ruled

HOUSEHOLD = "household"
CONTENT = "content"  # the scope of what is refused for somebody's age or wish: recorded for nobody
SAFE_SEARCH = "safe search"  # in place of a list's name
LOOKALIKE = "lookalike"  # in place of a list's id
ALLOWED = Verdict(ALLOW)
ROUNDED_S = 2  # two clocks in whole seconds, each read twice


class OwnRule(Value):
    """A rule of the household. `owner` is a device or person id, 0 for all; `until` is wall seconds or None. One that
    was made for a time has the household's age then as `made`: it ends by age, whatever the wall clock does meanwhile.
    """

    __slots__ = ("id", "name", "action", "scope", "owner", "until", "created", "made")

    def __init__(
        self,
        id: int,
        name: bytes,
        action: str,
        scope: str,
        owner: int,
        until: int | None,
        created: int,
        made: int | None = None,
    ) -> None:
        self.id = id
        self.name = name
        self.action = action
        self.scope = scope
        self.owner = owner
        self.until = until
        self.created = created
        self.made = made

    def ends(self, now: int, age: int) -> int | None:
        """The wall time of its end, as seen now; None for one that stays."""
        if self.until is None or self.made is None:
            return self.until
        moved = (now - age) - (self.created - self.made)
        return self.until if abs(moved) <= ROUNDED_S else self.until + moved

    def over(self, now: int, age: int) -> bool:
        """Whether its time is up."""
        end = self.ends(now, age)
        return end is not None and end <= now


class View(Value):
    """What applies to a device: the `scopes` with rules for it, most particular first, and its `safesearch` modes.

    `protecting` is the mask of the lists that protect it, `filtering` that of its categories' lists (see `list_masks`),
    `services` the ids of the services that are blocked for it now. `safe`: some hosts have a safe form for it.
    """

    __slots__ = ("scopes", "search", "youtube", "protecting", "filtering", "services", "safe")

    def __init__(
        self,
        scopes: tuple[tuple[str, int], ...],
        search: str = OFF,
        youtube: str = OFF,
        protecting: int = EVERY_LIST,
        filtering: int = 0,
        services: tuple[str, ...] = (),
    ) -> None:
        self.scopes = scopes
        self.search = search
        self.youtube = youtube
        self.protecting = protecting
        self.filtering = filtering
        self.services = services
        self.safe = search != OFF or youtube != OFF


EVERYBODY = View(((HOUSEHOLD, 0),))


class Policy:
    """The household's rules over one compiled rule set (None while there is none), and the names never blocked.

    `rules` are those in force now; the caller makes a new Policy when one is added, removed or over.
    `never` is a set of names (bytes) that nothing refuses, subdomains included; `shipped` are refusals by name that
    come before the lists', see `known_resolvers.refusals`. `lookalike` guesses (see `lookalike.Lookalike`), None for no
    guesses; what it suspects is refused if `refuse_guesses` says so. `needed` are names (bytes) that no category and no
    service refuses, `services` the names of those that somebody chose (see `services.Services`). `judges_addresses`:
    some list has addresses.
    """

    def __init__(
        self,
        ruleset: Ruled | None,
        rules: list[OwnRule],
        never: Lines = (),
        shipped: dict[bytes, Verdict] | None = None,
        lookalike: Guesses | None = None,
        refuse_guesses: bool = False,
        needed: Lines = (),
        services: Services | None = None,
    ) -> None:
        self._needed = frozenset(needed)
        self._services = services or Services({})
        self._lookalike = lookalike
        self._refuse_guesses = refuse_guesses
        self._ruleset = ruleset
        self.judges_addresses = ruleset is not None and bool(ruleset.has_addresses)
        self._shipped: dict[bytes, Verdict] = shipped or {}
        self._never = set(never)
        self._scopes: dict[tuple[str, int], dict[bytes, OwnRule]] = {}
        for rule in sorted(rules, key=lambda rule: (rule.action == ALLOW, rule.id)):
            self._scopes.setdefault((rule.scope, rule.owner), {})[rule.name] = rule
        # All names that anything but a list has a word on, and the ends of those that no list has one on.
        named = self._never.union(self._shipped).union(ENDS)
        self._named = named.union([name for rules in self._scopes.values() for name in rules])

    def scopes(self, device_id: int, person_id: int | None) -> tuple[tuple[str, int], ...]:
        """Of that device, only those that have rules."""
        scopes = [("device", device_id), ("person", person_id or 0), (HOUSEHOLD, 0)]
        return tuple([scope for scope in scopes if scope in self._scopes])

    def view(self, device_id: int, person_id: int | None, search: str = OFF, youtube: str = OFF) -> View:
        """Of a device for which every list is there to protect."""
        return View(self.scopes(device_id, person_id), search, youtube)

    def decide(self, view: View, name: bytes, qtype: int = 0, found: list[bytes] | None = None) -> Verdict:
        """The verdict for a canonical name asked for with that record type (0: not by DNS).

        `found` are the name's suffixes, if somebody has them.
        """
        if found is None:
            found = names.suffixes(name)
        if len(found) > 1 and self._named.isdisjoint(found):
            # Nearly all names: only the lists and the services may know it.
            verdict = self._of_lists(view, name, qtype, found)
        else:
            verdict = self._ruled(view, name, qtype)
        if self._refuse_guesses and verdict.rule is None and view.protecting:
            guess = self.warning(name)
            if guess is not None:
                text = "looks like " + guess.what + ": " + guess.text
                return Verdict(BLOCK, Rule(text, BLOCK, LOOKALIKE, "look-alike guess", "", "look-alike"))
        if view.search != OFF and not verdict.blocked and _lists_word(verdict):
            engine = unsafe_engine(name, view.search)
            if engine is not None:
                return Verdict(BLOCK, Rule(engine.decode(), BLOCK, list_name=SAFE_SEARCH, scope=CONTENT))
        return verdict

    def warning(self, name: bytes) -> Guess | None:
        """The guess that the name imitates a well-known one; None without such a suspicion."""
        if self._lookalike is None or self.helpline(name):
            return None
        guess: Guess = self._lookalike.guess(name)
        return guess if guess.suspect else None

    def _ruled(self, view: View, name: bytes, qtype: int = 0) -> Verdict:
        # First of all: who needs a helpline reaches it, also where the household blocks a name above it.
        helpline = self._helpline(name)
        if helpline is not None:
            return Verdict(ALLOW, Rule(helpline.decode(), ALLOW, list_name="helplines", scope="shipped"))
        for scope in view.scopes:
            own = self._own(scope, name)
            if own is not None:
                return own
        return self._listed(view, name, qtype)

    def review(self, view: View, chain: list[bytes], addresses: list[bytes]) -> Verdict:
        """The verdict for an answer: refused when an alias in its CNAME chain is, or an address of it is listed.

        Not asked for a name that a rule allows: that rule allows where it leads, too.
        """
        for name in chain:
            # Not guessed over: nobody chose an alias for its looks. Nor does a category or a service ask where a name
            # leads: sites of all kinds lie on the same servers.
            verdict = self._ruled(view, name)
            if verdict.blocked and not _of_content(verdict):
                return verdict
        if self._ruleset is None or not self.judges_addresses:
            return ALLOWED
        return self._ruleset.decide_addresses(addresses, view.protecting) or ALLOWED

    def reach(
        self,
        view: View,
        host: bytes,
        destination: bytes | None,
        page: tuple[bytes, bytes] | None = None,
    ) -> Verdict:
        """The verdict for a connection to a host (a canonical name or an address' text) at an address.

        `page` is authority and target (see `Ruleset.find_page`) where these are in the clear. An address that is listed
        is refused unless a rule lets the name pass.
        """
        verdict = self.decide(view, host)
        if page is not None and self._ruleset is not None and _lists_word(verdict) and not is_local(host):
            verdict = self._ruleset.decide_page(page[0], page[1], view.protecting) or verdict
        if verdict.rule is None and destination is not None:
            verdict = self.review(view, [], [destination])
        return verdict

    def helpline(self, name: bytes) -> bool:
        """Whether the name belongs to the shipped list that is never recorded and never blocked."""
        return self._helpline(name) is not None

    def _helpline(self, name: bytes) -> bytes | None:
        """The shipped name that the name is, or is below."""
        for suffix in names.suffixes(name) if self._never else ():
            if suffix in self._never:
                return suffix
        return None

    def _own(self, scope: tuple[str, int], name: bytes) -> Verdict | None:
        rules = self._scopes.get(scope, {})
        found = [rules[suffix] for suffix in names.suffixes(name) if suffix in rules]
        for action in (ALLOW, BLOCK):
            for rule in found:
                if rule.action == action:
                    return Verdict(action, Rule(rule.name.decode(), action, scope=rule.scope))
        return None

    def _listed(self, view: View, name: bytes, qtype: int) -> Verdict:
        if self._shipped:
            for suffix in names.suffixes(name):
                if suffix in self._shipped:
                    return self._shipped[suffix]
        return ALLOWED if is_local(name) else self._of_lists(view, name, qtype, names.suffixes(name))

    def _of_lists(self, view: View, name: bytes, qtype: int, suffixes: list[bytes]) -> Verdict:
        verdict, content, ruleset = ALLOWED, None, self._ruleset
        # One look-up for all: most names are on no list.
        found = None if ruleset is None else ruleset.find(name, qtype, view.protecting | view.filtering, suffixes)
        if ruleset is not None and found is not None:
            if view.filtering >> found.list & 1:
                content = ruleset.rule(found)
                verdict = ruleset.decide(name, qtype, view.protecting) or ALLOWED
            else:
                verdict = ruleset.verdict(found)
        if verdict.blocked or not (content or view.services):
            return verdict
        return self._content(view, name, content) or verdict

    def _content(self, view: View, name: bytes, listed: Rule | None) -> Verdict | None:
        """What a service or a category refuses; `listed` is the rule of a category's list."""
        if [suffix for suffix in names.suffixes(name) if suffix in self._needed]:
            return None
        rule = self._services.rule(name, view.services) or listed
        if rule is None or rule.action == ALLOW:
            return None
        rule.scope = CONTENT
        return Verdict(BLOCK, rule)


def _of_content(verdict: Verdict) -> bool:
    return verdict.rule is not None and verdict.rule.scope == CONTENT


def recorded(verdict: Verdict) -> bool:
    """Whether a refusal is an attempt: not of what is refused for somebody's age, nor of a canary name that a program
    asks for.
    """
    rule = verdict.rule
    return rule is None or (rule.scope != CONTENT and known_resolvers.canary(rule) is None)


def _lists_word(verdict: Verdict) -> bool:
    """Whether a rule for a single page, or strict search, may still decide: the lists' verdict over a host, or none."""
    return verdict.rule is None or verdict.rule.scope == "list"
