"""What .ci/run does: phases one after the other, each with a limit; what they print is passed on, bounded, with a word
every half a minute; no process of a phase outlives it.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "ci"

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
TELL_EVERY_S = 30
GRACE_S = 20
# Of each phase this much is shown as it comes, and of the rest the end; all of it, up to a limit, is in its log.
SHOWN_BYTES = 200_000
END_BYTES = 100_000
LOG_BYTES = 20_000_000


class Phase(NamedTuple):
    name: str
    minutes: float
    command: list[str]


PHASES = (
    Phase("prepare", 15, ["tools/test", "--prepare"]),
    Phase("check", 8, ["tools/check"]),
    Phase("try", 4, ["tools/try", "--offline", "--check"]),
    # Last, so that pytest's closing lines end the log.
    Phase("test", 75, ["tools/test", "--full"]),
)


class Output:
    """A phase's output: to stdout, and whole into a log; both bounded."""

    def __init__(self, phase: Phase) -> None:
        LOGS.mkdir(parents=True, exist_ok=True)
        self._log = (LOGS / f"{phase.name}.log").open("wb", buffering=0)
        self._shown = self._logged = 0
        self._end = b""
        self.last = time.monotonic()

    def take(self, data: bytes) -> None:
        self.last = time.monotonic()
        if self._logged < LOG_BYTES:
            self._logged += self._log.write(data)
        now, later = data[: SHOWN_BYTES - self._shown], data[SHOWN_BYTES - self._shown :]
        self._shown += sys.stdout.buffer.write(now)
        sys.stdout.flush()
        self._end = (self._end + later)[-END_BYTES:]

    def close(self) -> None:
        self._log.close()
        if self._end:
            print(f"\n… shortened: all of it is in {LOGS}; the end:", flush=True)
            sys.stdout.buffer.write(self._end)
            sys.stdout.flush()


def tell(words: str) -> None:
    print(f"ci: {words}", flush=True)


def children() -> list[int]:
    """Also those that were orphaned: they come to this process, which is their subreaper."""
    me = os.getpid()
    return [int(pid) for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split()]


def clear() -> list[str]:
    """Kills and reaps whatever a phase left; returns what that was."""
    left: list[str] = []
    for _ in range(100):
        waiting = children()
        if not waiting:
            return left
        for pid in waiting:
            left += kill(pid)
        time.sleep(0.05)
    return [*left, "and some that can't be killed"]


def reap(but: int) -> None:
    """Orphans that ended, as init would: a test may wait for one to be gone."""
    for pid in children():
        if pid != but:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def kill(pid: int) -> list[str]:
    """What it was, unless it had ended by itself."""
    try:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return []
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        os.kill(pid, signal.SIGKILL)
    except (ChildProcessError, ProcessLookupError, FileNotFoundError):
        return []
    return [command[:150]]


def start(phase: Phase) -> "subprocess.Popen[bytes]":
    libc = ctypes.CDLL(None)
    return subprocess.Popen(
        phase.command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
    )


def pump(process: "subprocess.Popen[bytes]", output: Output) -> None:
    assert process.stdout is not None
    # What is there, and not whole lines: pytest's dots are progress, too.
    while data := os.read(process.stdout.fileno(), 65536):
        output.take(data)


def wait(phase: Phase, process: "subprocess.Popen[bytes]", output: Output, began: float) -> str:
    """How it ended, in a word or two; empty if well."""
    while True:
        try:
            code = process.wait(1)
            return "" if code == 0 else f"failed (exit {code})"
        except subprocess.TimeoutExpired:
            now = time.monotonic()
        if now - began > phase.minutes * 60:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            return f"took longer than {phase.minutes:g} minutes and was ended"
        if now - output.last > TELL_EVERY_S:
            output.last = now
            tell(f"{phase.name} goes on, {now - began:.0f} s")


def run(phase: Phase) -> str:
    began = time.monotonic()
    tell(f"{phase.name}: {' '.join(phase.command)} (at most {phase.minutes:g} minutes)")
    output = Output(phase)
    process = start(phase)
    signal.signal(signal.SIGCHLD, lambda number, frame: reap(process.pid))
    reader = threading.Thread(target=pump, args=(process, output), daemon=True)
    reader.start()
    trouble = wait(phase, process, output, began)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for command in clear():
        tell(f"{phase.name} left this process behind, it was killed: {command}")
    reader.join(GRACE_S)
    output.close()
    tell(f"{phase.name}: {trouble or 'well'}, {time.monotonic() - began:.0f} s")
    return trouble


def prepare_environment() -> None:
    os.umask(0o022)  # the jobs' users must be able to read what is installed here
    home = LOGS / "home"
    home.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("HOME", str(home))
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"
    os.environ.update(DEBIAN_FRONTEND="noninteractive", PIP_NO_INPUT="1", CI="1", PYTHONUNBUFFERED="1")
    # A checkout may belong to somebody else.
    os.environ.update(GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*")
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTEST_ADDOPTS", "HYPOTHESIS_PROFILE"):
        os.environ.pop(name, None)


def end(number: int, frame: FrameType | None) -> None:
    clear()
    tell(f"ended by signal {number}")
    os._exit(128 + number)


def main() -> int:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    prepare_environment()
    began = time.monotonic()
    wrong = []
    for phase in PHASES:
        trouble = run(phase)
        if trouble:
            wrong.append(f"{phase.name} {trouble}")
        if trouble and phase.name == "prepare":
            break
    tell(f"{'; '.join(wrong) or 'all is well'}; {time.monotonic() - began:.0f} s in all")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
