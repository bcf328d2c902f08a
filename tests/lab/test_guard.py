"""P3 in the kernel: an agent that is killed, stopped, hung or stuck leaves a plain router, also for flows held open."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.household import Agent, Asker, ask
from tests.lab.lab import ALICE_MAC, RESOLVER4, RESOLVER6, ROUTER4, ROUTER_LINK_LOCAL, ROUTER_ULA, Lab, await_true

ME = "agent 1/1"
PLAIN = {ROUTER4: "router", ROUTER_ULA: "router", ROUTER_LINK_LOCAL: "router", RESOLVER4: "wan", RESOLVER6: "wan"}
RESTORED_S = 0.1
RESTORED_AFTER_HANG_S = 2.0


class Flows:
    """Datagram sockets that were open before the crash, one to each kind of server, and a connection."""

    def __init__(self, lab: Lab, agent: Agent) -> None:
        lab.addresses6(lab.alice)
        agent.apply({ALICE_MAC: [1, 1]})
        self.askers = {server: Asker(lab.alice, server) for server in PLAIN}
        assert {server: asker.ask() for server, asker in self.askers.items()} == dict.fromkeys(PLAIN, ME)
        self.connection = Asker(lab.alice, ROUTER4, tcp=True)
        assert self.connection.ask() == ME

    def await_plain(self, since: float, flushed: bool = True) -> dict[str, float]:
        """Asks on from the same sockets, every 10 ms; after how long each was answered as without an agent.

        Where nobody was left to flush the flows, redirected ones stay with the router's resolver.
        """
        restored = {}
        for server, asker in self.askers.items():
            asker.sock.settimeout(0.01)
            while asker.ask() != (PLAIN[server] if flushed else "router"):
                assert time.monotonic() - since < 5, f"{server} is dead"
            restored[server] = time.monotonic() - since
        return restored


def table(lab: Lab) -> bool:
    return "privacy_agent" in lab.router.run(["nft", "list", "tables"])


@pytest.fixture
def flows(lab: Lab, agent: Agent) -> Flows:
    return Flows(lab, agent)


def forget(agent: Agent, tmp_path: Path) -> None:
    """So that the next daemon arms nothing, and what is measured is the plain router."""
    (tmp_path / "memory").write_text("{}")


def test_killed(lab: Lab, agent: Agent, flows: Flows, tmp_path: Path) -> None:
    forget(agent, tmp_path)
    killed = time.monotonic()
    os.kill(agent.pid, signal.SIGKILL)
    restored = flows.await_plain(killed)
    print(f"after kill -9: {restored}")
    assert max(restored.values()) < RESTORED_S
    assert ask(lab.alice, ROUTER4, tcp=True) == "router"
    # The kernel closed it in the daemon's place, so the client need not wait for a timeout.
    assert flows.connection.ask() in ("ConnectionResetError", "BrokenPipeError")
    agent.ready()
    assert not table(lab)


@pytest.mark.parametrize("how", ["stopped", "endless loop"])
def test_hung(lab: Lab, agent: Agent, flows: Flows, tmp_path: Path, how: str) -> None:
    forget(agent, tmp_path)
    if how == "stopped":
        os.kill(agent.pid, signal.SIGSTOP)
    else:
        agent.send(op="hang")
    hung = time.monotonic()
    restored = flows.await_plain(hung)
    print(f"{how}: {restored}")
    assert max(restored.values()) < RESTORED_AFTER_HANG_S
    agent.ready()


def test_a_neighbour_notices_nothing(lab: Lab, agent: Agent, flows: Flows) -> None:
    """Questions all the time, through a hang, the cleanup and the restart: not one is late or lost."""
    neighbour = Asker(lab.bob, ROUTER4)
    elsewhere = Asker(lab.bob, RESOLVER4)
    os.kill(agent.pid, signal.SIGSTOP)
    end = time.monotonic() + 2.5
    slowest = 0.0
    while time.monotonic() < end:
        asked = time.monotonic()
        assert (neighbour.ask(), elsewhere.ask()) == ("router", "wan")
        slowest = max(slowest, time.monotonic() - asked)
        time.sleep(0.005)
    assert slowest < 0.5, "a lost answer would be waited for a second"
    agent.ready()


def test_armed_again_within_a_second(lab: Lab, agent: Agent, flows: Flows) -> None:
    killed = time.monotonic()
    os.kill(agent.pid, signal.SIGKILL)
    assert agent.ready(1.0) != agent.pid
    for asker in flows.askers.values():
        asker.sock.settimeout(0.1)
        assert asker.ask() == ME
    assert time.monotonic() - killed < 1.0


def test_the_guard_is_killed(lab: Lab, agent: Agent, flows: Flows) -> None:
    """The daemon notices, takes its rules along, and ends."""
    agent.process.kill()
    restored = flows.await_plain(time.monotonic())
    assert max(restored.values()) < RESTORED_S
    await_true(lambda: not Path(f"/proc/{agent.pid}").exists(), "end of the daemon")
    assert not table(lab)


def test_both_are_killed(lab: Lab, agent: Agent, flows: Flows) -> None:
    """Out of memory, say. The kernel removes the table with the last holder of the socket."""
    os.kill(agent.pid, signal.SIGSTOP)  # or it might notice the guard's end and clean up
    agent.process.kill()
    os.kill(agent.pid, signal.SIGKILL)
    restored = flows.await_plain(time.monotonic(), flushed=False)
    assert max(restored.values()) < RESTORED_S
    assert not table(lab)


def test_stop_leaves_nothing(lab: Lab, agent: Agent, flows: Flows) -> None:
    assert agent.stop() == 0
    assert not table(lab)
    assert "mark=" not in marked_entries(lab)
    assert flows.await_plain(time.monotonic())


def marked_entries(lab: Lab) -> str:
    lines = (
        lab.router.run(["conntrack", "-L"]).splitlines()
        + lab.router.run(["conntrack", "-L", "-f", "ipv6"]).splitlines()
    )
    return "\n".join(line for line in lines if "mark=0 " not in line)


def test_inside_a_pid_namespace(lab: Lab, tmp_path: Path) -> None:
    prefix = ("unshare", "--pid", "--fork", "--kill-child")
    agent = Agent(lab.router, tmp_path / "memory", prefix)
    flows = Flows(lab, agent)
    forget(agent, tmp_path)
    guard = children(agent.process.pid)[0]
    os.kill(children(guard)[0], signal.SIGSTOP)
    stopped = time.monotonic()
    assert max(flows.await_plain(stopped).values()) < RESTORED_AFTER_HANG_S
    agent.ready()
    os.kill(guard, signal.SIGTERM)
    assert agent.process.wait(5) == 0


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that can be frozen."""
    image, mounted = tmp_path / "image", tmp_path / "storage"
    image.write_bytes(bytes(4 << 20))
    mounted.mkdir()
    for command in (["mkfs.ext4", "-q", str(image)], ["mount", "-o", "loop", str(image), str(mounted)]):
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.skip(f"not here: a file system to freeze ({made.stderr.strip()})")
    yield mounted
    subprocess.run(["fsfreeze", "-u", str(mounted)], capture_output=True, check=False)
    await_true(lambda: subprocess.run(["umount", str(mounted)], capture_output=True).returncode == 0, "unmount")


def test_frozen_storage(lab: Lab, agent: Agent, flows: Flows, tmp_path: Path, storage: Path) -> None:
    """The daemon waits in the kernel and can't even be killed; a new one comes when storage is back."""
    forget(agent, tmp_path)
    subprocess.run(["fsfreeze", "-f", str(storage)], check=True)
    agent.send(op="write", file=str(storage / "file"))
    hung = time.monotonic()
    assert max(flows.await_plain(hung).values()) < RESTORED_AFTER_HANG_S
    assert state_of(agent.pid) == "D"
    subprocess.run(["fsfreeze", "-u", str(storage)], check=True)
    assert agent.ready() != agent.pid


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
