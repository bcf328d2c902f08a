"""The package's modules are the repository's without docstrings and annotations, line by line."""

import ast
from pathlib import Path

import pytest

from tools.openwrt.bare_sources import bare

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


class Stripped(ast.NodeTransformer):
    """The same of a syntax tree, where it is easy."""

    def visit(self, node):
        node = self.generic_visit(node)
        if isinstance(node, ast.Module | ast.ClassDef | FUNCTIONS) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] if isinstance(node, ast.Module) else [ast.Expr(ast.Constant(0)), *node.body[1:]]
        if isinstance(node, FUNCTIONS):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            return ast.Assign([node.target], node.value) if node.value else ast.Expr(ast.Constant(0))
        return node


def test_all_modules_are_the_same_but_for_those():
    for path in sorted((ROOT / "agent").rglob("*.py")):
        source = path.read_bytes()
        assert ast.dump(ast.parse(bare(source))) == ast.dump(Stripped().visit(ast.parse(source))), path


@pytest.mark.parametrize("path", ["agent/daemon/dns/upstream.py", "agent/daemon/toggles.py", "agent/core/model.py"])
def test_code_stays_in_its_line(path):
    source = (ROOT / path).read_bytes()

    def lines(text):
        kinds = ast.Return | ast.If | ast.Call | FUNCTIONS
        return [
            (type(node), node.lineno) for node in ast.walk(Stripped().visit(ast.parse(text))) if isinstance(node, kinds)
        ]

    assert lines(bare(source)) == lines(source)


def test_what_spans_lines_and_what_looks_alike():
    source = '''"""Of a module."""
from __future__ import annotations
def one(
    a: dict[
        str, int
    ],
    *ä: "x -> y",  # a: kept
) -> dict[
    str, int
]:
    """Doc."""
class Two(Exception):
    """
    Doc.
    """
x: "list[int]" = [lambda y: 1][0:1]
def three(): "Doc, -> this"
async def four(a: int) -> str:
    "Doc."
'''
    wanted = [
        "",
        "from __future__ import annotations",
        "def one(",
        "    a",
        "",
        ",",
        "    *ä,  # a: kept",
        ") \\",
        "\\",
        ":",
        "    0",
        "class Two(Exception):",
        "    0",
        "",
        "",
        "x = [lambda y: 1][0:1]",
        "def three(): 0",
        "async def four(a) :",
        "    0",
        "",
    ]
    assert bare(source.encode()).decode().split("\n") == wanted
    compile("\n".join(wanted), "", "exec")
