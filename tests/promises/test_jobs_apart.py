"""Another process of the same user, the feeds job taken over, gets neither the web job's connection nor its memory."""

import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jobs.daemon import ROOT, Daemon
from tests.jobs.web_peer import Client

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="jobs become another user only when started by root")

USER = "nobody"
# Each way into a process of one's own user: its descriptors, its memory, its registers.
ATTACK = """
import ctypes, os, sys
pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
held = os.pidfd_open(pid)
won = [f"pidfd_getfd {fd}" for fd in range(3, 64) if libc.syscall(438, held, fd, 0) >= 0]
for name in ("mem", "environ", "maps", "fd/3"):
    try:
        os.readlink(f"/proc/{pid}/{name}") if "/" in name else os.close(os.open(f"/proc/{pid}/{name}", os.O_RDONLY))
        won.append(name)
    except OSError:
        pass
if libc.ptrace(0x4206, pid, 0, 0) == 0:  # PTRACE_SEIZE, which stops nothing
    won.append("ptrace")
print(" ".join(won))
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    made = Daemon(tmp_path, web_user=USER, jobs_user=USER)
    yield made
    made.stop()


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in found] + [deeper for one in found for deeper in children(int(one))]


def job_of(daemon: Daemon, module: str) -> int:
    """The process id of a running job."""
    for pid in children(daemon.process.pid):
        if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    return 0


def won(pid: int) -> str:
    account = pwd.getpwnam(USER)
    command = [sys.executable, "-I", "-S", "-c", ATTACK, str(pid)]
    done = subprocess.run(
        command, user=account.pw_uid, group=account.pw_gid, extra_groups=[], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_an_open_process_is_taken(tmp_path: Path) -> None:
    """The attack works where nothing keeps it out, or it would prove nothing."""
    account = pwd.getpwnam(USER)
    victim = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "print(flush=True); input()"],
        user=account.pw_uid,
        group=account.pw_gid,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with victim:
        assert victim.stdout and victim.stdout.readline()
        assert "environ" in won(victim.pid)
        victim.kill()


def test_the_web_job_is_closed_to_its_own_user(daemon: Daemon) -> None:
    assert Client(daemon.web).ask("GET", "/api/v1/session").status == 200
    pid = job_of(daemon, "agent.jobs.web")
    assert pid and f"Uid:\t{pwd.getpwnam(USER).pw_uid}" in Path(f"/proc/{pid}/status").read_text()
    assert won(pid) == ""


def test_guard_and_daemon_are_closed() -> None:
    """Both are root's: what tells is what the kernel says of a process that did as they do."""
    program = "import ctypes; from agent.daemon.main import keep_out; keep_out(); print(ctypes.CDLL(None).prctl(3))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == Path("/proc/sys/fs/suid_dumpable").read_text().strip() != "1"
