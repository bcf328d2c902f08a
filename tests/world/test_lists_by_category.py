"""What the lists by category block, of what nobody means by them: counted on real lists."""

import pytest

from tests.bench.categories import DATA, DEFAULTS, measured


def test_a_category_blocks_nothing_that_is_needed() -> None:
    if not (DATA / "parental").exists():
        pytest.skip("not here: " + str(DATA / "parental"))
    blocked = measured()
    for category, hits in blocked.items():
        assert hits["helplines"] == hits["plumbing"] == [], category
    for category in DEFAULTS:
        assert blocked[category]["well-known"] == blocked[category]["banks"] == blocked[category]["schools"] == []
        assert len(blocked[category]["popular"]) < 200, "one in 150"
