"""What the operations of agent/control/operations.py do, by area. One table: name → function.

A function takes (household, request) and returns the reply's value, or a generator that does a long piece of work in
small steps and returns the value at its end. BadInput becomes an error reply, StorageError one of code "storage".
"""

from agent.daemon.operations import (
    activity,
    backup,
    blocked,
    content_rules,
    counts,
    deletion,
    devices,
    explain,
    export,
    limits,
    lists,
    me,
    people,
    proven,
    recipients,
    reports,
    rule_text,
    rules,
    settings,
    setup_code,
    status,
    switches,
    visits,
    web_values,
)

TABLE = {
    **status.TABLE,
    **settings.TABLE,
    **recipients.TABLE,
    **web_values.TABLE,
    **proven.TABLE,
    **setup_code.TABLE,
    **devices.TABLE,
    **people.TABLE,
    **switches.TABLE,
    **visits.TABLE,
    **blocked.TABLE,
    **deletion.TABLE,
    **activity.TABLE,
    **limits.TABLE,
    **counts.TABLE,
    **rules.TABLE,
    **content_rules.TABLE,
    **explain.TABLE,
    **rule_text.TABLE,
    **export.TABLE,
    **backup.TABLE,
    **lists.TABLE,
    **me.TABLE,
    **reports.TABLE,
}
