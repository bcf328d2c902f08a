"""What the operations of agent/control/operations.py do, by area. One table: name → function.

A function takes (household, request) and returns the reply's value, or a generator that does a long piece of work in
small steps and returns the value at its end. BadInput becomes an error reply, StorageError one of code "storage".

An area is loaded when it is first asked for: most of a router's life nobody asks. What ends a feature is loaded from
the start, by the daemon itself: an `off` does not wait for flash.
"""

MYPY = False
if MYPY:  # not worth its memory
    from collections.abc import Callable
    from typing import Any

# Module of this folder → what its own TABLE has.
AREAS = {
    "status": "status",
    "settings": "settings.get settings.set",
    "recipients": "recipients",
    "web_values": "web.get web.put",
    "proven": "web.prove",
    "setup_code": "setup.code setup.check",
    "devices": "device.list device.add device.edit device.remove device.new device.known",
    "people": "person.list person.add person.edit person.remove",
    "switches": "features notice notice.read on off pause resume",
    "visits": "history visit.mark_wrong visit.background",
    "blocked": "blocked",
    "deletion": "visit.delete delete",
    "activity": "activity audit",
    "limits": "limits.get limits.set exception.add",
    "usage": "usage.days",
    "allowance": "allowance.set allowance.give me.bonus",
    "internet_off": "hold.add hold.end hold.list",
    "time_requests": "request.reply",
    "own_times": "me.limits",
    "time_codes": "time.code me.code",
    "counts": "blocked.counts history.days today",
    "week": "week",
    "rules": "allow block rule.list rule.remove",
    "content_rules": "services content.get content.set categories",
    "explain": "block.report explain",
    "rule_text": "rule.export rule.import",
    "export": "export",
    "backup": "backup restore",
    "lists": "lists lists.reload lists.update lists.progress lists.rollback lists.waiting lists.decide "
    "lists.choose lists.add lists.remove helplines feeds.plan feeds.progress feeds.room feeds.outcome",
    "me": "me me.prove me.agree me.confirm me.off request.unblock request.add request.list",
    "reports": "statistics.status statistics.preview statistics.list statistics.show statistics.opt_in "
    "statistics.opt_out statistics.operator statistics.operator_set report.work report.sealed report.body "
    "report.outcome",
    "history_copy": "history_copy.status history_copy.seal history_copy.unlock history_copy.unseal history_copy.drop",
    "week_adults": "me.week_file me.week_file_join me.week_file_leave",
    "week_file": "week_file.status week_file.preview week_file.list week_file.turn_on week_file.turn_off "
    "report.file_work report.file_text report.file_sealed report.file_body report.file_outcome",
}


class HandlerTable(dict[str, "Callable[[Any, Any], Any]"]):
    """Name → function, of what was asked for so far; KeyError for a name that no area has."""

    def __missing__(self, name: str) -> "Any":
        for area, names in AREAS.items():
            if name in names.split():
                module = __import__(__name__ + "." + area, fromlist=["TABLE"])
                return self.setdefault(name, module.TABLE[name])
        raise KeyError(name)


TABLE = HandlerTable()
