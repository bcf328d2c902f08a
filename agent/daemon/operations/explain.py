"""Why a verdict is what it is, then and now, and the text about a wrong block."""

import os
import time
from collections.abc import Generator

from agent import __version__
from agent.control.messages import Request, Row
from agent.core import addresses, names
from agent.core.known_resolvers import SHIPPED
from agent.core.match import BY_PAGES, split_authority
from agent.core.model import ALLOW, LIMITS, PROTECTION, BadInput, Device, NotFound, Rule, Sentence, Verdict
from agent.core.policy import CONTENT, LOOKALIKE, SAFE_SEARCH, OwnRule, Policy, View
from agent.core.safesearch import YOUTUBE_MODES, SafeHost, safe_host
from agent.core.services import SERVICE
from agent.core.shared_hosts import NOT_SHARED
from agent.core.sites import site
from agent.core.sniffed_request import split_url
from agent.daemon.household import Household
from agent.daemon.lists.listed_pages import listed_page
from agent.daemon.operations import scope
from agent.daemon.operations.arguments import OperationRejected, flag, number, optional_number, optional_text, text
from agent.daemon.operations.blocked import attempt_row
from agent.daemon.operations.moment import internet_then, moment
from agent.daemon.policies import WAYS_AROUND
from agent.daemon.store import recorded

NAME_MAX = 600  # a URL as attempts keep it, or a name
NOTE_MAX = 500

Told = Generator[None, None, Row]


def explain(household: Household, request: Request) -> Told:
    """The real decision for a name now, or `at` a time to come; for a past attempt also the rule as it was then."""
    then: Row | None = None
    device: Device | None = None
    if request.get("attempt_id") is not None:
        then, device = _stored(household, request)
        name = str(then["target"])
    else:
        name = text(request, "name", NAME_MAX)
        device = _asked_for(household, request)
    at = moment(household, request)
    policy = household.policies.coming(at)
    view = household.view_of(device, policy, at)
    asked, verdict = _judged(policy, view, name, then)
    led = _where_it_led(policy, view, asked, then) if verdict.rule is None else None
    verdict = led or verdict
    listed = yield from _page(household, asked, verdict)
    limited = device is not None and household.toggles.is_on(device, LIMITS)
    safe = safe_host(asked, view.search, view.youtube) if limited and not verdict.blocked else None
    internet, off = (None, "") if device is None else internet_then(household, device, asked, at)
    return {
        "name": name if split_url(name) else asked.decode(),
        "verdict": verdict.action,
        "rule": verdict_rule(verdict),
        "since": _since(household, view, verdict),
        "then": then,
        "safe": _told_safe(safe),
        "applies": device is None or household.toggles.is_on(device, _feature_of(verdict)),
        "at": at,
        "internet": internet,
        "how": _how(household, asked.decode(), verdict, device, led is not None, listed)
        + _over_http(policy, view, name, verdict)
        + _opens_safe(household, safe, device)
        + (_for_others(household, asked, at) if device is None else "")
        + off,
    }


def _asked_for(household: Household, request: Request) -> Device | None:
    """The device that is named; for a person, any of theirs, also where they have none."""
    device_id, person_id = optional_number(request, "device_id"), optional_number(request, "person_id")
    if device_id is not None:
        return household.state.device(device_id)
    if person_id is None:
        return None
    person = household.state.person(person_id)
    own = [one for one in household.state.devices() if one.person_id == person.id and not one.shared]
    return own[0] if own else Device(0, "", person.name, person_id=person.id)


def _over_http(policy: Policy, view: View, target: str, verdict: Verdict) -> str:
    """Of an https page whose host is allowed: whether the lists know the page, which only plain HTTP shows."""
    url = split_url("http://" + target.partition("://")[2]) if target.startswith("https://") else None
    if url is None or verdict.rule is not None:
        return ""
    host = split_authority(url[0])[0]
    page = policy.reach(view, host, _address(host), url)
    return " Over plain HTTP this page is blocked; over HTTPS only the site's name can be seen." if page.blocked else ""


def _told_safe(safe: SafeHost | None) -> Row | None:
    """Who offers the safe form that the name is answered with, and where that is."""
    if safe is None:
        return None
    return {"operator": safe.operator, "target": safe.target.decode() or addresses.show(safe.address)}


def _opens_safe(household: Household, safe: SafeHost | None, device: Device | None) -> str:
    told = _told_safe(safe)
    if told is None or device is None:
        return ""
    person = None if device.shared else device.person_id
    whom = device.label if person is None else household.state.person(person).name
    what = "youtube" if safe in YOUTUBE_MODES.values() else "search"
    opens = f" It opens in the safe form that {told['operator']} offers ({told['target']}), as chosen for {whom}."
    quoted = f'"{whom}"' if " " in whom else whom
    return f"{opens} To change that: privacy-agent content {quoted} {what} off"


