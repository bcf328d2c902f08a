"""TROUBLESHOOTING.md has every sentence that doctor can say, once, and none that it no longer says.

Sentences are read from the code: the third argument of each Finding. What varies in them is written "…".
"""

import ast
import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
DOCTOR = PROJECT / "agent" / "jobs" / "doctor"
PAGE = PROJECT / "TROUBLESHOOTING.md"
VARIES = "…"
WELL = "## When all is well"


def template(node: ast.expr, function: ast.AST) -> str:
    """A sentence's fixed words."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(template(part, function) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return template(left, function) + template(right, function)
        case ast.Name(id=name):
            return template(assigned(name, function, node.lineno), function)
    return VARIES


def assigned(name: str, function: ast.AST, line: int) -> ast.expr:
    """What a name stands for: its last assignment before the line."""
    found = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        and node.lineno < line
        and [getattr(t, "id", "") for t in node.targets] == [name]
    ]
    return max(found, key=lambda node: node.lineno).value


def said() -> list[tuple[str, str]]:
    """(level's name, sentence) of every Finding; a level that is computed gives ""."""
    found = []
    for path in sorted(DOCTOR.glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding":
                    level = getattr(node.args[0], "id", "")
                    sentence = re.sub(f"({VARIES})+", VARIES, template(node.args[2], function))
                    found.append((level if level.isupper() else "", sentence))
    return found


def test_the_collector_finds_them_all():
    calls = sum(path.read_text().count("Finding(") for path in DOCTOR.glob("*.py")) - 1  # the class itself
    assert len(said()) == calls
    assert ("OK", "The clock is set.") in said()
    assert ("FAILURE", "The resolver … does not answer: ….") in [("FAILURE", text) for _, text in said()]


def test_each_sentence_that_asks_for_something_has_a_chapter():
    wanted = sorted({sentence for level, sentence in said() if level != "OK" and sentence != VARIES})
    before, _, _ = PAGE.read_text().partition(WELL)
    assert sorted(re.findall(r"^### (.+)$", before, re.MULTILINE)) == wanted


def test_each_sentence_of_a_healthy_router_is_listed():
    wanted = sorted({sentence for level, sentence in said() if level == "OK"})
    _, _, well = PAGE.read_text().partition(WELL)
    assert sorted(re.findall(r"^- (.+)$", well, re.MULTILINE)) == wanted


def test_each_chapter_says_what_to_do():
    before, _, _ = PAGE.read_text().partition(WELL)
    for chapter in before.split("\n### ")[1:]:
        title, _, text = chapter.partition("\n")
        assert len(text.split()) > 12, f"says too little: {title}"
