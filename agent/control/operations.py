"""Every operation of the control socket: who may ask for it, with what arguments, what it replies, and which events it
publishes.

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

    __slots__ = ("roles", "arguments", "needs", "events", "proven", "reply")

    def __init__(
        self,
        arguments: str = "",
        roles: tuple[str, ...] = BOTH,
        events: str = "",
        proven: bool = False,
        reply: str = "",
    ) -> None:
        """Each argument is a word: "label", "mac?" where it may be absent, "name:label" for one of another kind. What a
        `reply` has is written alike, with the shapes of agent/control/replies.py."""
        self.reply = reply
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


def listing(shape: str) -> str:
    """The reply of a page; `next` is the cursor of the one after."""
    return f"items:{shape}[] next:text|null"


WHO = "device_id? person_id? id?"
WHOM = WHO + " all?"
WHOSE = "device_id? person_id?"
PAGE = "limit? after?"
WINDOW = "from? to?"
SWITCH = WHOM + " feature"

OPERATIONS = {
    # What is going on
    "status": Operation(reply="Status"),
    "today": Operation("since?", reply="items:Today[]"),
    "week": Operation(WHOSE + " ago?", reply="Week"),
    "recipients": Operation(reply="items:Recipient[]"),
    "helplines": Operation(PAGE, reply="items:Helpline[]"),
    # Devices and people
    "device.list": Operation(PAGE, reply=listing("Device")),
    "device.new": Operation(PAGE, reply=listing("NewDevice")),
    "device.known": Operation("mac? all?", events="device", reply="known:text[]"),
    "device.add": Operation("label mac? address? person_id? shared?", events="device", reply="Device"),
    "device.edit": Operation(
        "id? device_id? label? mac? person_id? shared? never_off?", events="device", reply="Device"
    ),
    "device.remove": Operation("id? device_id? preview?", events="device", proven=True, reply="erased:Counts"),
    "person.list": Operation(PAGE, reply=listing("Person")),
    "person.add": Operation("name:label group birth_month?", events="device", reply="Person"),
    "person.edit": Operation("id? person_id? name:label? group? birth_month?", events="device", reply="Person"),
    "person.remove": Operation("id? person_id? preview?", events="device", proven=True, reply="devices?:int"),
    # Turning on and off
    "features": Operation(reply="items:Feature[]"),
    "notice": Operation(reply="Notice"),
    "notice.read": Operation("version", reply="Notice"),
    "on": Operation(SWITCH + " agree?", events="feature", reply="Switched"),
    "off": Operation(SWITCH + " erase? proof?", events="feature", reply="Switched"),
    "pause": Operation(events="feature", reply="paused:int"),
    "resume": Operation(
        WHOM + " feature? agree? preview?", events="feature", reply="items:Resumed[] features:Feature[] left?:Resumed[]"
    ),
    # Times, and internet off
    "limits.get": Operation(WHOSE, reply="Limits"),
    "limits.set": Operation(
        WHOSE + " windows:value? dates:value? version?", events="limits hold feature", reply="Limits"
    ),
    "hold.add": Operation(
        WHOSE + " all? children? seconds? until? morning? ended? address?",
        events="limits hold feature",
        reply="holds:Hold[] left_out:text[]",
    ),
    "hold.end": Operation(WHOSE + " id? seconds?", events="limits hold", reply="HoldEnd"),
    "hold.list": Operation(reply="items:Hold[]"),
    "exception.add": Operation(WHOSE + " kind:given seconds?", events="limits hold", reply="Limits"),
    # Minutes of use a day
    "usage.days": Operation(WHOSE + " days?", reply="items:UsageDay[] UsageOf"),
    "allowance.set": Operation(WHOSE + " minutes:value?", events="limits hold feature", reply="UsageOf"),
    "allowance.give": Operation(WHOSE + " minutes text? bank?", events="limits hold", reply="UsageOf"),
    # What was recorded
    "history": Operation(f"{WHOM} {WINDOW} search? show? cause? visit:cause? {PAGE}", reply=listing("Visit")),
    "history.days": Operation(WHOM + " tz_offset?", reply="items:Day[]"),
    "blocked": Operation(f"{WHOM} {WINDOW} {PAGE}", reply=listing("Attempt") + " hidden:int"),
    "blocked.counts": Operation("days? tz_offset?", reply="items:DayCount[]"),
    "visit.mark_wrong": Operation("id undo?", reply="id:int status:text"),
    "visit.background": Operation("id background", reply="id:int background:flag"),
    "visit.delete": Operation("id preview?", proven=True, reply="Counts"),
    "delete": Operation(f"{WHOM} {WINDOW} feature? preview?", proven=True, reply="Counts"),
    "export": Operation(f"{WHOM} {PAGE}", proven=True, reply=listing("Kept")),
    "activity": Operation(PAGE, events="ledger", reply=listing("ActivityRow")),
    "audit": Operation("head?", reply="Audit"),
    # Rules
    "explain": Operation("name? device_id? person_id? attempt_id? at?", reply="Explanation"),
    "block.report": Operation(
        "name? device_id? person_id? attempt_id? note? with_day? with_version?", reply="text:text to:text|null"
    ),
    "allow": Operation("name scope? device_id? person_id? seconds? sure?", events="lists", reply="NewRule"),
    "block": Operation("name scope? device_id? person_id? seconds? sure?", events="lists", reply="NewRule"),
    "rule.list": Operation(PAGE, reply=listing("Rule")),
    "rule.remove": Operation("id", events="lists"),
    "rule.export": Operation(PAGE, reply=listing("text")),
    "rule.import": Operation("lines action? preview?", events="lists", reply="Imported"),
    # What somebody may not reach
    "content.get": Operation("person_id? device_id?", reply="Content"),
    "content.set": Operation(
        "person_id? device_id? version? categories:value? services:value? search:value? youtube:value?"
        " always:value? homework:value? lists:value?",
        events="lists",
        reply="Content",
    ),
    "categories": Operation(reply="items:Category[]"),
    "services": Operation(reply="items:Service[] trouble:said"),
    # Lists
    "lists": Operation(reply="Lists"),
    "lists.add": Operation("url name:label? category? syntax?", events="lists", reply="Feed"),
    "lists.remove": Operation("id:list", events="lists"),
    "lists.choose": Operation("id:list on", events="lists", reply="Feed"),
    "lists.decide": Operation("id:list decision", events="lists", reply="started:flag"),
    "lists.waiting": Operation(reply=listing("WaitingList")),
    "lists.update": Operation(reply="started:flag"),
    "lists.progress": Operation(reply="Progress"),
    "lists.reload": Operation(events="lists", reply="Lists"),
    "lists.rollback": Operation(events="lists", reply="Lists"),
    # What people at devices ask for
    "me": Operation("address", reply="Me"),
    "me.prove": Operation("address pin:value", (WEB,), reply="proof:text"),
    "me.agree": Operation("address feature? agree? proof?", (WEB,), "feature", reply="Device"),
    "me.confirm": Operation("address proof?", (WEB,), "device", reply="Device"),
    "me.bonus": Operation("address", (WEB,), "limits hold", reply="OwnUsage"),
    "me.off": Operation("address feature? erase? proof?", (WEB,), "feature", reply="Switched"),
    "time.code": Operation(reply="Code"),
    "me.limits": Operation("address windows:value agree? proof?", (WEB,), "limits hold feature", reply="OwnTimes"),
    "me.week_file": Operation("address", (WEB,), reply="WeekFileAsk text:text"),
    "me.week_file_join": Operation(
        "address terms agree? proof?", (WEB,), "device", reply="week_file_ask:WeekFileAsk|null"
    ),
    "me.week_file_leave": Operation("address", (WEB,), "device", reply="week_file_ask:WeekFileAsk|null"),
    "me.code": Operation("address code grant:value", (WEB,), "request limits hold", reply="OwnTimes"),
    "request.add": Operation("address? device_id? kind text? target? seconds?", events="request", reply="Request"),
    "request.unblock": Operation("address word", events="request", reply="Request"),
    "request.list": Operation("state? " + PAGE, reply=listing("Request")),
    "request.reply": Operation("id answer? grant:value?", events="request limits hold", reply="Request"),
    # Statistics for an operator
    "statistics.status": Operation(reply="Statistics"),
    "statistics.preview": Operation(reply="Statistics items:Answer[] text:text note:text"),
    "statistics.list": Operation(PAGE, reply=listing("Report")),
    "statistics.show": Operation("id", reply="Report text:text|null"),
    "statistics.opt_in": Operation("agree? terms?", events="report status", proven=True, reply="Statistics"),
    "statistics.opt_out": Operation(events="report status", reply="Statistics"),
    "statistics.operator": Operation(reply="operator:Operator|null seen:text fields:OperatorField[]"),
    "statistics.operator_set": Operation("operator:value?", (CLI,), "report status", reply="Statistics"),
    # The household's own weekly file
    "week_file.status": Operation(reply="WeekFile"),
    "week_file.preview": Operation(reply="WeekFile text:text bytes:int"),
    "week_file.list": Operation(PAGE, reply=listing("WeekFileSent")),
    "week_file.turn_on": Operation("target:value agree?", events="report status", proven=True, reply="WeekFile"),
    "week_file.turn_off": Operation(events="report status", reply="WeekFile"),
    # The copy of the history on flash
    "history_copy.status": Operation(reply="HistoryCopy"),
    "history_copy.seal": Operation("passphrase:value", events="status", proven=True, reply="HistoryCopy"),
    "history_copy.unlock": Operation("passphrase:value", reply="unlocked:flag"),
    "history_copy.unseal": Operation(events="status", proven=True, reply="HistoryCopy"),
    "history_copy.drop": Operation(events="status", proven=True, reply="HistoryCopy"),
    # The household's settings and state
    "settings.get": Operation(reply="items:Setting[]"),
    "settings.set": Operation("key value", events="status", reply="key:text value:any"),
    "backup": Operation("history? " + PAGE, proven=True, reply=listing("Row")),
    "restore": Operation("part rows:value?", proven=True, reply="held?:int restored?:int{}"),
    "setup.code": Operation("", (CLI,), reply="code:text expires_at:int fingerprint:text|null"),
    # What needs a secret of the web job and is no business of the command line's users
    "setup.check": Operation("code", (WEB,), reply="ok:flag"),
    "web.get": Operation("key", (WEB,), reply="value:any"),
    "web.prove": Operation("password:value", (WEB,), reply="proof:text"),
    "web.put": Operation("key value? proof?", (WEB,), "web"),
    # What the jobs say and ask; they read strangers' texts and may ask for nothing else
    "feeds.plan": Operation("", (FEEDS,), reply="Plan"),
    "feeds.progress": Operation("step:value list_id:value? done:value? total:value?", (FEEDS,), "lists"),
    "feeds.room": Operation("", (FEEDS,)),
    "feeds.outcome": Operation("items:value message:value? message_sentence:value? offered:value?", (FEEDS,), "lists"),
    "report.work": Operation("", (REPORT,), reply="seal:ToSeal[] send:ToSend|null operator:OperatorKey"),
    "report.sealed": Operation("id body:value", (REPORT,)),
    "report.body": Operation("id", (REPORT,), reply="body:text"),
    "report.outcome": Operation(
        "id outcome:value message:value? message_sentence:value? pause_s:value?", (REPORT,), "report"
    ),
    "report.file_work": Operation("", (REPORT,), reply="seal:Numbered[] send:ToSend|null recipient:text"),
    "report.file_text": Operation("id", (REPORT,), reply="text:text"),
    "report.file_sealed": Operation("id body:value", (REPORT,)),
    "report.file_body": Operation(
        "id", (REPORT,), reply="body:text address:text user:text password:text authority:text"
    ),
    "report.file_outcome": Operation(
        "id outcome:value message:value? message_sentence:value? pause_s:value?", (REPORT,), "report"
    ),
}

# Module of agent/daemon/operations/ → the operations whose handlers its own TABLE has.
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