def _for_others(household: Household, host: bytes, at: int) -> str:
    """The rules for one device or person that cover the name then: nobody else meets them."""
    wall, age = household.clock.now()
    over_it = names.suffixes(host)
    told = []
    for rule in household.state.rules():
        if rule.scope != "household" and rule.name in over_it and not rule.over(at, age + at - wall):
            whom = (
                household.state.device(rule.owner).label
                if rule.scope == "device"
                else household.state.person(rule.owner).name
            )
            effect = "allowed" if rule.action == ALLOW else "blocked"
            told.append(f" For {whom} it is {effect} by rule {rule.id} ({rule.name.decode()}).")
    return "".join(told)


def _own_rule(household: Household, rule: Rule, view: View) -> OwnRule | None:
    """The household's rule that a verdict names."""
    found = [own for own in household.state.rules() if (own.name.decode(), own.action, own.scope) == _key(rule)]
    return next((own for own in found if (own.scope, own.owner) in view.scopes), None)


def _judged(policy: Policy, view: View, target: str, then: Row | None) -> tuple[bytes, Verdict]:
    """The host that a name, an address or a URL means, and the policy's verdict over it."""
    url = split_url(target)
    host = split_authority(url[0])[0] if url else site(target)
    verdict = policy.reach(view, host, _address(host), url)
    rule = then["rule"] if then else None
    if url and isinstance(rule, dict) and (verdict.rule is None or verdict.rule.text != rule["text"]):
        # What is kept of a URL ends at its question mark; the rule that refused it may go on.
        whole = split_url("http://" + str(rule["text"]))
        again = policy.reach(view, host, _address(host), whole) if whole and whole[1] else verdict
        verdict = again if again.blocked or not verdict.blocked else verdict
    return host, verdict


def _where_it_led(policy: Policy, view: View, host: bytes, then: Row | None) -> Verdict | None:
    """Today's refusal of the alias or the address that an answer led to, if that is what the stored rule was about."""
    rule = then["rule"] if then else None
    if not isinstance(rule, dict):
        return None
    text = str(rule["text"])
    key = text.lstrip("=*.")
    address = _address(key.replace("-", "/").split("/")[0].encode())
    if address is not None:
        found = policy.review(view, [], [address])
    elif ("." + host.decode()).endswith("." + key):
        return None
    else:
        try:
            alias = names.parse(key)
        except BadInput:
            return None
        # A rule about what lies below a name says nothing of the name itself.
        found = policy.review(view, [b"any." + alias if text.startswith("*.") else alias], [])
    return found if found.blocked else None


def _by_hand(action: str, name: str) -> str:
    """The command that changes it."""
    return f" To {action} it: privacy-agent {action} {name}"


def _address(host: bytes) -> bytes | None:
    try:
        return addresses.parse(host.decode())
    except BadInput:
        return None


def _stored(household: Household, request: Request) -> tuple[Row, Device]:
    attempt_id = number(request, "attempt_id")
    household.flush()
    row = recorded.attempt(household.records, attempt_id)
    if row is None:
        raise NotFound(Sentence("no attempt {}", attempt_id))
    device = household.state.device(row.device)
    readable = scope.readable(household, {**request, "device_id": device.id}, "attempts")
    if not recorded.count(household.records, readable.row(attempt_id)):
        raise OperationRejected(
            "forbidden", "an adult's blocked attempts are shown to that adult only, on their own device"
        )
    return attempt_row(row), device


def verdict_rule(verdict: Verdict) -> Row | None:
    rule = verdict.rule
    if rule is None:
        return None
    keys = ("text", "action", "scope", "list_id", "list_name", "list_version", "category")
    return {key: getattr(rule, key) for key in keys}


def _since(household: Household, view: View, verdict: Verdict) -> int | None:
    """When the household made the rule, or when the list's version was fetched, or compiled where nobody fetched it."""
    rule = verdict.rule
    if rule is None or rule.scope == SHIPPED or (rule.scope == CONTENT and not rule.list_id):
        return None
    if rule.list_id:
        lists = household.lists.ruleset.lists if household.lists.ruleset else []
        found = [row["fetched"] or household.lists.loaded_at for row in lists if row["id"] == rule.list_id]
    else:
        own = _own_rule(household, rule, view)
        found = [own.created] if own else []
    return found[0] if found else None


def _key(rule: Rule) -> tuple[str, str, str]:
    return rule.text, rule.action, rule.scope


def _page(household: Household, host: bytes, verdict: Verdict) -> Generator[None, None, str | None]:
    """For a host refused for its pages one of them, as the list now has it; lists compiled by hand have none."""
    rule = verdict.rule
    if rule is None or not rule.text.endswith(BY_PAGES):
        return None
    path = os.path.join(household.settings.text("lists_dir"), rule.list_id + ".gz")
    return (yield from listed_page(path, host))


