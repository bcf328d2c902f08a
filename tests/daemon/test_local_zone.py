"""What the router says of its time zone and of the lists' copy has its values apart, for every language."""

from pathlib import Path

from agent.core.model import Sentence, spoken
from agent.core.settings import read
from agent.daemon.limits.local_zone import NO_ZONE, LocalZone
from agent.daemon.lists.retained import RetainedSet


def test_a_zone_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    given = tmp_path / "timezone"
    given.write_text("nonsense")
    zone = LocalZone(str(tmp_path), ())
    assert spoken("trouble", zone.trouble) == {
        "trouble": f"the time zone in {given} can't be read: times are UTC",
        "trouble_sentence": ["the time zone in {} can't be read: times are UTC", str(given)],
    }
    given.write_text("CET-1CEST,M3.5.0,M10.5.0/3")
    assert zone.look() and not zone.trouble
    given.unlink()
    assert zone.look() and zone.trouble == NO_ZONE


def test_a_copy_of_the_lists_that_is_damaged_or_too_large(tmp_path: Path) -> None:
    Path(tmp_path, "rules.bin").write_bytes(b"x" * 2_000_000)
    kept = RetainedSet(read("", {"state_dir": str(tmp_path)}), lambda folder: 1_000_000)
    target = str(tmp_path / "in-use")
    kept.restore(target)
    assert isinstance(kept.trouble, Sentence) and kept.trouble.text.endswith("damaged and not used: {}")
    Path(target).write_bytes(b"x" * 2_000_000)
    kept.check(target, {"one": "1"}, 0)
    assert isinstance(kept.trouble, Sentence) and kept.trouble.values == ("2.0", "1.0")
