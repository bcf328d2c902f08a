"""Runs a command for as long as it makes progress: `python tools/progress.py MINUTES COMMAND …`.

What the command prints is passed on. It is ended, with all it started, once it has printed nothing for so many minutes:
a busy machine makes a step slower, which is no failure; only one that stands still is. Exits as the command does, or
with 124.
"""

import os
import select
import signal
import subprocess
import sys

GRACE_S = 30  # for pytest to print what it has


def run(quiet_s: float, command: list[str]) -> int:
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda received, frame: os.killpg(process.pid, received))
        if passed_on(process, quiet_s):
            return process.wait()
        print(f"\nno word for {quiet_s / 60:g} minutes: ended", flush=True)
        end(process)
        return 124


def passed_on(process: "subprocess.Popen[bytes]", quiet_s: float) -> bool:
    """Whether its output came to an end by itself."""
    assert process.stdout is not None
    descriptor = process.stdout.fileno()
    while select.select([descriptor], [], [], quiet_s)[0]:
        data = os.read(descriptor, 65536)
        if not data:
            return True
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    return False


def end(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.communicate(timeout=GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    code = run(float(sys.argv[1]) * 60, sys.argv[2:])
    sys.exit(code if code >= 0 else 128 - code)
