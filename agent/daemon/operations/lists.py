"""The block lists: which are in use, updates, those that wait for a decision, and the previous ones."""

from agent.control.messages import Reply, Request, Row
from agent.core.content import CATEGORY_IDS, PROTECTING_IDS
from agent.core.feed_schedule import Feed
from agent.core.model import PROTECTION, BadInput, Sentence, heard, said_by, spoken
from agent.daemon.household import Household
from agent.daemon.lists import rule_sets
from agent.daemon.lists.feed_state import is_starter
from agent.daemon.lists.outcomes import MESSAGE_MAX
from agent.daemon.lists.own import ADDRESS_MAX, is_own
from agent.daemon.operations.arguments import OperationRejected, choice, flag, optional_number, optional_text, text

STEPS = ("fetch", "compile", "check", "swap")


def lists(household: Household, request: Request) -> Reply:
    """What is in use, and what could be."""
    ruleset = household.lists.ruleset
    rows = [] if ruleset is None else ruleset.lists
    feeds = household.feeds
    return {
        "items": [_used(household, row) for row in rows],
        "categories": _by_category(rows),
        "state": household.freshness.of_all(),
        "file": feeds.file,
        "feeds": [feed_row(household, feed) for feed in feeds.table],
        "previous": feeds.previous(),
        "pinned": feeds.pinned,
        "kept": _kept(household),
        "auto": household.settings.flag("lists_auto"),
        "next_at": feeds.next_at or None,
        **spoken("trouble", _trouble(household)),
    }


def _used(household: Household, row: Row) -> Row:
    outcome = household.feeds.outcomes.get(str(row["id"]), {})
    return {
        "id": row["id"],
        "name": row["name"],
        "category": row["category"],
        "rules": row["count"],
        "version": row["version"],
        "loaded_at": household.lists.loaded_at,
        "checked_at": outcome.get("checked"),
        "state": "test" if is_starter(row["id"]) else household.freshness.of(row),
        **said_of(outcome),
        "skipped": outcome.get("skipped", {}),
    }


def _trouble(household: Household) -> str | Sentence:
    names = [feed.name for feed in household.feeds.left_out()]
    left = (
        Sentence("too much for this router's memory, so not chosen by default: {}", ", ".join(names)) if names else ""
    )
    loaded = household.lists
    said = [text for text in (loaded.refusal, loaded.no_suffixes, household.feeds.trouble, left) if text]
    return Sentence("; ".join(["{}"] * len(said)), *said) if len(said) > 1 else said[0] if said else ""


def _kept(household: Household) -> Row:
    """The copy on flash: whether it is of what is in use, whether that came from it, and why there is none."""
    kept = household.kept_lists
    state = "none" if not kept.versions else "current" if kept.versions == household.feeds.loaded else "older"
    return {"state": state, "in_use": kept.came_back and state == "current", **spoken("trouble", kept.trouble)}


def _by_category(rows: list[Row]) -> dict[str, int]:
    """Rules of each category."""
    found: dict[str, int] = {}
    for row in rows:
        category, count = str(row["category"]), row["count"]
        found[category] = found.get(category, 0) + (count if isinstance(count, int) else 0)
    return dict(sorted(found.items()))


def said_of(outcome: Row) -> Row:
    """What became of it, as the job said it."""
    said: Row = {name: outcome[name] for name in ("message", "message_sentence") if name in outcome}
    return {"message": "", **said}


def feed_row(household: Household, feed: Feed) -> Row:
    feeds = household.feeds
    outcome = feeds.outcomes.get(feed.id, {})
    return {
        "id": feed.id,
        "name": feed.name,
        "category": feed.category,
        "for": feed.purpose,
        "licence": feed.licence,
        "home": feed.home,
        "address": feed.address,
        "default": feed.default,
        "own": is_own(feed.id),
        "chosen": feed in feeds.chosen(),
        "checked_at": outcome.get("checked"),
        "next_at": outcome.get("next_at") or None,
        "failures": outcome.get("failures", 0),
        **said_of(outcome),
        "held": outcome.get("held"),
    }


def reload(household: Household, request: Request) -> Reply:
    """Take the compiled file into use, between two packets; a refused one leaves what is in use."""
    household.load_lists()
    household.feeds.note_used()
    household.edges.publish({"event": "lists"})
    if household.lists.refusal:
        raise OperationRejected("conflict", household.lists.refusal)
    return lists(household, request)


def update(household: Household, request: Request) -> Reply:
    """Fetch the chosen lists now. Lists are fetched for features in use only."""
    feeds = household.feeds
    if feeds.trouble:
        raise OperationRejected("conflict", feeds.trouble)
    if not (household.toggles.pairs_on(PROTECTION) or household.categories_used()):
        raise OperationRejected("conflict", "protection is on for no device: lists are fetched while it is in use only")
    if not feeds.chosen():
        raise OperationRejected("conflict", "no list is chosen: privacy-agent lists add")
    if not household.clock.is_set:
        raise OperationRejected(
            "conflict", "the clock is not set yet, so no certificate can be checked: try again in a minute"
        )
    return _begin(household, True)


def _begin(household: Household, fetching: bool) -> Row:
    feeds = household.feeds
    running = feeds.progress.running
    started = feeds.begin(True, fetching)
    if not started and not running:
        raise OperationRejected("storage", "the update could not be started: check the free space of lists_dir")
    if started:
        # The household wants what is new: the earlier set, where it went back to one, has done its service.
        feeds.pin = None
        household.edges.publish({"event": "lists"})
    return {"started": started}


