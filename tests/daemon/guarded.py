"""Programs for the guard's tests: `python -m tests.daemon.guarded DESCRIPTOR BEHAVIOUR [STOP_S]`.

In place of netlink there is an inherited datagram socket to the test, so that the test sees what the guard sends. Each
start of the daemon says its pid and the time on stdout.
"""

import os
import select
import signal
import socket
import sys
import time

from agent.daemon import guard


def beat_until(heartbeat: int, end: float) -> None:
    """Until then, or until the guard is gone, which a beat may be the first to notice."""
    while time.monotonic() < end:
        try:
            os.write(heartbeat, b".")
            alone = bool(select.select([heartbeat], [], [], 0.1)[0])
        except BrokenPipeError:
            alone = True
        if alone:
            say("the guard is gone")
            os._exit(3)


def say(words: str) -> None:
    os.write(1, words.encode() + b"\n")


def ready(heartbeat: int) -> None:
    """The first beat comes before anything is done: from then on silence counts."""
    os.write(heartbeat, b".")
    say("ready")


def finish(heartbeat: int) -> int:
    beat_until(heartbeat, time.monotonic() + 0.3)
    return 0


def misconfigured(heartbeat: int) -> int:
    return guard.EX_CONFIG


def crash(heartbeat: int) -> int:
    beat_until(heartbeat, time.monotonic() + 0.1)
    raise SystemExit(5)


def live(heartbeat: int) -> int:
    signal.signal(signal.SIGHUP, lambda *_: say("reload"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ready(heartbeat)
    beat_until(heartbeat, time.monotonic() + 60)
    return 1


def hang(heartbeat: int) -> int:
    beat_until(heartbeat, time.monotonic() + 0.3)
    say(f"silent {time.monotonic()}")
    while True:
        pass


def wait_for_disk(heartbeat: int) -> int:
    """A commit takes longer than the silence of a hung daemon."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ready(heartbeat)
    os.write(heartbeat, guard.DISK)
    say(f"waits {time.monotonic()}")
    time.sleep(guard.SILENCE_S + 1.5)
    say("waited")
    beat_until(heartbeat, time.monotonic() + 60)
    return 1


def wait_for_ever(heartbeat: int) -> int:
    ready(heartbeat)
    os.write(heartbeat, guard.DISK)
    say(f"waits {time.monotonic()}")
    time.sleep(600)
    return 1


def dawdle(heartbeat: int) -> int:
    """Reads Python from a slow flash and has no handlers yet."""
    time.sleep(60)
    return 1


def stop_slowly(heartbeat: int) -> int:
    """A last snapshot takes longer than a beat."""

    def snapshot(*_: object) -> None:
        time.sleep(guard.SILENCE_S + 0.7)
        say("saved")
        sys.exit(0)

    signal.signal(signal.SIGTERM, snapshot)
    ready(heartbeat)
    beat_until(heartbeat, time.monotonic() + 60)
    return 1


def refuse_to_stop(heartbeat: int) -> int:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ready(heartbeat)
    beat_until(heartbeat, time.monotonic() + 60)
    return 1


def orphan(heartbeat: int) -> int:
    """Leaves a grandchild that ends later, as a job's helper might."""
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(0.3)
        os._exit(0)
    os.wait()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ready(heartbeat)
    beat_until(heartbeat, time.monotonic() + 60)
    return 1


BEHAVIOURS = {
    behaviour.__name__: behaviour
    for behaviour in (
        finish,
        misconfigured,
        crash,
        live,
        hang,
        wait_for_disk,
        wait_for_ever,
        dawdle,
        stop_slowly,
        refuse_to_stop,
        orphan,
    )
}


def main() -> int:
    behaviour = BEHAVIOURS[sys.argv[2]]
    guard.DISK_S = 4.0
    if len(sys.argv) > 3:
        guard.STOP_S = float(sys.argv[3])
    witness = socket.socket(fileno=int(sys.argv[1]))

    def start(heartbeat: int, netlink: socket.socket | None) -> int:
        say(f"{os.getpid()} {time.monotonic()}")
        return behaviour(heartbeat)

    return guard.run(start, witness, [b"delete the table", b"end the flows"])


if __name__ == "__main__":
    sys.exit(main())
