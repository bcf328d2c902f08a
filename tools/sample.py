"""The sample household of tools/try: the daemon on the loopback, Mia's tablet, a television, the starter lists."""

import os
import pwd
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from agent.client import ControlClient, Unreachable  # noqa: E402

HOST = "127.0.0.1"
DNS_PORT = 5391  # the default of the settings; others where these are taken
WEB_PORT = 5392
TABLET, TELEVISION = "127.0.0.2", "127.0.0.3"
ALLOWED, LISTED = "en.wikipedia.org", "login.bank.example"
TRIED = ("history", "protection")  # minutes need devices known by their hardware address, which no loopback has
RESOLVER_WAIT_S = 1.5
START_WAIT_S = 15.0


class Household:
    """A folder in /tmp and the processes that live in it; `close` takes everything away."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="privacy-agent-try-"))
        self.command = ROOT / "build" / "try" / "privacy-agent"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.port, self.web_port = free_port(DNS_PORT), free_port(WEB_PORT)
        self.upstream: list[str] = []
        self.daemon: subprocess.Popen[bytes]

    def start(self, offline: bool) -> None:
        if offline or not resolver_answers():
            self.upstream = [f"{HOST}:{self._local_upstream()}"]
        self.daemon = self._daemon()
        self._furnish()

    def _local_upstream(self) -> int:
        port = free_port()
        self._start([sys.executable, str(ROOT / "tools" / "responder.py"), HOST, str(port)])
        return port

    def _daemon(self) -> subprocess.Popen[bytes]:
        suffixes, rules = self.folder / "suffixes.bin", self.folder / "run" / "rules.bin"
        settings = {
            "identity": "address",
            "state_dir": self.folder / "state",
            "run_dir": self.folder / "run",
            "suffixes_file": suffixes,
            "data_dir": ROOT / "blocklists",
            "dns_listen": f"{HOST}:{self.port}",
            "web_listen": f"{HOST}:{self.web_port}",
            "upstream": ",".join(self.upstream),
            "web_user": source_owner(),
            # The starter lists suffice to try things out, and need no network.
            "lists_auto": "no",
        }
        quiet([sys.executable, str(ROOT / "tools" / "build-suffixes"), "--output", str(suffixes)])
        quiet([*agent(), "lists", "compile", "--output", str(rules)])
        return self._start([*agent(), "run", *[word for pair in settings.items() for word in set_word(*pair)]])

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        # A group of its own: Ctrl-C comes to this program only, which ends the others in order.
        process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
        self.processes.append(process)
        return process

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "control.sock"

    def _connect(self) -> ControlClient:
        end = time.monotonic() + START_WAIT_S
        while True:
            try:
                return ControlClient(str(self.socket))
            except Unreachable:
                if self.daemon.poll() is not None or time.monotonic() > end:
                    raise SystemExit("the daemon did not start; its lines above say why") from None
            time.sleep(0.05)

    def _furnish(self) -> None:
        """Mia's tablet with both features on; a television with nothing on."""
        client = self._connect()
        mia = client.call("person.add", name="Mia", group="child")
        tablet = client.call("device.add", label="Mia's tablet", address=TABLET, person_id=mia["id"])
        client.call("device.add", label="Television", address=TELEVISION)
        features = client.call("features")["items"]
        for feature in features if isinstance(features, list) else []:
            if feature["name"] in TRIED:
                client.call(
                    "on", device_id=tablet["id"], feature=feature["name"], agree=feature["version"], actor="cli"
                )
        client.close()
        self._write_command()

    def _write_command(self) -> None:
        self.command.parent.mkdir(parents=True, exist_ok=True)
        environment = f"PRIVACY_AGENT_SOCKET='{self.socket}' PYTHONPATH='{ROOT}'"
        self.command.write_text(f'#!/bin/sh\n{environment} exec "{sys.executable}" -m agent "$@"\n')
        self.command.chmod(0o755)

    @property
    def page(self) -> str:
        return f"http://{HOST}:{self.web_port}/"

    def dig(self, source: str, name: str) -> list[str]:
        return ["dig", f"@{HOST}", "-p", str(self.port), "-b", source, name]

    def run(self, *words: str) -> str:
        """What the command prints."""
        done = subprocess.run([str(self.command), *words], capture_output=True, text=True)
        return done.stdout + done.stderr

    def close(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.command.unlink(missing_ok=True)


def agent() -> list[str]:
    return [sys.executable, "-m", "agent"]


def source_owner() -> str:
    """Whom the web job becomes when this runs as root: somebody who can read the source tree."""
    return pwd.getpwuid(ROOT.stat().st_uid).pw_name if os.geteuid() == 0 else ""


def set_word(name: str, value: object) -> list[str]:
    return ["--set", f"{name}={value}"]


def quiet(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def free_port(wanted: int = 0) -> int:
    """A port that is free for both UDP and TCP: the wanted one, or another where it is taken."""
    try:
        with socket.create_server((HOST, wanted)) as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            port: int = stream.getsockname()[1]
            datagrams.bind((HOST, port))
            return port
    except OSError:
        return free_port()


def resolver_answers() -> bool:
    """Whether the system resolver has an address for the name to try: in a closed network it answers and knows none."""
    name = b"".join(bytes([len(label)]) + label.encode() for label in ALLOWED.split(".")) + b"\0"
    query = struct.pack(">HHHHHH", os.getpid() & 0xFFFF, 0x0100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1)
    for line in Path("/etc/resolv.conf").read_text().splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            family = socket.AF_INET6 if ":" in words[1] else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as asked:
                asked.settimeout(RESOLVER_WAIT_S)
                try:
                    asked.connect((words[1], 53))
                    asked.send(query)
                    return asked.recv(4096)[6:8] not in (b"", b"\0\0")  # the number of answers
                except OSError:
                    continue
    return False