def _how(
    household: Household, name: str, verdict: Verdict, device: Device | None, led: bool, listed: str | None
) -> str:
    off = device is not None and not household.toggles.is_on(device, _feature_of(verdict))
    what = "Protection is" if _feature_of(verdict) == PROTECTION else "Limits are"
    them = "it" if what == "Protection is" else "them"
    prefix = f"{what} off for this device, so nothing is blocked. With {them} on: " if off else ""
    rule = verdict.rule
    view = household.view_of(device)
    if verdict.blocked and rule is not None:
        source = f"the list {rule.list_name!r} has {rule.text}" if rule.list_id else f"your own rule blocks {rule.text}"
        if rule.text.endswith(BY_PAGES):
            source = f"the list {rule.list_name!r} has {listed or 'pages of it'}, and {name} is {NOT_SHARED}"
        if rule.list_id == LOOKALIKE:
            source = f"it {rule.text}. This is a guess (setting lookalike)"
        if rule.scope == CONTENT:
            source = _content_source(rule)
        if rule.list_name == SAFE_SEARCH:
            source = f"{rule.text} is a search engine without a safe form, and search is strict"
        if rule.scope == SHIPPED:
            source = f"{rule.text} leads round the router's DNS ({rule.list_name}; settings: {', '.join(WAYS_AROUND)})"
        when = " where its answer leads there as it did then," if led else ""
        own = None if rule.list_id or rule.scope in (SHIPPED, CONTENT) else _own_rule(household, rule, view)
        advice = f" To allow it: privacy-agent rule remove {own.id}" if own else _by_hand("allow", name)
        return f"{prefix}{name} is blocked{when} because {source}.{advice}"
    if rule is not None and rule.scope == SHIPPED:
        return f"{prefix}{name} belongs to a helpline: it is never blocked and never recorded."
    if rule is not None:
        source = "your own rule allows" if not rule.list_id else f"the list {rule.list_name!r} makes an exception for"
        own = None if rule.list_id else _own_rule(household, rule, view)
        advice = f" To end that: privacy-agent rule remove {own.id}" if own else ""
        return f"{prefix}{name} is allowed because {source} {rule.text}.{advice}"
    guess = household.policy.warning(name.encode())
    if guess:
        told = f"{name} is allowed, with a warning: it looks like {guess.what} ({guess.text}). This is a guess."
        return f"{prefix}{told}{_by_hand('block', name)}"
    return f"{prefix}{name} is allowed: no list or rule mentions it.{_by_hand('block', name)}"


def _feature_of(verdict: Verdict) -> str:
    """The feature that has to be on for the verdict to be carried out."""
    return LIMITS if verdict.rule is not None and verdict.rule.scope == CONTENT else PROTECTION


def _content_source(rule: Rule) -> str:
    if rule.category == SERVICE:
        return f"it belongs to {rule.list_name} ({rule.text}), which is blocked"
    version = f", version {rule.list_version}," if rule.list_version else ""
    return f"the category {rule.category} is blocked and its list {rule.list_name!r}{version} has {rule.text}"


def report(household: Household, request: Request) -> Told:
    """A text about a wrong block that the household can send to the list's makers itself; nothing is sent.

    It holds the name, the rule and the list; a day, a note and this program's version only where the household wants
    them (`with_day`, `note`, `with_version`), and never a device, a person or an address of this network.
    """
    told = yield from explain(household, request)
    then = told["then"]
    rule = then["rule"] if isinstance(then, dict) else told["rule"]
    if not isinstance(rule, dict) or not rule.get("list_id"):
        raise OperationRejected("conflict", "no list blocked that: there is no one to report it to")
    feed = [of for of in household.feeds.table if of.id == rule["list_id"]]
    target = str(then["target"]) if isinstance(then, dict) else str(told["name"])
    lines = [
        "Wrong block",
        "",
        "Name or address: " + target,
        "Rule: " + str(rule["text"]),
        f"List: {rule['list_name']} ({rule['list_id']}), version {rule['list_version'] or 'unknown'}",
    ]
    lines += ["Category: " + str(rule["category"])] if rule["category"] else []
    lines += ["List's home: " + of.home for of in feed]
    if flag(request, "with_day") and isinstance(then, dict):
        lines.append("Blocked on: " + time.strftime("%Y-%m-%d", time.gmtime(int(then["at"]))))
    if flag(request, "with_version"):
        lines.append("Read by: privacy-agent " + __version__)
    note = optional_text(request, "note", NOTE_MAX)
    lines += ["", note] if note else []
    return {"text": "\n".join(lines) + "\n", "to": feed[0].home if feed else None}


TABLE = {
    "block.report": report,
    "explain": explain,
}
