"""P3, a dead agent is a plain router: the installed daemon killed, stopped and stuck, with every kind of flow open."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.client import Unreachable
from tests.lab.household import Asker, ask
from tests.lab.lab import ALICE_MAC, RESOLVER4, RESOLVER6, ROUTER4, ROUTER_LINK_LOCAL, ROUTER_ULA, Lab, await_true
from tests.lab.resident import Resident, children
from tests.promises.slow_disk import SlowDisk, compiler

PLAIN = {ROUTER4: "router", ROUTER_ULA: "router", ROUTER_LINK_LOCAL: "router", RESOLVER4: "wan", RESOLVER6: "wan"}
KILLED_S, HUNG_S, ARMED_S = 0.1, 2.0, 1.0


class Flows:
    """A device that is on, with a datagram socket and a connection open to each kind of server."""

    def __init__(self, lab: Lab, resident: Resident) -> None:
        lab.addresses6(lab.alice)
        self.lab, self.resident = lab, resident
        self.device = resident.add("Tablet", ALICE_MAC)
        resident.on(self.device)
        self.askers = {server: Asker(lab.alice, server) for server in PLAIN}
        self.connections = [Asker(lab.alice, server, tcp=True) for server in PLAIN]
        assert self.answers() == dict.fromkeys(PLAIN, "agent")
        assert {connection.ask() for connection in self.connections} == {"agent"}

    def answers(self) -> dict[str, str]:
        return {server: asker.ask() for server, asker in self.askers.items()}

    def await_plain(self, since: float, within_s: float) -> None:
        """Every flow is answered as without an agent in time; a client asks again every 10 ms.

        A connection can't be: its client is told so, or finds out at its next question, and the one after is answered.
        """
        restored = {}
        for server, asker in self.askers.items():
            asker.sock.settimeout(0.01)
            while asker.ask() != PLAIN[server]:
                assert time.monotonic() - since < 5, f"{server} is dead"
            restored[server] = round(time.monotonic() - since, 4)
            asker.sock.settimeout(1.0)
        print(restored)
        assert max(restored.values()) < within_s
        assert {connection.ask() for connection in self.connections} <= {"ConnectionResetError", "BrokenPipeError"}
        assert {server: ask(self.lab.alice, server, tcp=True) for server in PLAIN} == PLAIN


@pytest.fixture
def flows(lab: Lab, resident: Resident) -> Flows:
    return Flows(lab, resident)


def slow_start(resident: Resident) -> None:
    """Two early crashes: the third start waits for a second, which leaves time to look at the plain router."""
    for _ in range(2):
        before = resident.daemon
        resident.kill()
        await_true(lambda before=before: restarted(resident, before), "restart")  # type: ignore[misc]
        reconnect(resident)


def restarted(resident: Resident, before: int) -> bool:
    return bool(children(resident.guard)) and resident.daemon != before


def reconnect(resident: Resident) -> None:
    resident.client.close()
    resident.client = resident.connect()


def test_killed(flows: Flows, resident: Resident) -> None:
    slow_start(resident)
    await_true(lambda: resident.kernel["state"] == "armed", "arming")
    assert flows.answers()[ROUTER4] == "agent"
    flows.await_plain(resident.kill(), KILLED_S)
    reconnect(resident)


def test_stopped(flows: Flows, resident: Resident) -> None:
    slow_start(resident)
    await_true(lambda: resident.kernel["state"] == "armed", "arming")
    flows.await_plain(resident.kill(signal.SIGSTOP), HUNG_S)
    reconnect(resident)


def test_in_an_endless_loop(lab: Lab, tmp_path: Path) -> None:
    """It comes in the midst of an off: what is on is not acknowledged as off, and the router is plain in time."""
    resident = Resident(lab, tmp_path, handed=("--kernel", "--patient", "--hang-at=off.ledger"))
    flows = Flows(lab, resident)
    hung = time.monotonic()
    resident.client._link.settimeout(0.1)
    with pytest.raises(Unreachable):
        resident.off(flows.device)
    flows.await_plain(hung, HUNG_S)
    reconnect(resident)
    assert resident.audit()["ok"]
    assert resident.stop() == 0


@pytest.mark.skipif(compiler() is None, reason="no C compiler")
def test_a_slow_disk(lab: Lab, tmp_path: Path) -> None:
    """The router is plain while the daemon waits, and what is on is covered again as soon as it goes on."""
    disk = SlowDisk(tmp_path, str(compiler()))
    resident = Resident(lab, tmp_path, ("env", *(f"{name}={value}" for name, value in disk.environment.items())))
    flows = Flows(lab, resident)
    daemon = resident.daemon
    disk.takes(4.0)
    waiting = time.monotonic()
    adding = threading.Thread(target=lambda: resident.call("person.add", name="Mia", group="child"))
    adding.start()
    flows.await_plain(waiting, HUNG_S)
    disk.takes(0.0)
    adding.join()
    await_true(lambda: ask(lab.alice, ROUTER4) == "agent", "covered again")
    assert resident.daemon == daemon
    assert resident.audit()["ok"]
    assert resident.stop() == 0


def test_the_first_crash_is_mended_within_a_second(flows: Flows, resident: Resident) -> None:
    killed = resident.kill()
    asker = flows.askers[ROUTER4]
    asker.sock.settimeout(0.05)
    while not restarted_and_armed(resident, asker):
        assert time.monotonic() - killed < ARMED_S
    print(f"armed again after {time.monotonic() - killed:.3f} s")
    reconnect(resident)
    assert resident.audit()["ok"]


def restarted_and_armed(resident: Resident, asker: Asker) -> bool:
    return bool(children(resident.guard)) and asker.ask() == "agent"


def test_the_neighbour_never_notices(lab: Lab, flows: Flows, resident: Resident) -> None:
    neighbour = Asker(lab.bob, ROUTER4)
    resident.kill(signal.SIGSTOP)
    end, slowest = time.monotonic() + 2.5, 0.0
    while time.monotonic() < end:
        asked = time.monotonic()
        assert neighbour.ask() == "router"
        slowest = max(slowest, time.monotonic() - asked)
        time.sleep(0.005)
    assert slowest < 0.5, "a lost answer would be waited for a second"
    reconnect(resident)


def test_without_the_guard_the_daemon_goes_and_takes_its_rules_along(flows: Flows, resident: Resident) -> None:
    daemon = resident.daemon
    os.kill(resident.guard, signal.SIGKILL)
    flows.await_plain(time.monotonic(), KILLED_S * 5)
    await_true(lambda: not Path(f"/proc/{daemon}").exists(), "end of the daemon")
    resident.process.wait()
    resident.process.returncode = 0  # as the fixture expects of an orderly stop


def test_inside_a_pid_namespace(lab: Lab, tmp_path: Path) -> None:
    """As a container or a jail runs it: the guard is PID 1."""
    resident = Resident(lab, tmp_path, ("unshare", "--pid", "--fork", "--kill-child"))
    flows = Flows(lab, resident)
    guard = children(resident.process.pid)[0]
    os.kill(children(guard)[0], signal.SIGSTOP)
    stopped = time.monotonic()
    asker = flows.askers[ROUTER4]
    asker.sock.settimeout(0.01)
    while asker.ask() == "TimeoutError":
        assert time.monotonic() - stopped < HUNG_S
    reconnect(resident)
    resident.client.close()
    os.kill(guard, signal.SIGTERM)
    assert resident.process.wait(15) == 0
    resident.log.close()
    assert {server: ask(lab.alice, server) for server in PLAIN} == PLAIN


@pytest.fixture
def flash(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """The state's file system, to be frozen (-f) and thawed (-u)."""
    image, mounted = tmp_path / "image", tmp_path / "state"
    image.write_bytes(bytes(8 << 20))
    mounted.mkdir()
    for command in (["mkfs.ext4", "-q", str(image)], ["mount", "-o", "loop", str(image), str(mounted)]):
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            pytest.skip(f"not here: a file system to freeze ({made.stderr.strip()})")

    def freeze(flag: str) -> None:
        subprocess.run(["fsfreeze", flag, str(mounted)], capture_output=True, check=False)

    yield freeze
    freeze("-u")
    await_true(lambda: subprocess.run(["umount", str(mounted)], capture_output=True).returncode == 0, "unmount")


def test_frozen_storage(flash: Callable[[str], None], lab: Lab, tmp_path: Path) -> None:
    """An off that can't be written holds the daemon in the kernel; the router is plain within two seconds."""
    resident = Resident(lab, tmp_path)
    flows = Flows(lab, resident)
    flash("-f")
    frozen = time.monotonic()
    resident.client._link.settimeout(0.2)
    with pytest.raises(Unreachable):
        resident.off(flows.device)
    resident.client._link.settimeout(None)
    flows.await_plain(frozen, HUNG_S + 0.3)
    flash("-u")
    reconnect(resident)
    assert resident.audit()["ok"]
    assert resident.stop() == 0
