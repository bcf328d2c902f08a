"""The real daemon on the loopback with its web page, a resolver that knows every name, and devices' queries."""

import os
import pwd
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from agent.client import ControlClient, Unreachable
from tests import harness
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
READY_S = 15.0


class Daemon:
    """`python -m agent run` with the starter lists. `environment` reaches the web job too."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None, **settings: object) -> None:
        self.folder = folder
        self.dns, self.web, upstream = free_port(), free_port(), free_port()
        self.socket = folder / "run" / "control.sock"
        self.environment = os.environ | (environment or {})
        self.responder = subprocess.Popen(
            [sys.executable, str(ROOT / "tools" / "responder.py"), "127.0.0.1", str(upstream)]
        )
        values = {
            "identity": "address",
            "state_dir": folder / "state",
            "run_dir": folder / "run",
            "dns_listen": f"127.0.0.1:{self.dns}",
            "web_listen": f"127.0.0.1:{self.web}",
            "upstream": f"127.0.0.1:{upstream}",
            "web_user": pwd.getpwuid(ROOT.stat().st_uid).pw_name,
        } | settings
        rules = folder / "run" / "rules.bin"
        rules.parent.mkdir(parents=True, exist_ok=True)
        self._agent("lists", "compile", "--output", str(rules))
        self.log = open(folder / "log", "ab")  # noqa: SIM115 - as long as the process
        self.process = subprocess.Popen(harness.product(values), cwd=ROOT, env=self.environment, stderr=self.log)
        self.ask("status")

    def _agent(self, *words: str) -> None:
        subprocess.run([sys.executable, "-m", "agent", *words], cwd=ROOT, check=True, capture_output=True)

    def ask(self, op: str, **arguments: object) -> dict:
        end = time.monotonic() + READY_S
        while True:
            try:
                client = ControlClient(str(self.socket))
            except Unreachable:
                assert time.monotonic() < end and self.process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.05)
                continue
            try:
                return client.call(op, **arguments)
            finally:
                client.close()

    def query(self, name: str, source: str = "127.0.0.1") -> int:
        """A device asks for a name; the answer's extended error code, or -1 without one."""
        question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0\0\1\0\1"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((source, 0))
            sock.settimeout(5)
            edns = b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0)
            sock.sendto(struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 1) + question + edns, ("127.0.0.1", self.dns))
            answer = sock.recv(4096)
        return 15 if b"\x00\x0f" in answer[12 + len(question) :] and len(answer) > 80 else -1

    def stop(self) -> None:
        for process in (self.process, self.responder):
            process.terminate()
        for process in (self.process, self.responder):
            process.wait(15)
        self.log.close()
