"""A real daemon process with its guard, on the loopback, for the tests that attack it from outside."""

import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from agent.client import ControlClient, Unreachable
from tests import harness
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
READY_S = 15.0
TABLET = "127.0.0.2"


class Running:
    """One household with a tablet at 127.0.0.2; upstream answers every name. `inside` is a command to run it with."""

    def __init__(self, folder: Path, inside: tuple[str, ...] = (), **settings: object) -> None:
        self.folder = folder
        self.port, upstream = free_port(), free_port()
        self.run_dir = folder / "run"
        self.crash = folder / "crash"
        values = {
            "identity": "address",
            "state_dir": str(folder / "state"),
            "run_dir": str(self.run_dir),
            "dns_listen": [f"127.0.0.1:{self.port}"],
            "upstream": [f"127.0.0.1:{upstream}"],
            "web_listen": [],
            **settings,
        }
        (folder / "settings.json").write_text(json.dumps(values))
        self.log = open(folder / "log", "ab")  # noqa: SIM115 - for as long as the processes write to it
        responder = [sys.executable, str(ROOT / "tools" / "responder.py"), "127.0.0.1", str(upstream)]
        self.responder = subprocess.Popen(responder)
        await_answer(upstream)
        # At the step named in the file `crash`, written by the test, the daemon kills itself.
        command = harness.handed(folder / "settings.json")
        self.guard = subprocess.Popen([*inside, *command], stderr=self.log)

    def client(self) -> ControlClient:
        """A connection to the daemon of now, waiting for it to be ready."""
        end = time.monotonic() + READY_S
        while True:
            client = None
            try:
                client = ControlClient(str(self.run_dir / "control.sock"))
                client.call("status")
                return client
            except (Unreachable, OSError):
                if client is not None:
                    client.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def daemon_pid(self) -> int | None:
        children = Path(f"/proc/{self.guard.pid}/task/{self.guard.pid}/children").read_text().split()
        return int(children[0]) if children else None

    def kill_daemon(self) -> None:
        pid = self.daemon_pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> int:
        self.guard.send_signal(signal.SIGTERM)
        code = self.guard.wait(15)
        self.responder.kill()
        self.responder.wait()
        self.log.close()
        return code


def query(name: str, number: int) -> bytes:
    wire = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    return struct.pack(">HHHHHH", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + wire + struct.pack(">HH", 1, 1)


def await_answer(port: int) -> None:
    """Until the upstream answers: a busy machine takes seconds to start it, and the daemon would think it dead."""
    end = time.monotonic() + READY_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.2)
        asker.connect(("127.0.0.1", port))
        while time.monotonic() < end:
            try:
                asker.send(query("ready.example", 1))
                asker.recv(2048)
                return
            except OSError:
                time.sleep(0.02)
    raise TimeoutError("the upstream did not start")


class Load(threading.Thread):
    """Asks for names that nobody asked for before, some 2,000 a second, and notes what was promised when each was sent.

    `promised_off` is set by the test: True from an acknowledged off until the next on is asked for.
    """

    def __init__(self, port: int, rng: random.Random) -> None:
        super().__init__(daemon=True)
        self.promised_off = True
        self.sent_while_off: set[str] = set()
        self.sent = 0
        self.stopping = False
        self._rng = rng
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((TABLET, 0))
        self._socket.connect(("127.0.0.1", port))
        self._socket.setblocking(False)

    def run(self) -> None:
        while not self.stopping:
            for _ in range(self._rng.randrange(1, 20)):
                self._ask()
            time.sleep(0.005)
        self._socket.close()

    def _ask(self) -> None:
        self.sent += 1
        name = f"w{self.sent}.n{self.sent}.example"
        # Read before sending: a name that leaves after an off was acknowledged is noted as such, never the other way.
        off = self.promised_off
        try:
            self._socket.send(query(name, self.sent))
            while self._socket.recv(2048):
                pass
        except OSError:
            pass
        if off and self.promised_off:
            self.sent_while_off.add(name)
