"""Both sides keep to the table of operations: the daemon's handlers, the web API, the command line, LuCI's plugin."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from agent.control.arguments import KINDS, check
from agent.control.operations import AREAS, BOTH, EVENTS, OPERATIONS, checked
from agent.core.model import BadInput
from agent.daemon.operations import TABLE
from agent.jobs.web.routes import ROUTES

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "packaging/openwrt/luci-app-privacy-agent/root/usr/libexec/rpcd/privacy-agent"


def test_each_operation_has_its_handler() -> None:
    assert all(callable(TABLE[name]) for name in OPERATIONS)
    areas = {name: f"agent.daemon.operations.{area}" for area, names in AREAS.items() for name in names.split()}
    assert {name: areas.get(name) for name in OPERATIONS} == areas
    for area in set(areas.values()):
        assert set(importlib.import_module(area).TABLE) == {name for name, place in areas.items() if place == area}


def test_what_is_published_is_in_the_table() -> None:
    published = set()
    for path in (ROOT / "agent/daemon").rglob("*.py"):
        published |= set(re.findall(r'"event": "(\w+)"', path.read_text()))
    assert published == set(EVENTS)
    assert {event for operation in OPERATIONS.values() for event in operation.events} <= set(EVENTS)


def asked(path: Path) -> list[tuple[str, set[str]]]:
    """(operation, names of its arguments) of each `call("op", name=…)` and `items("op", …)` in a file."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") not in ("call", "items") or not node.args:
            continue
        op = node.args[0]
        if isinstance(op, ast.Constant) and isinstance(op.value, str):
            found.append((op.value, {word.arg for word in node.keywords if word.arg} - {"actor"}))
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "agent/cli").glob("*.py")), ids=lambda path: path.stem)
def test_the_command_line_asks_what_is_there(path: Path) -> None:
    for op, names in asked(path):
        assert "cli" in OPERATIONS[op].roles, op
        assert names <= set(OPERATIONS[op].arguments), op


def test_the_web_api_asks_what_is_there() -> None:
    for route in ROUTES:
        if route.op.startswith("."):
            continue
        operation = OPERATIONS[route.op]
        in_path = {part[1:-1] for part in route.path.split("/") if part.startswith("{")}
        given = in_path | set(route.query) | set(route.body)
        assert "web" in operation.roles and given <= set(operation.arguments), route.path


def test_lucis_plugin_asks_what_is_there() -> None:
    written = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(PLUGIN.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Dict)
    }
    for method, (types, op) in written["METHODS"].items():
        names = {written["NAMES"].get(name, name) for name in types} - {"lang"}  # the plugin's own
        assert "cli" in OPERATIONS[op].roles and names <= set(OPERATIONS[op].arguments), method


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_what_is_needed_must_be_given(name: str) -> None:
    needed = {argument: example(OPERATIONS[name].arguments[argument]) for argument in OPERATIONS[name].needs}
    checked(name, {"op": name, **needed})
    for argument in needed:
        with pytest.raises(BadInput, match=argument + " is missing"):
            checked(name, {word: value for word, value in needed.items() if word != argument})


def example(kind: dict) -> object:  # type: ignore[type-arg]
    """The longest or highest value of a kind."""
    if "enum" in kind:
        return kind["enum"][-1]
    return {"string": "x" * int(kind.get("maxLength", 1)), "integer": kind.get("maximum"), "boolean": True}.get(
        kind.get("type", ""), []
    )


@pytest.mark.parametrize("name", sorted(KINDS))
def test_each_kind_takes_its_own_and_nothing_else(name: str) -> None:
    check(name, KINDS[name], example(KINDS[name]))
    for odd in (object(), 2**64, -(2**64), "", "²" * 3000, 1.5, float("nan"), [1], {"x": 1}, b"x"):
        if KINDS[name]:
            with pytest.raises(BadInput, match=f"^{name} "):
                check(name, KINDS[name], odd)


def test_who_may_ask() -> None:
    assert all(set(operation.roles) <= {*BOTH, "feeds", "report"} for operation in OPERATIONS.values())
    jobs = {name for name, operation in OPERATIONS.items() if not set(operation.roles) & set(BOTH)}
    assert jobs == {name for name in OPERATIONS if name.startswith(("feeds.", "report."))}
