"""Every operation of the control socket: who may ask for it, with what arguments, and which events it publishes.

The daemon refuses what is not in here before a handler sees it; a handler finds its arguments of the right kind.
"""

from agent.control.arguments import KINDS, check
from agent.control.messages import Request, Schema
from agent.core.model import BadInput, Sentence, Value

CLI, WEB, FEEDS, REPORT = "cli", "web", "feeds", "report"
BOTH = (CLI, WEB)

# Who is told: nobody but the command line and the web page subscribes.
EVENTS = (
    "attempt",
    "device",
    "feature",
    "history",
    "hold",
    "ledger",
    "limits",
    "lists",
    "lookalike",
    "notice",
    "report",
    "request",
    "status",
    "usage",
    "web",
)


class Operation(Value):
    """`arguments` is {name: kind}; of them `needs` must be given. A value of None is one that is not given.

    What is `proven` the web job may not ask for by itself: a password or PIN was given for it (operations/proven.py).
    """

    __slots__ = ("roles", "arguments", "needs", "events", "proven")

    def __init__(
        self, arguments: str = "", roles: tuple[str, ...] = BOTH, events: str = "", proven: bool = False
    ) -> None:
        """Each argument is a word: "label", "mac?" where it may be absent, "name:label" for one of another kind."""
        self.roles = roles
        self.arguments: dict[str, Schema] = {}
        self.needs: list[str] = []
        for word in arguments.split():
            name, _, kind = word.rstrip("?").partition(":")
            self.arguments[name] = KINDS[kind or name]
            if not word.endswith("?"):
                self.needs.append(name)
        self.events = tuple(events.split())
        self.proven = proven
        if proven:
            self.arguments["proof"] = KINDS["proof"]


WHO = "device_id? person_id? id?"
WHOM = WHO + " all?"
WHOSE = "device_id? person_id?"
PAGE = "limit? after?"
WINDOW = "from? to?"
SWITCH = WHOM + " feature"

