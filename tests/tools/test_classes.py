"""tools/test requires each class of tests to have run, and runs alone what needs the machine for itself."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
SCRIPT = (ROOT / "tools" / "test").read_text()
# The beam test of this folder runs in an environment of its own; benchmarks are no tests.
NO_CLASSES = {"bench", "data"}
LAB = re.compile(r"^(from|import) tests\.lab\b|\b(lab: [L]ab|resident: [R]esident|agent: [A]gent)\b", re.MULTILINE)


def words(name: str) -> list[str]:
    found = [value.strip('"') for value in re.findall(rf'^ *{name}=("[^"]*"|\S+)$', SCRIPT, re.MULTILINE)]
    return re.split(r"[\s,]+", ",".join(found))


def classes() -> set[str]:
    folders = {path.parent.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/test_*.py")}
    return (folders | {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")}) - NO_CLASSES


def test_each_class_is_required() -> None:
    assert "--require=qemu" in SCRIPT
    assert classes() == {"qemu", *words("SHARED_CLASSES"), *words("ALONE_CLASSES")} - {""}


def test_what_runs_alone_is_there_and_is_all_that_uses_the_lab() -> None:
    alone = {Path(word) for word in words("ALONE")}
    assert all((ROOT / path).exists() for path in alone)
    for path in TESTS.rglob("test_*.py"):
        place = path.relative_to(ROOT)
        uses = LAB.search(path.read_text())
        if uses:
            assert alone & {place, *place.parents}, f"{place}: {uses[0]}"
