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


def of_holding() -> set[str]:
    """Why somebody's internet is not off although it should be, and what to do."""
    found = set()
    for name in ("runtime/hold_service.py", "kernel/holding.py", "kernel/flow_ending.py", "limits/keeper.py"):
        for node in ast.walk(ast.parse((ROOT / "daemon" / name).read_text())):
            if isinstance(node, ast.JoinedStr) and re.fullmatch("[A-Z].* .*[.]", template(node, {})):
                found.add(template(node, {}))
    return found


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
    from agent.daemon.operations import recipients, status
    from agent.daemon.reports import reports
    from agent.daemon.reports import week_file as files
    from agent.daemon.runtime import inspection_service
    from agent.daemon.store import outbox
    from agent.jobs import upload

    found = {features.NOTICE, operator.SEEN} | of_lists() | of_standing() | of_holding()
    for row in features.FEATURES.values():
        found |= {row.reads, row.keeps, row.sends}
    found |= {row.sentence for row in settings.TABLE if row.household}
    found |= {row.sentence for row in summary.TABLE}
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
