"""What the router can say in words of its own, read from the syntax trees: each sentence needs a translation.

Of a sentence that is put together, the parts that vary become "{}": "no device " + str(id) → "no device {}".
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from agent.core.lookalike import FEATURES

ROOT = Path(__file__).resolve().parent.parent.parent / "agent"
# Which argument of a call is the sentence.
SAID = {
    "BadInput": 0,
    "NotFound": 0,
    "BadRequest": 1,
    "OperationRejected": 1,
    "ControlRefused": 1,
    "Problem": 2,
    "StorageError": 0,
    "invalid": 1,
}
SAID |= {"Failed": 0, "NoRoom": 0, "_failed": 1}
# Where errors come from that reach a page: the operations and what they call, and the page's own program. Not what is
# wrong with a request's head (core/http.py) or a file of the package (core/feed_schedule.py): no page causes that.
PLACES = (
    "control/arguments.py",
    "daemon/operations/*.py",
    "daemon/household.py",
    "daemon/toggles.py",
    "daemon/control.py",
    "daemon/store/*.py",
    "daemon/lists/*.py",
    "daemon/reports/*.py",
    "jobs/web/*.py",
    "jobs/fetch.py",
    "jobs/feedstore.py",
    "jobs/update_job.py",
    "core/rules.py",
    "core/sites.py",
    "core/addresses.py",
    "core/consent.py",
    "core/features.py",
    "core/names.py",
    "core/setting_kinds.py",
    "core/operator.py",
    "core/week_file.py",
    "core/bech32.py",
    "core/rule_text.py",
    "core/settings.py",
    "core/windows.py",
    "core/content.py",
)  # fmt: skip


def template(node: ast.expr, scope: dict[str, ast.expr]) -> str:
    """The sentence that an expression makes, "{}" for what is not written down."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part, scope) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return template(node.left, scope) + template(node.right, scope)
    if isinstance(node, ast.Call) and named(node) == "Sentence":
        return template(node.args[0], scope)
    if isinstance(node, ast.Name) and node.id in scope:
        return template(scope[node.id], {})
    return "{}"


def choices(node: ast.expr, scope: dict[str, ast.expr]) -> list[str]:
    """As above; of a choice, both."""
    if isinstance(node, ast.IfExp):
        return choices(node.body, scope) + choices(node.orelse, scope)
    return [template(node, scope)]


