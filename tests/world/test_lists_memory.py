"""Where memory is short the update ends, and says why; the daemon goes on. In a real memory cgroup, files in memory."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.bad_server import Authority, names, validated
from tests.world.lists import house
from tests.world.memory import memory

COUNT = 300_001


@pytest.fixture
def shared_memory() -> Iterator[Path]:
    if not Path("/dev/shm").is_dir():
        pytest.skip("not here: no /dev/shm")
    with tempfile.TemporaryDirectory(prefix="privacy-agent-", dir="/dev/shm") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("size_mb", [32, 48, 64])
def test_the_daemon_outlives_an_update(authority: Authority, shared_memory: Path, size_mb: int) -> None:
    with memory(size_mb << 20) as group, house(authority, "one") as home:
        home.inside = group.command
        (home.folder / "run").symlink_to(shared_memory)
        home.start(lists_auto=False)
        assert home.running
        daemon = home.running.daemon_pid()
        ended = 0
        for turn in range(4):
            home.server.pages["/one"] = validated(names(COUNT, f"one{turn}x"), f'"{turn}"')
            said = home.updated()["message"]
            assert home.running.daemon_pid() == daemon
            if said:
                ended += 1
                assert "memory" in said
            else:
                assert home.blocks(f"one{turn}x7.example")
        # The smaller the group, the more often; with 64 MB never.
        assert ended == 0 if size_mb == 64 else ended < 4 or size_mb == 32


def test_jobs_go_first_and_the_daemon_does_not(authority: Authority) -> None:
    with house(authority, "one") as home:
        seen: list[str] = []

        def look(asked: object) -> None:
            assert home.running
            daemon = home.running.daemon_pid()
            for pid in Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split():
                seen.append(Path(f"/proc/{pid}/oom_score_adj").read_text().strip())

        home.server.pages["/one"] = look
        home.start(lists_auto=False)
        own = Path("/proc/self/oom_score_adj").read_text()
        home.updated()
        assert seen and set(seen) == {"1000"}
        assert home.running
        for pid in (home.running.guard.pid, home.running.daemon_pid()):
            assert Path(f"/proc/{pid}/oom_score_adj").read_text() == own
