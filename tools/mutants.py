"""The mutants of a module, one at a time: another comparison, condition, constant, return value, or no statement.

Left out: words of errors, docstrings, annotations, defaults of arguments, `__slots__`, plain assignments to a name.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any

SWAPS: dict[type, tuple[type, ...]] = {
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.And: (ast.Or,), ast.Or: (ast.And,), ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,), ast.Mult: (ast.FloorDiv,), ast.FloorDiv: (ast.Mult,), ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,), ast.Mod: (ast.Mult,),
}  # fmt: skip
REMOVABLE = (ast.Expr, ast.AugAssign, ast.Assign, ast.Raise, ast.Delete, ast.Continue, ast.Break)
PASSED_OVER = ("annotation", "returns", "decorator_list", "type_params", "format_spec", "bases")


def mutants(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """What was done, and in which line; the tree is that mutant until the next is asked for."""
    for parent, field, at in list(_places(tree)):
        holder = getattr(parent, field)
        node = holder if at is None else holder[at]
        for new in _others(node):
            ast.fix_missing_locations(ast.copy_location(new, node))
            _put(parent, field, at, new)
            yield f"{ast.unparse(node).splitlines()[0]}  ->  {ast.unparse(new).splitlines()[0]}", node.lineno
            _put(parent, field, at, node)


def _put(parent: ast.AST, field: str, at: int | None, node: ast.AST) -> None:
    if at is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[at] = node


def _places(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """(parent, field, index) of each node that may be mutated."""
    for field, value in ast.iter_fields(tree):
        if field in PASSED_OVER or isinstance(value, ast.arguments):
            continue
        nodes = enumerate(value) if isinstance(value, list) else [(None, value)]
        for at, node in nodes:
            if isinstance(node, ast.AST) and not _is_words(node):
                yield tree, field, at
                if not isinstance(node, ast.Raise):
                    yield from _places(node)


def _is_words(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id == "__slots__"
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _others(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the place of a node."""
    for kind, made in MAKERS.items():
        if isinstance(node, kind):
            yield from made(node)
    named = isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Name, ast.Tuple))
    if isinstance(node, REMOVABLE) and not named:
        yield ast.Pass()


def _constant(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
    elif isinstance(node.value, (str, bytes)):
        yield ast.Constant(node.value[:0] or (b"x" if node.value == b"" else "" if node.value else "x"))


def _compared(node: ast.Compare) -> Iterator[ast.AST]:
    for at, one in enumerate(node.ops):
        for swap in SWAPS[type(one)]:
            yield ast.Compare(node.left, [*node.ops[:at], swap(), *node.ops[at + 1 :]], node.comparators)


def _combined(node: ast.BoolOp) -> Iterator[ast.AST]:
    yield ast.BoolOp(SWAPS[type(node.op)][0](), node.values)
    for at in range(len(node.values)):
        rest = node.values[:at] + node.values[at + 1 :]
        yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


def _computed(node: ast.BinOp) -> Iterator[ast.AST]:
    for swap in SWAPS.get(type(node.op), ()):
        yield ast.BinOp(node.left, swap(), node.right)


def _negated(node: ast.UnaryOp) -> Iterator[ast.AST]:
    if isinstance(node.op, ast.Not):
        yield node.operand


def _returned(node: ast.Return) -> Iterator[ast.AST]:
    if node.value and not (isinstance(node.value, ast.Constant) and node.value.value is None):
        yield ast.Return(ast.Constant(None))


def _branched(node: ast.If | ast.While | ast.IfExp) -> Iterator[ast.AST]:
    if isinstance(node.test, (ast.Name, ast.Attribute, ast.Call)):
        made = copy.copy(node)
        made.test = ast.UnaryOp(ast.Not(), node.test)
        yield made


MAKERS: dict[type, Callable[[Any], Iterator[ast.AST]]] = {
    ast.Constant: _constant, ast.Compare: _compared, ast.BoolOp: _combined, ast.BinOp: _computed,
    ast.UnaryOp: _negated, ast.Return: _returned, ast.If: _branched, ast.While: _branched, ast.IfExp: _branched,
}  # fmt: skip
