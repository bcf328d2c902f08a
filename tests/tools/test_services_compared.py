"""The shipped services against another's sets of the same: 95 % of its names are blocked, where its data is there.

The sets are nextdns/services' (MIT), as {"id": [names]} in `../shared/data/parental/services-nextdns.json.xz`.
"""

import json
import lzma
import subprocess
import sys
from pathlib import Path

import pytest

from agent.core.names import parse
from agent.core.services import Services, read_services

ROOT = Path(__file__).resolve().parents[2]
PARENTAL = ROOT.parent / "shared" / "data" / "parental"
OURS, THEIRS = PARENTAL / "services-v2fly.json.xz", PARENTAL / "services-nextdns.json.xz"
ENOUGH = 0.95


def test_the_names_of_another_s_sets_are_blocked(tmp_path: Path) -> None:
    for needed in (OURS, THEIRS):
        if not needed.exists():
            pytest.skip(f"not here: {needed}, to compare with")
    made = tmp_path / "services.json"
    subprocess.run([sys.executable, str(ROOT / "tools" / "build-services"), str(OURS), "-o", str(made)], check=True)
    services = {one.id: one for one in read_services(made.read_text())}
    known, missing = Services(services), {}
    for id, names in json.loads(lzma.decompress(THEIRS.read_bytes())).items():
        if id in services and names:
            free = [name for name in names if known.rule(parse(name), (id,)) is None]
            if len(free) > (1 - ENOUGH) * len(names):
                missing[id] = free
    assert not missing
