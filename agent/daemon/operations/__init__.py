"""What can be asked of the daemon over the control socket, by area. One table: name → function.

A function takes (household, request) and returns the reply's value, or a generator that does a long piece of work in
small steps and returns the value at its end. BadInput becomes an error reply, StorageError one of code "storage".
"""

from agent.daemon.operations import (
    backup,
    counts,
    explain,
    export,
    lists,
    me,
    people,
    reading,
    reports,
    rule_text,
    rules,
    switches,
    upkeep,
)

TABLE = {
    **upkeep.TABLE,
    **people.TABLE,
    **switches.TABLE,
    **reading.TABLE,
    **counts.TABLE,
    **rules.TABLE,
    **explain.TABLE,
    **rule_text.TABLE,
    **export.TABLE,
    **backup.TABLE,
    **lists.TABLE,
    **me.TABLE,
    **reports.TABLE,
}

# What only the command line, on the router itself, may ask for.
CLI_ONLY = frozenset(["setup.code", "statistics.operator_set"])
# What only the feeds job says and asks.
FEEDS_ONLY = frozenset(["feeds.plan", "feeds.progress", "feeds.room", "feeds.outcome"])
# What only the report job says and asks.
REPORT_ONLY = reports.JOB_ONLY
# What needs a secret of the web job and is no business of the command line's users.
WEB_ONLY = frozenset(["web.get", "web.put", "web.delete", "setup.check"])
