"""The words of the command line. Each command carries the function that does it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from agent import __version__
from agent.cli import context, edit, export, lists, local, people, report, rule_text, switches, times, views
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
        _records,
        _requests,
        _verdicts,
        _proofs,
        _lists,
        _reports,
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


def _group(commands: Groups, name: str, help: str) -> Groups:
    group = commands.add_parser(name, help=help)
    return group.add_subparsers(dest="action", metavar="ACTION", required=True)


def _yes(of: Parser) -> None:
    of.add_argument("--yes", action="store_true", help="do not ask")


def _settings(of: Parser) -> None:
    of.add_argument("--set", action="append", metavar="NAME=VALUE", help="a setting, before the settings file's")


def _daemon(commands: Groups) -> None:
    run = _local(commands.add_parser("run", help="run the daemon in the foreground"), local.run)
    run.add_argument("--check", action="store_true", help="check the settings, print them, and do not run")
    _settings(run)
    _asks(commands.add_parser("status", help="how the daemon is"), views.status, reads=True)


def _devices(commands: Groups) -> None:
    group = _group(commands, "device", "enrolled devices: list, add, rename, correct, forget")
    listed = _asks(group.add_parser("list", help="enrolled devices and what is on for them"), people.device_list, True)
    listed.add_argument("--seen", action="store_true", help="devices in the network that are not enrolled")
    add = _asks(group.add_parser("add", help="enrol a device; nothing is on for it"), people.device_add)
    add.add_argument("label")
    known = add.add_mutually_exclusive_group(required=True)
    known.add_argument("--mac", help="its MAC address")
    known.add_argument("--address", help="its IP address, where devices are known by address")
    add.add_argument("--person", help="whose it is")
    add.add_argument("--shared", action="store_true", help="used by several: its records name no person")
    rename = _asks(group.add_parser("rename", help="give a device another label"), people.device_rename)
    rename.add_argument("device")
    rename.add_argument("label")
    correct = _asks(group.add_parser("correct", help="correct what is held of a device"), people.device_correct)
    correct.add_argument("device")
    correct.add_argument("--label")
    whose = correct.add_mutually_exclusive_group()
    whose.add_argument("--person")
    whose.add_argument("--no-person", action="store_true")
    correct.add_argument("--shared", action=argparse.BooleanOptionalAction, default=None)
    forget = _asks(group.add_parser("forget", help="all off, all erased, no longer known"), people.device_forget)
    forget.add_argument("device")
    _yes(forget)


def _persons(commands: Groups) -> None:
    group = _group(commands, "person", "people behind devices: list, add, change, forget")
    _asks(group.add_parser("list", help="the people"), people.person_list, reads=True)
    add = _asks(group.add_parser("add", help="add a person"), people.person_add)
    add.add_argument("name")
    add.add_argument("group", choices=AGE_GROUPS)
    add.add_argument(
        "--born", metavar="YYYY-MM", type=times.month, help="month of birth: a child's history ends with childhood"
    )
    change = _asks(group.add_parser("change", help="change a name or age group"), people.person_change)
    change.add_argument("person")
    change.add_argument("--name")
    change.add_argument("--group", choices=AGE_GROUPS)
    change.add_argument("--born", metavar="YYYY-MM", type=times.month)
    forget = _asks(group.add_parser("forget", help="forget a person; devices stay"), people.person_forget)
    forget.add_argument("person")
    _yes(forget)


def _consents(commands: Groups) -> None:
    told = commands.add_parser("features", help="what each feature reads, keeps and sends")
    _asks(told, switches.features, reads=True)
    on = _asks(commands.add_parser("on", help="say what a feature does, ask, and switch it on"), switches.on)
    on.add_argument("whom", metavar="DEVICE|PERSON", help=WHOM)
    on.add_argument("feature", metavar="FEATURE", help="history or protection")
    on.add_argument(
        "--agree", type=times.number, metavar="VERSION", help="agree to this version of the text, without a question"
    )
    off = _asks(commands.add_parser("off", help="switch a feature off, and say what remains"), switches.off)
    off.add_argument("whom", metavar="DEVICE|PERSON", help=WHOM)
    off.add_argument("feature", metavar="FEATURE")
    off.add_argument("--erase", action="store_true", help="erase what was recorded, too")
    _asks(commands.add_parser("pause", help="history off on every device, until resumed"), switches.pause)
    resume = _asks(
        commands.add_parser("resume", help="list what was paused or suspended, ask, and switch on"), switches.resume
    )
    _yes(resume)


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
    history = _asks(
        commands.add_parser("history", help="sites that a device contacted, newest first"), views.history, True
    )
    history.add_argument("whom", metavar="DEVICE|PERSON", help=WHOM)
    history.add_argument("--search", metavar="TEXT", help="only sites with this in their name")
    history.add_argument(
        "--background", action="store_true", help="also what apps, ads and trackers fetched by themselves"
    )
    attempts = _asks(commands.add_parser("attempts", help="what was refused, newest first"), views.attempts, True)
    attempts.add_argument("whom", metavar="DEVICE|PERSON", nargs="?", help=WHOM)
    for of in (history, attempts):
        _window(of)
        _paged(of)
    take = _asks(commands.add_parser("export", help="everything held, as JSON or CSV"), export.export)
    _target(take)
    take.add_argument("--format", choices=("json", "csv"), default="json")
    take.add_argument("--output", metavar="PATH", help="a new file (JSON), or a new folder (CSV)")
    erase = _asks(commands.add_parser("erase", help="erase records for good"), edit.erase)
    _target(erase)
    erase.add_argument("--feature", choices=("history", "protection"), help="only what this feature recorded")
    _window(erase)
    _yes(erase)
    group = _group(commands, "visit", "correct one visit: dispute, background, remove")
    dispute = _asks(group.add_parser("dispute", help="mark a visit as wrong"), edit.visit_dispute)
    dispute.add_argument("--undo", action="store_true", help="take the mark away")
    sort = _asks(group.add_parser("background", help="say that nobody opened that"), edit.visit_background)
    sort.add_argument("--undo", action="store_true", help="say that somebody did")
    remove = _asks(group.add_parser("remove", help="remove a visit and what it pulled in"), edit.visit_remove)
    _yes(remove)
    for of in (dispute, sort, remove):
        of.add_argument("id", type=times.number, help="its number, from history")


def _requests(commands: Groups) -> None:
    group = _group(commands, "request", "what people ask for from their own devices: list, answer")
    listed = _asks(group.add_parser("list", help="objections and wishes"), views.request_list, reads=True)
    listed.add_argument("--open", action="store_true", help="only those without an answer")
    answer = _asks(group.add_parser("answer", help="answer one"), edit.request_answer)
    answer.add_argument("id", type=times.number)
    answer.add_argument("text")


def _verdicts(commands: Groups) -> None:
    explain = _asks(commands.add_parser("explain", help="why a name is refused or let through"), views.explain, True)
    what = explain.add_mutually_exclusive_group(required=True)
    what.add_argument("name", nargs="?", help="a name, as the device would ask for it")
    what.add_argument("--attempt", type=times.number, metavar="ID", help="a refused attempt: then and now")
    explain.add_argument("--device", help="as this device would be answered")
    explain.add_argument("--report", action="store_true", help="a text about a wrong refusal, to send yourself")
    for name, function, help in (
        ("allow", edit.allow, "let a name through, whatever the lists say"),
        ("block", edit.block, "refuse a name"),
    ):
        rule = _asks(commands.add_parser(name, help=help), function)
        rule.add_argument("name")
        whose = rule.add_mutually_exclusive_group()
        whose.add_argument("--device", help="for this device only")
        whose.add_argument("--person", help="for this person's devices only")
        _yes(rule)
        rule.add_argument("--for", dest="seconds", type=times.duration, metavar="DURATION", help="as in 30m, 2h, 7d")
    group = _group(commands, "rule", "the household's own rules: list, remove, export, import")
    _asks(group.add_parser("list", help="what was allowed and blocked"), views.rule_list, reads=True)
    remove = _asks(group.add_parser("remove", help="take a rule back"), edit.rule_remove)
    remove.add_argument("id", type=times.number)
    take = _asks(group.add_parser("export", help="all of them as text"), rule_text.export, reads=True)
    take.add_argument("--output", metavar="FILE", help="a new file (default: the terminal)")
    bring = _asks(group.add_parser("import", help="add those of a text file, all or none"), rule_text.take_in)
    bring.add_argument("file", metavar="FILE", help="as export makes it, or names alone; - for standard input")
    bring.add_argument("--as", dest="action", choices=("allow", "block"), help="what lines that are names alone do")
    _yes(bring)


def _proofs(commands: Groups) -> None:
    audit = _asks(commands.add_parser("audit", help="check every record against the consent ledger"), views.audit, True)
    audit.add_argument("--head", metavar="HASH", help="a head noted earlier: is it an ancestor of today's?")
    ledger = _asks(commands.add_parser("ledger", help="the consent ledger"), views.ledger, reads=True)
    ledger.add_argument("--limit", type=times.rows, metavar="N", help="the first N rows only")
    doctor = _local(commands.add_parser("doctor", help="check kernel and DNS from outside"), local.doctor)
    doctor.add_argument("--json", action="store_true", help="print one JSON document")
    _settings(doctor)


def _lists(commands: Groups) -> None:
    group = _group(commands, "lists", "block lists: status, choose, update, compile …")
    compile = _local(group.add_parser("compile", help="compile lists into one rule set"), local.lists_compile)
    compile.add_argument("files", nargs="*", metavar="FILE", help="default: the installed ones")
    compile.add_argument("--output", metavar="FILE", help="default: the setting ruleset_file")
    _settings(compile)
    _asks(group.add_parser("status", help="lists in use, and lists that can be fetched"), lists.status, reads=True)
    choose = _asks(group.add_parser("choose", help="have a list fetched"), lists.choose)
    choose.add_argument("--no", action="store_true", help="do not fetch it any more")
    add = _asks(
        group.add_parser("add", help="have a list fetched: by its id, or one of your own by its address"), lists.add
    )
    add.add_argument("--name", metavar="NAME", help="what to call it")
    add.add_argument("--category", metavar="WORD", help="what it blocks, such as phishing; default: own")
    add.add_argument("--syntax", metavar="SYNTAX", help="such as hosts, domains, adblock; default: found out by itself")
    remove = _asks(group.add_parser("remove", help="a list is not fetched any more"), lists.remove)
    for of in (add, remove):
        of.add_argument("list", metavar="LIST", help="its id, from lists status, or its address, https://…")
    _asks(group.add_parser("update", help="fetch the chosen lists now"), lists.update)
    _asks(group.add_parser("held", help="updates that wait for a decision"), lists.held, reads=True)
    accept = _asks(group.add_parser("accept", help="take an update that was held into use"), lists.accept)
    reject = _asks(group.add_parser("reject", help="refuse an update that was held"), lists.reject)
    for of in (choose, accept, reject):
        of.add_argument("list", metavar="LIST", help="its id, from lists status")
    _asks(group.add_parser("rollback", help="go back to the set before"), lists.rollback)
    never = group.add_parser("helplines", help="names that are never recorded and never refused")
    _asks(never, lists.helplines, reads=True)


def _reports(commands: Groups) -> None:
    group = _group(commands, "report", "counts for an operator, only if opted in: preview, list, show, opt-in …")
    _asks(group.add_parser("preview", help="exactly what would be sent now, and to whom"), report.preview, True)
    _asks(group.add_parser("list", help="what was made, sent, dropped or withdrawn"), report.listed, reads=True)
    shown = _asks(group.add_parser("show", help="one report's exact text"), report.shown, reads=True)
    shown.add_argument("id", type=times.number)
    opt_in = _asks(group.add_parser("opt-in", help="show what would be sent, ask, and switch it on"), report.opt_in)
    opt_in.add_argument(
        "--agree", type=times.number, metavar="VERSION", help="agree to this notice, without a question"
    )
    opt_in.add_argument("--terms", metavar="WORD", help="and to these terms, as preview --json names them")
    _asks(group.add_parser("opt-out", help="withdraw: what waits is purged before this returns"), report.opt_out)
    named = _asks(group.add_parser("operator", help="who receives reports; or name one"), report.operator, reads=True)
    which = named.add_mutually_exclusive_group()
    which.add_argument("file", nargs="?", metavar="FILE", help="the operator's particulars, as a JSON object")
    which.add_argument("--none", action="store_true", help="nobody any more")
    _yes(named)


def _rest(commands: Groups) -> None:
    group = _group(commands, "setting", "what the household may change while the daemon runs: list, set")
    _asks(group.add_parser("list", help="settings and their values"), views.setting_list, reads=True)
    change = _asks(group.add_parser("set", help="change a setting"), edit.setting_set)
    change.add_argument("key", metavar="NAME")
    change.add_argument("value", metavar="VALUE")
    _asks(commands.add_parser("setup-code", help="a one-time code for the web page"), edit.setup_code, reads=True)