def progress(household: Household, request: Request) -> Reply:
    feeds = household.feeds
    return {**feeds.progress.row(), **spoken("message", feeds.message), "finished_at": feeds.finished_at}


def rollback(household: Household, request: Request) -> Reply:
    """The set before comes back, and stays until the household updates: no timer brings the other one again."""
    feeds = household.feeds
    if feeds.progress.running:
        raise OperationRejected("busy", "an update is under way: try again when it is done")
    try:
        rule_sets.roll_back(feeds.file, household.edges.step)
    except (BadInput, OSError) as error:
        raise OperationRejected("conflict", said_by(error)) from error
    # What it went back from must not come back from flash; the copy of what is in use now is made anew.
    household.kept_lists.drop()
    now = reload(household, request)
    feeds.pin = feeds.loaded
    feeds.keep()
    return {**now, "pinned": feeds.pinned}


def held(household: Household, request: Request) -> Reply:
    """Updates that wait for the household's decision."""
    rows = [feed_row(household, feed) for feed in household.feeds.table]
    return {
        "items": [{"id": row["id"], "name": row["name"], **_held(row)} for row in rows if row["held"]],
        "next": None,
    }


def _held(row: Row) -> Row:
    found = row["held"]
    return found if isinstance(found, dict) else {}


def decide(household: Household, request: Request) -> Reply:
    """Take a held update into use, or refuse this version of it for good."""
    feeds = household.feeds
    feed = feeds.feed(text(request, "id"))
    accept = choice(request, "decision", ("accept", "reject")) == "accept"
    waiting = feeds.outcomes.get(feed.id, {}).get("held")
    if not isinstance(waiting, dict):
        raise OperationRejected("conflict", Sentence("no update of {} waits for a decision", feed.name))
    if feeds.progress.running:
        raise OperationRejected("busy", "an update is under way: try again when it is done")
    feeds.decisions[feed.id] = {"version": waiting["version"], "accept": accept}
    feeds.keep()
    return _begin(household, False)


def choose(household: Household, request: Request) -> Reply:
    """Have a feed fetched, or not any more; what changes comes into use with the next update."""
    feeds = household.feeds
    feed = feeds.feed(text(request, "id"))
    feeds.choices[feed.id] = flag(request, "on")
    feeds.soon()
    household.edges.publish({"event": "lists"})
    return feed_row(household, feed)


def add(household: Household, request: Request) -> Reply:
    """A list of the household's own, by its address; fetched with the next update, which is soon."""
    feeds = household.feeds
    feed = feeds.own.add(
        text(request, "url", ADDRESS_MAX),
        optional_text(request, "name") or "",
        optional_text(request, "category") or "",
        optional_text(request, "syntax"),
        sorted({*CATEGORY_IDS, *PROTECTING_IDS, *[feed.category for feed in feeds.table]}),
    )
    feeds.soon()
    household.edges.publish({"event": "lists"})
    return feed_row(household, feed)


def remove(household: Household, request: Request) -> Reply:
    """A list of the household's own goes; what it blocks is allowed with the next update, which is soon."""
    feeds = household.feeds
    feed = feeds.feed(text(request, "id"))
    if not is_own(feed.id):
        raise OperationRejected(
            "conflict", Sentence("{} came with the agent: privacy-agent lists remove {}", feed.name, feed.id)
        )
    feeds.forget(feed.id)
    feeds.soon()
    household.edges.publish({"event": "lists"})
    return {}


def helplines(household: Household, request: Request) -> Reply:
    """The shipped names that are never recorded and never blocked, with what each is for."""
    notes = household.lists.notes
    return {
        "items": [{"name": name.decode(), "note": notes.get(name, "")} for name in sorted(household.lists.helplines)]
    }


# What the feeds job says and asks.


def feeds_plan(household: Household, request: Request) -> Reply:
    return household.feeds.plan(household.lists.ruleset)


def feeds_progress(household: Household, request: Request) -> Reply:
    now = household.feeds.progress
    step = choice(request, "step", STEPS)
    turned = (step, request.get("list_id")) != (now.step, now.list_id)
    now.step, now.done, now.total = step, optional_number(request, "done") or 0, optional_number(request, "total") or 0
    name = request.get("list_id")
    now.list_id = name if isinstance(name, str) else None
    known = [feed.name for feed in household.feeds.table if feed.id == now.list_id]
    now.name = known[0] if known else ""
    if turned:
        household.edges.publish({"event": "lists"})
    return {}


def feeds_room(household: Household, request: Request) -> Reply:
    """Memory is short: the set before goes, which is there only to go back to."""
    rule_sets.forget_previous(household.feeds.file)
    return {}


def feeds_outcome(household: Household, request: Request) -> Reply:
    rows = request.get("items")
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    household.feeds.take_outcome(
        rows, heard(request.get("message_sentence") or request.get("message"), MESSAGE_MAX), flag(request, "offered")
    )
    return {}


TABLE = {
    "lists": lists,
    "lists.reload": reload,
    "lists.update": update,
    "lists.progress": progress,
    "lists.rollback": rollback,
    "lists.waiting": held,
    "lists.decide": decide,
    "lists.choose": choose,
    "lists.add": add,
    "lists.remove": remove,
    "helplines": helplines,
    "feeds.plan": feeds_plan,
    "feeds.progress": feeds_progress,
    "feeds.room": feeds_room,
    "feeds.outcome": feeds_outcome,
}
