"""One way to start the daemon in a test: as the product does, or by `main` where a test needs steps, a clock or a pace.

`main` runs guard and daemon with what the test hands in. Files beside the settings tell it more: at the step named in
`crash` the daemon kills itself, `time` holds the seconds by which its clocks are ahead (--moved).
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":  # alone: without site and without the folder that it lies in
    sys.path.insert(0, str(ROOT))

from agent.client import ControlClient, Unreachable  # noqa: E402
from agent.core.nft.teardown import farewell  # noqa: E402
from agent.daemon import guard  # noqa: E402
from agent.daemon.clock import Clock  # noqa: E402
from agent.daemon.kernel.nfsocket import open_socket  # noqa: E402
from agent.daemon.pace import Pace  # noqa: E402

READY_S = 30.0
WEEKS_BACK_S = 5 * 7 * 86400  # the receiver's clock, which nobody moves, finds no report to come from a week ahead


def product(settings: dict[str, object] | Path) -> list[str]:
    """The command line of `privacy-agent run`, with settings or a file of them."""
    command = [sys.executable, "-m", "agent"]
    if isinstance(settings, Path):
        return [*command, "--settings", str(settings), "run"]
    return [*command, "run", *[word for name, value in settings.items() for word in ("--set", f"{name}={value}")]]


def handed(settings: Path, *options: str) -> list[str]:
    """The command line of `main`."""
    return [sys.executable, "-I", "-S", str(ROOT / "tests" / "harness.py"), str(settings), *options]


class HeldClient(ControlClient):
    """Holds what is replied to the table of operations."""

    def call(self, op: str, **arguments: object) -> dict[str, object]:
        from tests.control.shapes import wrong  # here: the daemon that is started here has no tests beside it

        reply = super().call(op, **arguments)
        assert not wrong(op, reply)
        return reply


def connected(path: Path, alive: object = lambda: True, said: object = str, within_s: float = READY_S) -> ControlClient:
    """A connection to a daemon that answers; AssertionError with what it `said()` when it is not `alive()` or late."""
    end = time.monotonic() + within_s
    while True:
        client = None
        try:
            client = HeldClient(str(path))
            client.call("features")
            return client
        except (Unreachable, OSError):
            if client is not None:
                client.close()
            if not alive() or time.monotonic() > end:  # type: ignore[operator]
                raise AssertionError(f"the daemon does not answer:\n{said()}") from None  # type: ignore[operator]
            time.sleep(0.02)


class HandedPace(Pace):
    def __init__(self, folder: str, quick: bool, is_moved: bool, hang_at: str) -> None:
        if quick:
            self.lists_due_s = self.report_tick_s = 0.1
        self._folder = folder
        self._is_moved = is_moved
        self._hang_at = hang_at

    def clock(self, saved: str, awaited: str) -> Clock:
        return MovedClock(os.path.join(self._folder, "time"), saved) if self._is_moved else Clock(saved, awaited)

    def step(self, name: str) -> None:
        while name == self._hang_at:
            pass
        path = os.path.join(self._folder, "crash")
        try:
            with open(path) as file:
                wanted = file.read()
        except FileNotFoundError:
            return
        if name == wanted:
            os.unlink(path)
            os.kill(os.getpid(), signal.SIGKILL)


class MovedClock(Clock):
    """Age and wall go on by the seconds in a file; the wall starts weeks back."""

    def __init__(self, path: str, saved: str) -> None:
        self._path = path
        super().__init__(saved)

    def _moved_s(self) -> int:
        with open(self._path) as file:
            return int(file.read() or 0)

    def age(self) -> int:
        return super().age() + self._moved_s()

    def wall(self) -> int:
        return int(time.time()) - WEEKS_BACK_S + self._moved_s()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("settings")
    parser.add_argument("--quick", action="store_true", help="what repeats, repeats ten times a second")
    parser.add_argument("--moved", action="store_true")
    parser.add_argument("--kernel", action="store_true", help="with the table, as where the daemon has its rights")
    parser.add_argument("--patient", action="store_true", help="with the guard's own pauses")
    parser.add_argument("--spoken-for", action="store_true", help="root says what a person says at their own device")
    parser.add_argument("--hang-at", default="")
    given = parser.parse_args()

    def start(heartbeat, netlink):  # type: ignore[no-untyped-def]
        from agent.control.operations import CLI, OPERATIONS, WEB
        from agent.daemon.daemon import serve

        for operation in OPERATIONS.values() if given.spoken_for else ():
            if operation.roles == (WEB,):
                operation.roles = (WEB, CLI)
        pace = HandedPace(os.path.dirname(given.settings), given.quick, given.moved, given.hang_at)
        return serve(given.settings, "{}", heartbeat, netlink, pace)

    # Hundreds of kills in a row are the test's, not a daemon's that can't start.
    back_off_s = guard.BACK_OFF_S if given.patient else (0.0,)
    return guard.run(start, open_socket() if given.kernel else None, farewell() if given.kernel else [], back_off_s)


if __name__ == "__main__":
    sys.exit(main())
