"""Takes docstrings and annotations out of the modules below a folder: nothing reads them on a router, where they take
memory and flash. All other text stays in its line, so a traceback's lines are those of the repository.

    python bare_sources.py FOLDER
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

NOTHING = b"0"  # a statement that compiles to none
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

Place = ast.expr | ast.stmt | ast.arg
Cut = tuple[int, int, bytes, bytes]  # from and to which byte; what is there instead, and before each end of a line


class Places:
    """Where in a module's bytes a node begins and ends."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def begin(self, node: Place) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: Place) -> int:
        assert node.end_lineno and node.end_col_offset is not None
        return self._starts[node.end_lineno - 1] + node.end_col_offset


def bare(source: bytes) -> bytes:
    places, tree = Places(source), ast.parse(source)
    made, reached = [], 0
    for first, last, instead, before in sorted([*docstrings(tree, places), *annotations(tree, places)]):
        made += [source[reached:first], instead, (before + b"\n") * source.count(b"\n", first, last)]
        reached = last
    return b"".join(made) + source[reached:]


def docstrings(tree: ast.Module, places: Places) -> Iterator[Cut]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS)) and ast.get_docstring(node, False) is not None:
            # Before a module's `from __future__` no statement may stand.
            instead = b"" if isinstance(node, ast.Module) else NOTHING
            yield places.begin(node.body[0]), places.end(node.body[0]), instead, b""


def annotations(tree: ast.Module, places: Places) -> Iterator[Cut]:
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS) and node.returns:
            arrow = places.source.rindex(b"->", 0, places.begin(node.returns))
            yield arrow, places.end(node.returns), b"", b"\\"  # no brackets around it
        elif isinstance(node, ast.arg) and node.annotation:
            yield places.begin(node) + len(node.arg.encode()), places.end(node.annotation), b"", b""
        elif isinstance(node, ast.AnnAssign) and node.value:
            yield places.end(node.target), places.end(node.annotation), b"", b""
        elif isinstance(node, ast.AnnAssign):
            yield places.begin(node), places.end(node), NOTHING, b""


def main(folder: str) -> None:
    for path in sorted(Path(folder).rglob("*.py")):
        path.write_bytes(bare(path.read_bytes()))


if __name__ == "__main__":
    main(sys.argv[1])
