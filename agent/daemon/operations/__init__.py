"""What can be asked of the daemon over the control socket, by area. One table: name → function.

A function takes (household, request) and returns the reply's value, or a generator that does a long piece of work in
small steps and returns the value at its end. BadInput becomes an error reply, StorageError one of code "storage".
"""

from agent.daemon.operations import consents, export, lists, people, person, reading, rules, upkeep

TABLE = {
    **upkeep.TABLE,
    **people.TABLE,
    **consents.TABLE,
    **reading.TABLE,
    **rules.TABLE,
    **export.TABLE,
    **lists.TABLE,
    **person.TABLE,
}

# What only the command line, on the router itself, may ask for.
CLI_ONLY = frozenset(["setup.code"])
# What needs a secret of the web job and is no business of the command line's users.
# What only the feeds job says and asks.
FEEDS_ONLY = frozenset(["feeds.plan", "feeds.progress", "feeds.outcome"])
WEB_ONLY = frozenset(["web.get", "web.put", "web.delete", "setup.check"])
