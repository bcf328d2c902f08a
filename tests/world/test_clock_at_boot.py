"""A router that was off: the clock that it starts with is plausible and wrong, until NTP has set it."""

from pathlib import Path

from agent.daemon.clock import CONFIRMED, Clock, confirmation

DAY_S = 86400
BEFORE = 1_790_000_000  # wall, when the power went; the household was 1,000,000 s old
SAVED = f"1000000 another-boot 500 {BEFORE} 1000000 1"
OFF_S = 30 * DAY_S


class Router(Clock):
    """With a wall clock of its own."""

    shown = BEFORE + 60  # what sysfixtime finds: the last write to /etc

    def wall(self) -> int:
        return self.shown


def test_the_time_off_counts_once_ntp_has_set_the_clock(tmp_path: Path) -> None:
    router = Router(SAVED, str(tmp_path / CONFIRMED))
    router.age()
    assert router.is_set and not router.trusted
    router.shown = BEFORE + OFF_S
    router.age()
    assert router.age() < 1000000 + OFF_S, "stepped, and nobody confirmed it"
    (tmp_path / CONFIRMED).touch()
    assert router.trusted and router.age() >= 1000000 + OFF_S


def test_what_was_saved_before_ntp_came_loses_nothing_of_it(tmp_path: Path) -> None:
    """A restart in between, and one more power cut."""
    saved = Router(SAVED, str(tmp_path / CONFIRMED)).save()
    (tmp_path / CONFIRMED).touch()
    again = Router(saved, str(tmp_path / CONFIRMED))
    again.shown = BEFORE + OFF_S
    assert again.age() >= 1000000 + OFF_S


def test_where_no_ntp_runs_a_clock_that_is_set_is_trusted(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.delenv("PRIVACY_AGENT_CLOCK", raising=False)
    assert confirmation(str(tmp_path)) == "" and Router(SAVED).trusted
    monkeypatch.setenv("PRIVACY_AGENT_CLOCK", "ntp")
    assert not Router(SAVED, confirmation(str(tmp_path))).trusted
