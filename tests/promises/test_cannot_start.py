"""What can't start names address, port and setting, and ends with a code; a second one leaves the first alone."""

import os
import pwd
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.client import ControlClient, Unreachable
from tests import harness
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
EX_UNAVAILABLE, EX_CONFIG = 69, 78
STARTED: list[subprocess.Popen[bytes]] = []
root = pytest.mark.skipif(os.geteuid() != 0, reason="not here: root")


def started(folder: Path, user: str = "", **settings: object) -> subprocess.Popen[bytes]:
    values = {
        "identity": "address",
        "state_dir": folder / "state",
        "run_dir": folder / "run",
        "dns_listen": f"127.0.0.1:{free_port()}",
        "web_listen": "",
    } | settings
    process = subprocess.Popen(
        harness.product(values),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        user=user or None,
        start_new_session=True,
    )
    STARTED.append(process)
    return process


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """A test that fails leaves no daemon behind, and no pipe."""
    yield
    for process in STARTED:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        if process.stderr is not None and not process.stderr.closed:
            process.communicate()
    STARTED.clear()


def ended(process: subprocess.Popen[bytes], limit_s: float = 40.0) -> tuple[int, str]:
    """Exit code and what it said; it must end by itself."""
    try:
        _, said = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, said.decode()


def asked(folder: Path, limit_s: float = 30.0) -> dict:
    end = time.monotonic() + limit_s
    while True:
        try:
            client = ControlClient(str(folder / "run" / "control.sock"))
        except Unreachable:
            assert time.monotonic() < end
            time.sleep(0.05)
            continue
        try:
            return client.call("status")
        finally:
            client.close()


def test_the_second_on_the_same_folders_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    first = started(tmp_path)
    since = asked(tmp_path)["started_at"]
    inode = (tmp_path / "run" / "control.sock").stat().st_ino
    for other in ({}, {"state_dir": tmp_path / "other"}, {"run_dir": tmp_path / "third"}):
        code, said = ended(started(tmp_path, **other))
        assert code == EX_UNAVAILABLE, said
        assert "another privacy-agent, process " in said and "state_dir" in said and "run_dir" in said
        assert said.count("cannot start") == 1
        assert str(int(said.split("process ")[1].split(",")[0])) in os.listdir("/proc")
    assert (tmp_path / "run" / "control.sock").stat().st_ino == inode
    assert asked(tmp_path)["started_at"] == since
    first.terminate()
    assert ended(first)[0] == 0
    again = started(tmp_path)
    asked(tmp_path)
    again.terminate()
    assert ended(again)[0] == 0


def test_a_daemon_that_was_killed_leaves_no_lock(tmp_path: Path) -> None:
    first = started(tmp_path)
    asked(tmp_path)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    again = started(tmp_path)
    assert asked(tmp_path)["booted"]
    again.terminate()
    assert ended(again)[0] == 0


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_port_that_is_taken_is_named(tmp_path: Path, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        code, said = ended(started(tmp_path, dns_listen=f"127.0.0.1:{port}"))
    assert code == EX_CONFIG, said
    assert "dns_listen" in said and "127.0.0.1" in said and str(port) in said and "taken" in said
    assert said.count("cannot start") == 1 and "Errno" not in said and "Traceback" not in said


@root
@pytest.mark.parametrize("name", ["jobs_user", "web_user"])
def test_a_user_that_is_not_there_is_named_and_dns_goes_on(tmp_path: Path, name: str) -> None:
    web = {"web_listen": f"127.0.0.1:{free_port()}"} if name == "web_user" else {}
    process = started(tmp_path, **{name: "nosuchuser"}, **web)
    status = asked(tmp_path)
    assert status["booted"]
    if name == "jobs_user":
        assert f"setting {name}: there is no user 'nosuchuser'" in status["lists"]["trouble"]
    process.terminate()
    code, said = ended(process)
    assert code == 0 and f"setting {name}: there is no user 'nosuchuser'" in said and "Traceback" not in said, said


@root
def test_a_plain_user_is_told_what_it_may_not(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody").pw_name
    code, said = ended(started(tmp_path, nobody))
    assert code == EX_CONFIG and "run_dir" in said and "Traceback" not in said, said
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 53:
        pytest.skip("not here: ports below 1024 that are root's")
    # Nobody can pass through pytest's own folders.
    with tempfile.TemporaryDirectory() as mine:
        os.chown(mine, pwd.getpwnam(nobody).pw_uid, 0)
        code, said = ended(started(Path(mine), nobody, dns_listen="127.0.0.1:53"))
        assert code == EX_CONFIG and "dns_listen" in said and "port 53" in said and "root" in said, said


def test_a_folder_that_can_be_no_socket(tmp_path: Path) -> None:
    code, said = ended(started(tmp_path, run_dir=tmp_path / ("x" * 120)))
    assert code == EX_CONFIG and "run_dir" in said and "Traceback" not in said, said
