"""What the operations of agent/control/operations.py do, by area. One table: name → function.

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
