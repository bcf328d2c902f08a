"""What a person or a device may not reach: categories, services, safe search, and which lists apply to whom."""

from agent.control.messages import Reply, Request, Row
from agent.core.content import CATEGORIES, Content, changed, reply
from agent.core.feed_schedule import Feed
from agent.core.model import NotFound, Sentence, spoken
from agent.daemon.household import Household
from agent.daemon.operations.arguments import OperationRejected, actor, optional_number
from agent.daemon.operations.internet import rule_changed
from agent.daemon.store.owners import DEVICE, HOUSEHOLD, PERSON, Owner


def owner_of(household: Household, request: Request) -> Owner:
    """The person or device that is named, else the household."""
    person_id, device_id = optional_number(request, "person_id"), optional_number(request, "device_id")
    if person_id is not None:
        return (PERSON, household.state.person(person_id).id)
    if device_id is not None:
        return (DEVICE, household.state.device(device_id).id)
    return (HOUSEHOLD, 0)


def content_get(household: Household, request: Request) -> Reply:
    return reply(household.state.content.of(owner_of(household, request)))


def content_set(household: Household, request: Request) -> Reply:
    """The fields that are given take the place of what was; a version that is not today's is refused."""
    owner = owner_of(household, request)
    before = household.state.content.of(owner)
    seen = optional_number(request, "version")
    if seen is not None and seen != before.version:
        raise OperationRejected("conflict", "somebody else changed this meanwhile: look again", reply(before))
    new = changed(before, request)
    _known(household, owner, before, new)
    used = household.categories_used()
    household.state.put_content(owner, new)
    if owner[0] != HOUSEHOLD:
        rule_changed(household, owner, "content", actor(request))
    household.new_policy()
    if household.categories_used() != used:
        household.feeds.soon()
    household.edges.publish({"event": "lists"})
    return reply(new)


def _known(household: Household, owner: Owner, before: Content, new: Content) -> None:
    """Refuse lists and services that there are none of, and what is a person's or a device's alone."""
    for id in new.lists:
        household.feeds.feed(id)
    known = [one.id for one in household.content.table()] if new.services else []
    for id in new.services:
        if id not in known and id not in before.services:
            raise NotFound(Sentence("no service {}; there are {}", id, ", ".join(known) or household.content.trouble))
    if owner[0] == HOUSEHOLD and reply(Content()) != {**reply(new), "lists": {}, "version": Content().version}:
        raise OperationRejected(
            "invalid", "for the whole household only lists can be chosen: name a person or a device"
        )


def categories(household: Household, request: Request) -> Reply:
    """Each category, with the list that fills it here."""
    return {"items": [_row(household, *row) for row in CATEGORIES]}


def _row(household: Household, id: str, title: str, proposed: tuple[str, ...]) -> Row:
    feeds = [feed for feed in household.feeds.table if feed.category == id]
    feed = next((feed for feed in feeds if feed in household.feeds.chosen()), feeds[0] if feeds else None)
    return {"id": id, "title": title, "proposed": list(proposed), **_list(household, feed)}


def _list(household: Household, feed: Feed | None) -> Row:
    ruleset = household.lists.ruleset
    loaded = [row for row in (ruleset.lists if ruleset else []) if feed and row["id"] == feed.id]
    return {
        "list": feed.id if feed else "",
        "licence": feed.licence if feed else "",
        "count": loaded[0]["count"] if loaded else feed.rules if feed else 0,
        "updated": loaded[0]["fetched"] if loaded else None,
    }


def services(household: Household, request: Request) -> Reply:
    """What can be chosen by its id; none where the table was not made with the package, which `trouble` says."""
    rows = [
        {"id": one.id, "title": one.title, "group": one.group, "names": len(one.names)}
        for one in household.content.table()
    ]
    return {"items": rows, **spoken("trouble", household.content.trouble)}


TABLE = {
    "services": services,
    "content.get": content_get,
    "content.set": content_set,
    "categories": categories,
}