OPERATIONS = {
    # What is going on
    "status": Operation(),
    "today": Operation("since?"),
    "week": Operation(WHOSE + " ago?"),
    "recipients": Operation(),
    "helplines": Operation(PAGE),
    # Devices and people
    "device.list": Operation(PAGE),
    "device.new": Operation(PAGE),
    "device.known": Operation("mac? all?", events="device"),
    "device.add": Operation("label mac? address? person_id? shared?", events="device"),
    "device.edit": Operation("id? device_id? label? mac? person_id? shared? never_off?", events="device"),
    "device.remove": Operation("id? device_id? preview?", events="device", proven=True),
    "person.list": Operation(PAGE),
    "person.add": Operation("name:label group birth_month?", events="device"),
    "person.edit": Operation("id? person_id? name:label? group? birth_month?", events="device"),
    "person.remove": Operation("id? person_id? preview?", events="device", proven=True),
    # Turning on and off
    "features": Operation(),
    "notice": Operation(),
    "notice.read": Operation("version"),
    "on": Operation(SWITCH + " agree?", events="feature"),
    "off": Operation(SWITCH + " erase? proof?", events="feature"),
    "pause": Operation(events="feature"),
    "resume": Operation(WHOM + " feature? agree? preview?", events="feature"),
    # Times, and internet off
    "limits.get": Operation(WHOSE),
    "limits.set": Operation(WHOSE + " windows:value? dates:value? version?", events="limits hold feature"),
    "hold.add": Operation(
        WHOSE + " all? children? seconds? until? morning? ended? address?", events="limits hold feature"
    ),
    "hold.end": Operation(WHOSE + " id? seconds?", events="limits hold"),
    "hold.list": Operation(),
    "exception.add": Operation(WHOSE + " kind:given seconds?", events="limits hold"),
    # Minutes of use a day
    "usage.days": Operation(WHOSE + " days?"),
    "allowance.set": Operation(WHOSE + " minutes:value?", events="limits hold feature"),
    "allowance.give": Operation(WHOSE + " minutes text? bank?", events="limits hold"),
    # What was recorded
    "history": Operation(f"{WHOM} {WINDOW} search? show? cause? visit:cause? {PAGE}"),
    "history.days": Operation(WHOM + " tz_offset?"),
    "blocked": Operation(f"{WHOM} {WINDOW} {PAGE}"),
    "blocked.counts": Operation("days? tz_offset?"),
    "visit.mark_wrong": Operation("id undo?"),
    "visit.background": Operation("id background"),
    "visit.delete": Operation("id preview?", proven=True),
    "delete": Operation(f"{WHOM} {WINDOW} feature? preview?", proven=True),
    "export": Operation(f"{WHOM} {PAGE}", proven=True),
    "activity": Operation(PAGE, events="ledger"),
    "audit": Operation("head?"),
    # Rules
    "explain": Operation("name? device_id? person_id? attempt_id?"),
    "block.report": Operation("name? device_id? person_id? attempt_id? note? with_day? with_version?"),
    "allow": Operation("name scope? device_id? person_id? seconds? sure?", events="lists"),
    "block": Operation("name scope? device_id? person_id? seconds? sure?", events="lists"),
    "rule.list": Operation(PAGE),
    "rule.remove": Operation("id", events="lists"),
    "rule.export": Operation(PAGE),
    "rule.import": Operation("lines action? preview?", events="lists"),
    # What somebody may not reach
    "content.get": Operation("person_id? device_id?"),
    "content.set": Operation(
        "person_id? device_id? version? categories:value? services:value? search:value? youtube:value?"
        " always:value? homework:value? lists:value?",
        events="lists",
    ),
    "categories": Operation(),
    "services": Operation(),
    # Lists
    "lists": Operation(),
    "lists.add": Operation("url name:label? category? syntax?", events="lists"),
    "lists.remove": Operation("id:list", events="lists"),
    "lists.choose": Operation("id:list on", events="lists"),
    "lists.decide": Operation("id:list decision", events="lists"),
    "lists.waiting": Operation(),
    "lists.update": Operation(),
    "lists.progress": Operation(),
    "lists.reload": Operation(events="lists"),
    "lists.rollback": Operation(events="lists"),
    # What people at devices ask for
    "me": Operation("address"),
    "me.prove": Operation("address pin:value", (WEB,)),
    "me.agree": Operation("address feature? agree? proof?", (WEB,), "feature"),
    "me.confirm": Operation("address proof?", (WEB,), "device"),
    "me.bonus": Operation("address", (WEB,), "limits hold"),
    "me.off": Operation("address feature? erase? proof?", (WEB,), "feature"),
    "time.code": Operation(),
    "me.limits": Operation("address windows:value agree? proof?", (WEB,), "limits hold feature"),
    "me.week_file": Operation("address", (WEB,)),
    "me.week_file_join": Operation("address terms agree? proof?", (WEB,), "device"),
    "me.week_file_leave": Operation("address", (WEB,), "device"),
    "me.code": Operation("address code grant:value", (WEB,), "request limits hold"),
    "request.add": Operation("address? device_id? kind text? target? seconds?", events="request"),
    "request.unblock": Operation("address word", events="request"),
    "request.list": Operation("state? " + PAGE),
    "request.reply": Operation("id answer? grant:value?", events="request limits hold"),
    # Statistics for an operator
    "statistics.status": Operation(),
    "statistics.preview": Operation(),
    "statistics.list": Operation(PAGE),
    "statistics.show": Operation("id"),
    "statistics.opt_in": Operation("agree? terms?", events="report status", proven=True),
    "statistics.opt_out": Operation(events="report status"),
    "statistics.operator": Operation(),
    "statistics.operator_set": Operation("operator:value?", (CLI,), "report status"),
    # The household's own weekly file
    "week_file.status": Operation(),
    "week_file.preview": Operation(),
    "week_file.list": Operation(PAGE),
    "week_file.turn_on": Operation("target:value agree?", events="report status", proven=True),
    "week_file.turn_off": Operation(events="report status"),
    # The copy of the history on flash
    "history_copy.status": Operation(),
    "history_copy.seal": Operation("passphrase:value", events="status", proven=True),
    "history_copy.unlock": Operation("passphrase:value"),
    "history_copy.unseal": Operation(events="status", proven=True),
    "history_copy.drop": Operation(events="status", proven=True),
    # The household's settings and state
    "settings.get": Operation(),
    "settings.set": Operation("key value", events="status"),
    "backup": Operation("history? " + PAGE, proven=True),
    "restore": Operation("part rows:value?", proven=True),
    "setup.code": Operation("", (CLI,)),
    # What needs a secret of the web job and is no business of the command line's users
    "setup.check": Operation("code", (WEB,)),
    "web.get": Operation("key", (WEB,)),
    "web.prove": Operation("password:value", (WEB,)),
    "web.put": Operation("key value? proof?", (WEB,), "web"),
    # What the jobs say and ask; they read strangers' texts and may ask for nothing else
    "feeds.plan": Operation("", (FEEDS,)),
    "feeds.progress": Operation("step:value list_id:value? done:value? total:value?", (FEEDS,), "lists"),
    "feeds.room": Operation("", (FEEDS,)),
    "feeds.outcome": Operation("items:value message:value? message_sentence:value? offered:value?", (FEEDS,), "lists"),
    "report.work": Operation("", (REPORT,)),
    "report.sealed": Operation("id body:value", (REPORT,)),
    "report.body": Operation("id", (REPORT,)),
    "report.outcome": Operation(
        "id outcome:value message:value? message_sentence:value? pause_s:value?", (REPORT,), "report"
    ),
    "report.file_work": Operation("", (REPORT,)),
    "report.file_text": Operation("id", (REPORT,)),
    "report.file_sealed": Operation("id body:value", (REPORT,)),
    "report.file_body": Operation("id", (REPORT,)),
    "report.file_outcome": Operation(
        "id outcome:value message:value? message_sentence:value? pause_s:value?", (REPORT,), "report"
    ),
}


def checked(name: str, request: Request) -> None:
    """BadInput unless the arguments of the operation `name` are there, each of its kind. Others are not looked at."""
    operation = OPERATIONS[name]
    for argument, kind in operation.arguments.items():
        if request.get(argument) is not None:
            check(argument, kind, request[argument])
        elif argument in operation.needs and argument not in request:
            raise BadInput(Sentence("{} is missing", argument))
    if request.get("actor") is not None:
        check("actor", KINDS["actor"], request["actor"])
