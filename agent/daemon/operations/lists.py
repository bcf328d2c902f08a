"""The block lists in use: what is loaded, and taking a newly compiled set into use."""

from agent.daemon import parts
from agent.daemon.household import Household
from agent.daemon.operations.arguments import Refused, Request


def lists(household: Household, request: Request) -> dict[str, object]:
    ruleset = household.lists.ruleset
    rows = [] if ruleset is None else ruleset.lists
    state = "stale" if household.lists_stale() else "ready"
    items = [
        {
            "id": row["id"],
            "name": row["name"],
            "category": row["category"],
            "rules": row["count"],
            "version": row["version"],
            "loaded_at": household.lists.loaded_at,
            "state": state,
        }
        for row in rows
    ]
    return {"items": items, "trouble": household.lists.trouble}


def reload(household: Household, request: Request) -> dict[str, object]:
    """Take the compiled file into use, between two packets; a refused one leaves what is in use."""
    parts.load_lists(household)
    household.publish({"event": "lists"})
    if household.lists.trouble:
        raise Refused("conflict", household.lists.trouble)
    return lists(household, request)


TABLE = {"lists": lists, "lists.reload": reload}
