"""The household under fire: the lab's router with the daemon and guard, on flash and RAM of its own that can fail."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agent.client import ControlClient, ControlError, Unreachable
from tests.campaign.oracle import Device, Oracle
from tests.campaign.trouble import Trouble
from tests.jobs.bad_server import Authority, BadServer, names
from tests.lab.lab import ALICE_MAC, BOB_MAC, GUEST_MAC, RESOLVER4, ROUTER4, Lab
from tests.lab.resident import ROOT, Resident, children
from tests.lab.spaces import Space
from tests.promises.flash import Flash

CAROL_MAC, CAROL4, CAROL6 = "3c:22:fb:00:00:0d", "192.168.50.12", "2001:db8:50::c"
UPSTREAM = "127.0.0.1:5301"
WEB_PORT = 5392
READY_S = 30.0
CALL_S = 30.0


class House:
    """Alice's and Bob's devices are added; Carol beside them and the guest have nothing on, ever."""

    def __init__(self, copies: bool = False) -> None:
        self.copies = copies  # of the history on flash
        self.open = contextlib.ExitStack()
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="campaign-"))
        self.folder.chmod(0o755)  # the jobs' user has to reach what it works on
        self.open.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.lab = self.open.enter_context(Lab())
        self._wire_carol()
        self._storage()
        self._lists()
        self.upstream = self.lab.router.start(
            [sys.executable, "-m", "tests.campaign.upstream", *UPSTREAM.split(":")], stdin=subprocess.PIPE, cwd=ROOT
        )
        self.sites = [self._site(port) for port in (80, 443)]
        self.trouble = Trouble(self.folder)
        self.resident = self._start()
        self.open.callback(self.stop)
        alice, bob = self.resident.add("alice", ALICE_MAC), self.resident.add("bob", BOB_MAC)
        self.resident.on(alice, "protection")
        self.devices = [
            Device(0, "alice", ALICE_MAC, alice),
            Device(1, "bob", BOB_MAC, bob),
            Device(2, "carol", CAROL_MAC, None),
            Device(3, "guest", GUEST_MAC, None),
        ]
        self.devices[0].protected = True
        self.spaces = [self.lab.alice, self.lab.bob, self.carol, self.lab.guest]
        self.oracle = Oracle(self.devices, self.folder, self.copies)

    def _wire_carol(self) -> None:
        lab = self.lab
        self.carol = lab._space("carol")
        lab._wire_client(self.carol, "br-lan", CAROL_MAC)
        self.carol.address("eth0", CAROL4 + "/24")
        self.carol.default_route(ROUTER4)
        for client in (lab.alice, lab.bob, self.carol):
            lab.addresses6(client)

    def _storage(self) -> None:
        self.flash: Flash | None = None
        if shutil.which("mkfs.ext4") and Path("/dev/loop-control").exists():
            self.flash = Flash(self.folder / "image", self.folder / "state")
            self.open.callback(self.flash.remove)
        self.small("run", "24m")
        if self.flash is None:
            self.small("state", "16m")

    def _site(self, port: int) -> socket.socket:
        """A server of the internet's that takes every connection and says nothing."""
        made = self.lab.wan.inside(lambda: socket.create_server((RESOLVER4, port), backlog=4096))
        self.open.callback(made.close)
        return made

    def small(self, part: str, size: str) -> None:
        (self.folder / part).mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"mode=755,size={size}", "tmpfs", str(self.folder / part)]
        subprocess.run(command, check=True)
        self.open.callback(subprocess.run, ["umount", "-l", str(self.folder / part)], check=False)

    def _lists(self) -> None:
        (self.folder / "keys").mkdir()
        self.authority = Authority(self.folder / "keys")
        self.server = self.lab.router.inside(lambda: BadServer(self.authority.context("good")))
        self.open.callback(self.server.close)
        self.serve(names(3000))
        data = self.folder / "data"
        shutil.copytree(ROOT / "blocklists", data)
        feed = {"id": "one", "address": self.server.address("/one"), "category": "phishing", "default": True}
        (data / "feeds.json").write_text(json.dumps({"format": 1, "feeds": [feed]}))
        (data / "popular.txt").write_text("a.example\nb.example\nc.example\n")

    def serve(self, text: bytes) -> None:
        self.server.pages["/one"] = lambda asked: asked.reply(text)

    def _start(self) -> Resident:
        os.environ.update(SSL_CERT_FILE=str(self.authority.file), PRIVACY_AGENT_STRICT="1")
        log = self.folder / "log"
        if log.exists():
            with (self.folder / "log.before").open("ab") as before:
                before.write(log.read_bytes())
        return Resident(self.lab, self.folder, self.trouble.prefix, ("--kernel",), **self.values())

    def values(self) -> dict[str, object]:
        return {
            "data_dir": str(self.folder / "data"),
            "upstream": [UPSTREAM],
            "web_listen": [f"0.0.0.0:{WEB_PORT}"],
            "web_hosts": ["openwrt.lan"],
            "keep_history": self.copies,
        }

    def client(self) -> ControlClient:
        """A new connection to the daemon of now; Unreachable where there is none."""
        made = ControlClient(str(self.folder / "run" / "control.sock"))
        made._link.settimeout(CALL_S)
        return made

    def ready(self, within_s: float = READY_S) -> ControlClient:
        """As `client`, of a daemon that answers, started again as procd does where its guard is dead."""
        end = time.monotonic() + within_s
        while True:
            self.revive()
            try:
                client = self.client()
                try:
                    client.call("status")
                    return client
                except (Unreachable, OSError, ControlError):
                    client.close()
                    raise
            except (Unreachable, OSError, ControlError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def revive(self) -> None:
        if self.resident.process.poll() is not None:
            self.resident.client.close()
            self.resident.log.close()
            self.resident = self._start()

    def said(self) -> str:
        before = self.folder / "log.before"
        return (before.read_text() if before.exists() else "") + (self.folder / "log").read_text()

    @property
    def guard(self) -> int:
        return self.resident.process.pid

    @property
    def daemon(self) -> int | None:
        try:
            return children(self.guard)[0]
        except (IndexError, OSError):
            return None

    def descendants(self) -> list[int]:
        """The daemon's jobs and what these forked."""
        found: list[int] = []
        left = [self.daemon] if self.daemon else []
        while left:
            try:
                made = children(left.pop())
            except OSError:  # dead meanwhile
                continue
            found += made
            left += made
        return found

    def tell_upstream(self, line: str) -> None:
        assert self.upstream.stdin is not None
        self.upstream.stdin.write(line.encode() + b"\n")
        self.upstream.stdin.flush()

    def space(self, number: int) -> Space:
        return self.spaces[number]

    def stop(self) -> None:
        self.trouble.set()
        send(self.guard, signal.SIGCONT)
        if (daemon := self.daemon) is not None:
            send(daemon, signal.SIGCONT)
        self.resident.stop()

    def close(self) -> None:
        self.open.close()


def send(pid: int, number: int) -> None:
    """A signal to a process that may be dead by now."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
