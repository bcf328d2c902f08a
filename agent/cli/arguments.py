"""The words of the command line. Each command carries the function that does it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from agent import __version__
from agent.cli import (
    bedtimes,
    context,
    edit,
    export,
    history_copy,
    lists,
    local,
    minutes_a_day,
    people,
    reach,
    report,
    rule_text,
    switches,
    times,
    views,
    week,
    week_file,
)
from agent.cli.errors import MEANINGS
from agent.core.model import AGE_GROUPS

Parser = argparse.ArgumentParser
if TYPE_CHECKING:
    Groups: TypeAlias = argparse._SubParsersAction[Parser]

ROWS = 50
WHOM = "a device by its label, MAC or address, or a person by name (all their devices); or device:3, person:2"


def parser() -> Parser:
    top = Parser(
        prog="privacy-agent",
        description="Parental controls and real-time protection that stay on the router.",
        epilog=MEANINGS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=__version__)
    top.add_argument("--settings", metavar="FILE", help=f"settings file (default {context.SETTINGS_FILE}, if there)")
    top.add_argument("--socket", metavar="PATH", help="control socket (default: $PRIVACY_AGENT_SOCKET, or run_dir's)")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (
        _daemon,
        _devices,
        _persons,
        _consents,
        _limits,
        _records,
        _requests,
        _verdicts,
        _proofs,
        _lists,
        _reports,
        _week_file,
        _history_copy,
        _rest,
    ):
        add(commands)
    return top


def _local(of: Parser, function: Callable[[argparse.Namespace], object]) -> Parser:
    """A command that runs here and does not ask the daemon."""
    of.set_defaults(local=function)
    return of


def _asks(of: Parser, function: Callable[..., object], reads: bool = False) -> Parser:
    """A command that asks the daemon; one that reads has --json."""
    of.set_defaults(asks=function, json=False)
    if reads:
        of.add_argument("--json", action="store_true", help="print one JSON document")
    return of


def _group(commands: Groups, name: str, help: str, alone: Callable[..., object] | None = None) -> Groups:
    """`alone` is what the name without an action does; it reads."""
    group = commands.add_parser(name, help=help)
    if alone is not None:
        _asks(group, alone, reads=True)
    return group.add_subparsers(dest="action", metavar="ACTION", required=alone is None)


def _yes(of: Parser) -> None:
    of.add_argument("--yes", action="store_true", help="do not ask")


def _settings(of: Parser) -> None:
    of.add_argument("--set", action="append", metavar="NAME=VALUE", help="a setting, before the settings file's")


def _daemon(commands: Groups) -> None:
    run = _local(commands.add_parser("run", help="run the daemon in the foreground"), local.run)
    run.add_argument("--check", action="store_true", help="check the settings, print them, and do not run")
    _settings(run)
    _asks(commands.add_parser("status", help="show whether everything works"), views.status, reads=True)


def _devices(commands: Groups) -> None:
    group = _group(commands, "device", "your devices: list, add, edit, remove")
    listed = _asks(group.add_parser("list", help="your devices and what is on for them"), people.device_list, True)
    listed.add_argument("--new", action="store_true", help="devices seen in the network that were not added yet")
    add = _asks(group.add_parser("add", help="add a device; nothing is on for it"), people.device_add)
    add.add_argument("label")
    known = add.add_mutually_exclusive_group(required=True)
    known.add_argument("--mac", help="its MAC address")
    known.add_argument("--address", help="its IP address, where devices are known by address")
    add.add_argument("--person", help="whose it is")
    add.add_argument("--shared", action="store_true", help="used by several: its records name no person")
    edit = _asks(group.add_parser("edit", help="edit a device"), people.device_edit)
    edit.add_argument("device")
    edit.add_argument("--label", help="what to call it")
    edit.add_argument("--mac", help="the MAC address that the same device has now")
    whose = edit.add_mutually_exclusive_group()
    whose.add_argument("--person", help="whose it is")
    whose.add_argument("--no-person", action="store_true", help="assigned to no person")
    edit.add_argument("--shared", action=argparse.BooleanOptionalAction, default=None)
    edit.add_argument(
        "--never-off",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="never turn its internet off, as for heating or an alarm",
    )
    known_one = _asks(group.add_parser("known", help="a device that is shown as new is known"), people.device_known)
    known_one.add_argument("mac", metavar="MAC|all")
    remove = _asks(group.add_parser("remove", help="remove a device and delete its data"), people.device_remove)
    remove.add_argument("device")
    _yes(remove)


def _persons(commands: Groups) -> None:
    group = _group(commands, "person", "people who use devices: list, add, edit, remove")
    _asks(group.add_parser("list", help="the people"), people.person_list, reads=True)
    add = _asks(group.add_parser("add", help="add a person"), people.person_add)
    add.add_argument("name")
    add.add_argument("group", choices=AGE_GROUPS)
    add.add_argument(
        "--born", metavar="YYYY-MM", type=times.month, help="month of birth: a child's history ends with childhood"
    )
    edit = _asks(group.add_parser("edit", help="change a name, age group or month of birth"), people.person_edit)
    edit.add_argument("person")
    edit.add_argument("--name")
    edit.add_argument("--group", choices=AGE_GROUPS)
    edit.add_argument("--born", metavar="YYYY-MM", type=times.month)
    remove = _asks(group.add_parser("remove", help="remove a person; their devices stay"), people.person_remove)
    remove.add_argument("person")
    _yes(remove)


def _consents(commands: Groups) -> None:
    told = commands.add_parser("features", help="what each feature reads, stores and sends")
    _asks(told, switches.features, reads=True)
    on = _asks(commands.add_parser("on", help="turn a feature on (shows what it does first)"), switches.on)
    on.add_argument("whom", metavar="DEVICE|PERSON", help=WHOM)
    on.add_argument("feature", metavar="FEATURE", help="history, protection, limits or usage")
    on.add_argument(
        "--agree", type=times.number, metavar="VERSION", help="agree to this version of the text, without a question"
    )
    off = _asks(commands.add_parser("off", help="turn a feature off (shows what stays stored)"), switches.off)
    off.add_argument("whom", metavar="DEVICE|PERSON", help=WHOM)
    off.add_argument("feature", metavar="FEATURE")
    off.add_argument("--erase", action="store_true", help="also delete what was recorded")
    _asks(commands.add_parser("pause", help="pause recording on every device"), switches.pause)
    resume = _asks(
        commands.add_parser("resume", help="resume what was paused (shows what it is first)"), switches.resume
    )
    _yes(resume)


def _limits(commands: Groups) -> None:
    group = _group(commands, "internet", "turn somebody's internet off, or on again")
    whom = WHOM + "; or all, or children"
    off = _asks(group.add_parser("off", help="turn it off; the home network still works"), bedtimes.internet_off)
    off.add_argument("whom", metavar="DEVICE|PERSON|all|children", help=whom)
    end = off.add_mutually_exclusive_group()
    end.add_argument("--for", dest="seconds", type=times.duration, metavar="DURATION", help="as in 15m, 1h")
    end.add_argument("--until", type=bedtimes.hour, metavar="TIME", help="as in 18:00")
    end.add_argument("--until-morning", dest="morning", action="store_true", help="until bedtime is over, else 7:00")
    end.add_argument(
        "--until-ended", dest="ended", action="store_true", help="until it is turned on again (a day at most)"
    )
    on = _asks(group.add_parser("on", help="turn it on again; --for: for that long, in any case"), bedtimes.internet_on)
    on.add_argument("whom", metavar="DEVICE|PERSON|all", help=whom)
    on.add_argument("--for", dest="seconds", type=times.duration, metavar="DURATION", help="as in 15m")
    _asks(
        group.add_parser("code", help="a code that gives more time at the device, for two minutes"), bedtimes.time_code
    )
    weekly = _asks(
        commands.add_parser("times", help="bedtimes and other times: show, set, clear"), bedtimes.times_of, True
    )
    weekly.add_argument("words", metavar="WORD", nargs="+", help=bedtimes.TIMES_USAGE)
    weekly.add_argument("--holiday", action="store_true", help="the times of holidays")
    reached = commands.add_parser(
        "content", help="show or change somebody's blocked categories and apps, safe search, lists"
    )
    of = _asks(reached, reach.content, True)
    of.add_argument("words", metavar="WORD", nargs="+", help=reach.CONTENT_USAGE)
    spans = of.add_mutually_exclusive_group()
    spans.add_argument("--only", metavar="WINDOW", action="append", help="the service is allowed only then")
    spans.add_argument("--not", dest="unless", metavar="WINDOW", action="append", help="the service is blocked then")
    _asks(commands.add_parser("categories", help="the categories that can be blocked"), reach.categories, True)
    _asks(commands.add_parser("services", help="the services (apps) that can be blocked"), reach.services, True)
    _minutes(commands)
    night = _asks(commands.add_parser("tonight", help="tonight's bedtime: off, later or earlier"), bedtimes.tonight)
    night.add_argument("whom", metavar="DEVICE|PERSON", help=WHOM)
    night.add_argument("change", choices=("off", "later", "earlier"))
    night.add_argument("seconds", nargs="?", type=times.duration, metavar="DURATION", help="how much later, as in 30m")


def _minutes(commands: Groups) -> None:
    used = _asks(commands.add_parser("usage", help="somebody's minutes of use a day"), minutes_a_day.usage, True)
    used.add_argument("whom", metavar="DEVICE|PERSON", help=WHOM)
    used.add_argument("--days", type=times.number, default=7, metavar="N", help="the last N days (default 7)")
    daily = commands.add_parser("allowance", help="how many minutes a day somebody may have: show, set, give more")
    of = _asks(daily, minutes_a_day.allowance, True)
    of.add_argument("words", metavar="WORD", nargs="+", help=minutes_a_day.ALLOWANCE_USAGE)
    of.add_argument("--weekend", metavar="DURATION", help="Saturday and Sunday, as in 3h, or none")
    of.add_argument("--bank", action="store_true", help="give: into the bank, to be taken by the quarter of an hour")
    of.add_argument("--for", dest="what", metavar="TEXT", help="give: what for")


def _window(of: Parser) -> None:
    of.add_argument("--day", type=times.day, help="a date, today or yesterday")
    of.add_argument("--from", dest="start", type=times.moment, metavar="TIME", help="from this date or time on")
    of.add_argument("--to", dest="end", type=times.moment, metavar="TIME", help="before this date or time")


def _paged(of: Parser) -> None:
    of.add_argument("--limit", type=times.rows, default=ROWS, metavar="N", help=f"the newest N (default {ROWS})")
    of.add_argument("--all", dest="everything", action="store_true", help="not only the newest")


def _target(of: Parser) -> None:
    target = of.add_mutually_exclusive_group(required=True)
    target.add_argument("whom", metavar="DEVICE|PERSON", nargs="?", help=WHOM)
    target.add_argument("--all", action="store_true", help="of every device")


def _records(commands: Groups) -> None:
    history = _asks(commands.add_parser("history", help="sites a device visited, newest first"), views.history, True)
    history.add_argument("whom", metavar="DEVICE|PERSON", help=WHOM)
    history.add_argument("--search", metavar="TEXT", help="only sites with this in their name")
    history.add_argument(
        "--background", action="store_true", help="also background activity: what apps, ads and trackers fetched"
    )
    blocked = _asks(commands.add_parser("blocked", help="blocked attempts, newest first"), views.blocked, True)
    blocked.add_argument("whom", metavar="DEVICE|PERSON", nargs="?", help=WHOM)
    for of in (history, blocked):
        _window(of)
        _paged(of)
    seven = _asks(commands.add_parser("week", help="the family's last seven days"), week.week, reads=True)
    seven.add_argument("whom", metavar="DEVICE|PERSON", nargs="?", help="default: all children and teens; " + WHOM)
    seven.add_argument("--ago", type=times.ago, default=0, metavar="DAYS", help="seven days that ended so long ago")
    take = _asks(commands.add_parser("export", help="export stored data as JSON or CSV"), export.export)
    _target(take)
    take.add_argument("--format", choices=("json", "csv"), default="json")
    take.add_argument("--output", metavar="PATH", help="a new file (JSON), or a new folder (CSV)")
    delete = _asks(commands.add_parser("delete", help="delete records permanently"), edit.delete)
    _target(delete)
    delete.add_argument("--feature", choices=("history", "protection", "usage"), help="only what this feature recorded")
    _window(delete)
    _yes(delete)
    group = _group(commands, "visit", "correct one visit: mark-wrong, background, delete")
    wrong = _asks(group.add_parser("mark-wrong", help="mark a visit as wrong"), edit.visit_mark_wrong)
    wrong.add_argument("--undo", action="store_true", help="remove the mark")
    sort = _asks(group.add_parser("background", help="mark as background activity"), edit.visit_background)
    sort.add_argument("--undo", action="store_true", help="mark as opened by a person")
    gone = _asks(group.add_parser("delete", help="delete a visit and the addresses it loaded"), edit.visit_delete)
    _yes(gone)
    for of in (wrong, sort, gone):
        of.add_argument("id", type=times.number, help="its number, from history")


def _requests(commands: Groups) -> None:
    group = _group(commands, "request", "requests and objections from devices: list, reply")
    listed = _asks(group.add_parser("list", help="requests and objections"), views.request_list, reads=True)
    listed.add_argument("--open", action="store_true", help="only those without a reply")
    reply = _asks(group.add_parser("reply", help="reply to one"), edit.request_reply)
    reply.add_argument("id", type=times.number)
    reply.add_argument("text", nargs="?")
    reply.add_argument("--grant", metavar="DURATION", help="give what was asked for: 15m, 1h or tonight")


def _verdicts(commands: Groups) -> None:
    explain = _asks(commands.add_parser("explain", help="why a site is blocked or allowed"), views.explain, True)
    what = explain.add_mutually_exclusive_group(required=True)
    what.add_argument("name", nargs="?", help="a site or an address, as you would type it in a browser")
    what.add_argument("--blocked", type=times.number, metavar="ID", help="a blocked attempt: then and now")
    explain.add_argument("--device", help="for this device")
    explain.add_argument("--person", help="for this person: also by categories and services")
    explain.add_argument("--at", metavar="WHEN", help='at a time to come, as in "fri 21:00"')
    explain.add_argument("--report", action="store_true", help="a text about a wrong block, to send yourself")
    for name, function, help in (
        ("allow", edit.allow, "allow a site, whatever the lists say"),
        ("block", edit.block, "block a site"),
    ):
        rule = _asks(commands.add_parser(name, help=help), function)
        rule.add_argument("name")
        whose = rule.add_mutually_exclusive_group()
        whose.add_argument("--device", help="for this device only")
        whose.add_argument("--person", help="for this person's devices only")
        _yes(rule)
        rule.add_argument("--for", dest="seconds", type=times.duration, metavar="DURATION", help="as in 30m, 2h, 7d")
    group = _group(commands, "rule", "your own rules: list, remove, export, import")
    _asks(group.add_parser("list", help="what was allowed and blocked"), views.rule_list, reads=True)
    remove = _asks(group.add_parser("remove", help="remove a rule"), edit.rule_remove)
    remove.add_argument("id", type=times.number)
    take = _asks(group.add_parser("export", help="all of them as text"), rule_text.export, reads=True)
    take.add_argument("--output", metavar="FILE", help="a new file (default: the terminal)")
    bring = _asks(group.add_parser("import", help="add those of a text file, all or none"), rule_text.take_in)
    bring.add_argument("file", metavar="FILE", help="as export makes it, or names alone; - for standard input")
    bring.add_argument("--as", dest="action", choices=("allow", "block"), help="what lines that are names alone do")
    _yes(bring)


def _proofs(commands: Groups) -> None:
    audit = _asks(commands.add_parser("audit", help="check every record against the activity log"), views.audit, True)
    audit.add_argument("--checksum", metavar="HASH", help="check against a checksum saved earlier")
    activity = _asks(commands.add_parser("activity", help="what was turned on and off, by whom"), views.activity, True)
    activity.add_argument("--limit", type=times.rows, metavar="N", help="the first N rows only")
    doctor = _local(commands.add_parser("doctor", help="check kernel and DNS from outside"), local.doctor)
    doctor.add_argument("--json", action="store_true", help="print one JSON document")
    _settings(doctor)


def _lists(commands: Groups) -> None:
    group = _group(commands, "lists", "block lists: what is in use; add, remove, update, waiting …", lists.status)
    compile = _local(group.add_parser("compile", help="compile lists into one rule set"), local.lists_compile)
    compile.add_argument("files", nargs="*", metavar="FILE", help="default: the installed ones")
    compile.add_argument("--output", metavar="FILE", help="default: the setting ruleset_file")
    _settings(compile)
    add = _asks(group.add_parser("add", help="use a list: by its id, or one of your own by its address"), lists.add)
    add.add_argument("--name", metavar="NAME", help="what to call it")
    add.add_argument(
        "--category",
        metavar="WORD",
        help="what it blocks: phishing …, or a word of your own (default: own); allow: it holds against all lists",
    )
    add.add_argument("--syntax", metavar="SYNTAX", help="such as hosts, domains, adblock; default: found out by itself")
    remove = _asks(group.add_parser("remove", help="stop using a list"), lists.remove)
    for of in (add, remove):
        of.add_argument("list", metavar="LIST", help="its id, as lists shows it, or its address, https://…")
    _asks(group.add_parser("update", help="update the chosen lists now"), lists.update)
    _asks(group.add_parser("waiting", help="updates waiting for your decision"), lists.waiting, reads=True)
    accept = _asks(group.add_parser("accept", help="install a waiting update"), lists.accept)
    reject = _asks(group.add_parser("reject", help="skip a waiting update"), lists.reject)
    for of in (accept, reject):
        of.add_argument("list", metavar="LIST", help="its id, as lists shows it")
    _asks(group.add_parser("rollback", help="use the previous lists"), lists.rollback)
    never = commands.add_parser("helplines", help="sites that are never recorded and never blocked")
    _asks(never, lists.helplines, reads=True)


def _history_copy(commands: Groups) -> None:
    help = "the history on flash: seal it to a passphrase, unlock it after a restart …"
    group = _group(commands, "history-copy", help, history_copy.status)
    sealing = _asks(group.add_parser("seal", help="seal it: after a restart it needs a passphrase"), history_copy.seal)
    opening = _asks(group.add_parser("unlock", help="open it after a restart"), history_copy.unlock)
    for of in (sealing, opening):
        of.add_argument("--passphrase-file", metavar="FILE", help="the passphrase, instead of a question")
    _asks(group.add_parser("unseal", help="store it as it is again"), history_copy.unseal)
    _yes(_asks(group.add_parser("drop", help="delete one that is locked"), history_copy.drop))


def _week_file(commands: Groups) -> None:
    group = _group(
        commands, "week-file", "your own weekly file, encrypted for your key: preview, list, on, off", week_file.status
    )
    _asks(group.add_parser("preview", help="exactly what would be in it now"), week_file.preview, reads=True)
    _asks(group.add_parser("list", help="files made, sent, discarded or withdrawn"), week_file.listed, reads=True)
    on = _asks(group.add_parser("on", help="send one each week (shows what would be in it first)"), week_file.turn_on)
    on.add_argument(
        "address",
        help="https address of a folder, ending in /, or of one file (a pre-signed one of S3 ends after seven days)",
    )
    on.add_argument("recipient", metavar="KEY", help="your public key, age1…, as the page or age-keygen makes it")
    on.add_argument("--user", help="who signs in there")
    on.add_argument("--password-file", metavar="FILE", help="and with which password")
    on.add_argument("--certificate", metavar="FILE", help="the server's certificate or root, where it is your own")
    on.add_argument("--agree", type=times.number, metavar="VERSION", help="agree to this notice, without a question")
    _asks(group.add_parser("off", help="send no more; unsent files are deleted first"), week_file.turn_off)


def _reports(commands: Groups) -> None:
    group = _group(commands, "statistics", "reports for an operator, only if opted in: preview, list, opt-in …")
    _asks(group.add_parser("preview", help="exactly what would be sent now, and to whom"), report.preview, True)
    _asks(group.add_parser("list", help="reports made, sent, discarded or withdrawn"), report.listed, reads=True)
    shown = _asks(group.add_parser("show", help="one report's exact text"), report.shown, reads=True)
    shown.add_argument("id", type=times.number)
    opt_in = _asks(group.add_parser("opt-in", help="start sharing (shows what would be sent first)"), report.opt_in)
    opt_in.add_argument(
        "--agree", type=times.number, metavar="VERSION", help="agree to this notice, without a question"
    )
    opt_in.add_argument("--terms", metavar="WORD", help="and to these terms, as preview --json names them")
    _asks(group.add_parser("opt-out", help="stop sharing; unsent reports are deleted first"), report.opt_out)
    named = _asks(group.add_parser("operator", help="who receives reports; or name one"), report.operator, reads=True)
    which = named.add_mutually_exclusive_group()
    which.add_argument("file", nargs="?", metavar="FILE", help="the operator's settings, as a JSON object")
    which.add_argument("--none", action="store_true", help="no operator any more")
    _yes(named)


def _rest(commands: Groups) -> None:
    group = _group(commands, "setting", "settings you can change while the daemon runs: list, set")
    _asks(group.add_parser("list", help="settings and their values"), views.setting_list, reads=True)
    change = _asks(group.add_parser("set", help="change a setting"), edit.setting_set)
    change.add_argument("key", metavar="NAME")
    change.add_argument("value", metavar="VALUE")
    _asks(commands.add_parser("setup-code", help="a one-time code for the web page"), edit.setup_code, reads=True)
