"""What the project installs for itself is pinned to the byte: a release that was changed later is not taken."""

import re
from pathlib import Path

import pytest

from tools import processors

TOOLS = Path(__file__).resolve().parent.parent.parent / "tools"


@pytest.mark.parametrize("file", sorted(TOOLS.rglob("requirements*.txt")), ids=lambda file: file.name)
def test_each_pin_has_hashes(file: Path) -> None:
    if "node_modules" in file.parts:
        return
    pins = processors.pins(file)
    assert pins
    for pin in pins:
        assert re.fullmatch(r"[\w.-]+==[\w.]+( +--hash=sha256:[0-9a-f]{64})+", pin), pin


def test_each_installation_insists_on_them() -> None:
    setup = (TOOLS / "setup.sh").read_text().replace("\\\n", " ")
    installs = [line for line in setup.splitlines() if "pip install" in line]
    assert len(installs) == 3 and all("--require-hashes" in line for line in installs)
    assert "--require-hashes" in (TOOLS / "processors.py").read_text()
    assert "--require-hashes -r tools/collector" in (TOOLS / "collector" / "README.md").read_text()