def named(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def in_file(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    whole = constants(tree.body)
    for top in ast.walk(tree):
        if not isinstance(top, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        scope = whole | constants(ast.walk(top))
        for call in ast.walk(top):
            if isinstance(call, ast.Call) and named(call) in SAID and len(call.args) > SAID[named(call)]:
                for text in choices(call.args[SAID[named(call)]], scope):
                    # A field's name comes first: "label must be a text."
                    yield "{} " + text + "." if named(call) == "invalid" else text


def constants(nodes) -> dict[str, ast.expr]:
    found = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
        if isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
            found[node.target.id] = node.value
    return found


def of_lists() -> set[str]:
    """Why an update of a list waits, what became of one, and why a name looks like another."""
    found = {row[1] for row in FEATURES.values()}
    for name, function in (
        ("core/feed_schedule.py", "doubt"),
        ("jobs/update_job.py", ""),
        ("daemon/lists/feed_state.py", ""),
        ("daemon/runtime/list_updates.py", ""),
    ):
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            if isinstance(node, ast.FunctionDef) and node.name == function:
                found |= {template(of.value, {}) for of in ast.walk(node) if isinstance(of, ast.Return) and of.value}
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "attr", "") == "message" and not function:
                found |= {
                    template(of, {})
                    for of in (node.value.values if isinstance(node.value, ast.BoolOp) else [node.value])
                }
    return {text for text in found if re.search("[a-z]{2}", text)}


# Said where no page is: before the daemon runs, and on a command line.
NO_PAGE = ("cli/", "control/", "jobs/doctor/")


def with_values() -> set[str]:
    """Every sentence that carries values: how things stand, what became of a try, why something is not so."""
    found = set()
    for path in sorted(ROOT.rglob("*.py")):
        if path.relative_to(ROOT).as_posix().startswith(NO_PAGE):
            continue
        tree = ast.parse(path.read_text())
        scope = constants(ast.walk(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and named(node) == "Sentence":
                found.add(template(node.args[0], scope))
    return {text for text in found if re.search("[a-z]{2}", text)}


def of_standing() -> set[str]:
    """What the proof found, how things stand, and what other software on the router logs."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / "daemon/store/audit.py").read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "findings.append":
            found.add(template(node.args[0], {}))
        if isinstance(node, ast.ListComp) and template(node.elt, {}) != "{}":
            found.add(template(node.elt, {}))
    operations = ROOT / "daemon/operations"
    for node in [
        node for name in ("status.py", "recipients.py") for node in ast.walk(ast.parse((operations / name).read_text()))
    ]:
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            found.add(template(node.value.elts[1], {}))
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            found |= {template(value, {}) for key, value in pairs if getattr(key, "value", "") == "detail"}
    return {text for text in found if re.search("[a-z]{2}", text)}


# Where a sentence stays until a page asks for it, by the attribute's or variable's name.
STAYS = (
    "trouble",
    "refusal",
    "message",
    "no_job",
    "_trouble",
    "_refusal",
    "_page_trouble",
    "_full",
    "_flows",
    "_offloaded",
)


def filled() -> list[str]:
    """Places where values are put into a sentence before it is told: nobody could tell them from its words again."""
    found = []
    for path in sorted({path for place in PLACES for path in ROOT.glob(place)} | {*(ROOT / "daemon").rglob("*.py")}):
        tree = ast.parse(path.read_text())
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and named(node) in SAID]
        given = [call.args[SAID[named(call)]] for call in calls if len(call.args) > SAID[named(call)]]
        stays = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        given += [one.value for one in stays if getattr(one.targets[0], "attr", "") in STAYS]
        where = path.relative_to(ROOT).as_posix()
        found += [f"{where}:{node.lineno}" for node in given if "{}" in "".join(choices_put_together(node))]
    return found


def choices_put_together(node: ast.expr) -> list[str]:
    """The texts that an expression puts together with values; of a Sentence none."""
    if isinstance(node, ast.IfExp):
        return choices_put_together(node.body) + choices_put_together(node.orelse)
    return [template(node, {})] if isinstance(node, ast.JoinedStr | ast.BinOp) else []


def errors() -> set[str]:
    """Every sentence of an error that a page may have to show, without "{}" at its ends and doubled ones."""
    found = set()
    for place in PLACES:
        for path in ROOT.glob(place):
            # What the table says of an argument, the page's program says as a whole sentence.
            end = "." if place.startswith("control") else ""
            found |= {re.sub(r"(\{\})+", "{}", text) + end for text in in_file(path)}
    return {text for text in found if re.search("[a-z]{2}", text)}


def said_by_router() -> set[str]:
    """What the daemon says in words of its own that a page shows as they are."""
    from agent.core import features, operator, settings, summary, week_file
    from agent.daemon.kernel import switch, switch_sync
    from agent.daemon.limits import local_zone
    from agent.daemon.lists import loaded, retained
    from agent.daemon.operations import recipients, status
    from agent.daemon.reports import reports
    from agent.daemon.reports import week_file as files
    from agent.daemon.runtime import inspection_service
    from agent.daemon.store import outbox
    from agent.jobs import upload

    found = {features.NOTICE, operator.SEEN} | of_lists() | of_standing() | with_values()
    for row in features.FEATURES.values():
        found |= {row.reads, row.keeps, row.sends}
    found |= {row.sentence for row in settings.TABLE if row.household}
    found |= {row.sentence for row in summary.TABLE}
    found |= {local_zone.NO_ZONE, retained.NO_ROOM, loaded.NO_LIST, loaded.NO_SUFFIXES}
    found |= {switch.NOBODY, switch.LOST, switch_sync.REPEATER}
    found |= {
        inspection_service.ON,
        inspection_service.OFF,
        inspection_service.OFFLOADED,
        inspection_service.UNKNOWN,
        "DNS only: {}.",
    }
    found |= {
        outbox.CROWDED,
        outbox.CUT_OFF,
        reports.UNSETTLED,
        week_file.SEEN,
        files.UNSET,
        files.DELETED,
        files.CHANGED,
    }
    found |= {upload.ANSWERS, *re.findall(r'Outcome\((?:LATER|NEVER), "([^"{]+)"\)', Path(upload.__file__).read_text())}
    source = Path(status.__file__).read_text() + Path(recipients.__file__).read_text()
    found |= set(re.findall(r'return "[a-z_]+", "([A-Z][^"]+\.)"$', source, re.M))
    return found | set(re.findall(r'"((?:sees|its server|receives) [^"]+)"', source))
