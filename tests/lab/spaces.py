"""Network namespaces: made, entered, left without a trace."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from pyroute2 import IPRoute, netns

T = TypeVar("T")
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


def enter(name: str) -> None:
    """Moves the calling thread into a namespace."""
    handle = os.open(f"/run/netns/{name}", os.O_RDONLY)
    failed = libc.setns(handle, CLONE_NEWNET)
    os.close(handle)
    if failed:
        raise OSError(ctypes.get_errno(), f"setns {name}")


class Space:
    """One namespace. Sockets and processes made through it stay in it, whoever uses them."""

    def __init__(self, name: str) -> None:
        self.name = name
        netns.create(name)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.sockets: list[socket.socket] = []
        self.ip = self.inside(IPRoute)
        self.up("lo")

    def inside(self, function: Callable[[], T]) -> T:
        """The function's result, computed by a thread that is in the namespace."""
        results: list[T] = []
        errors: list[Exception] = []

        def work() -> None:
            enter(self.name)
            try:
                results.append(function())
            except Exception as error:  # noqa: BLE001 - raised again by the caller's thread
                errors.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return results[0]

    def socket(self, family: int, kind: int, timeout_s: float = 1.0) -> socket.socket:
        made = self.inside(lambda: socket.socket(family, kind))
        made.settimeout(timeout_s)
        self.sockets.append(made)
        return made

    def close_sockets(self) -> None:
        """For the end of a test: its clients' sockets."""
        while self.sockets:
            self.sockets.pop().close()

    def start(self, command: Sequence[str], **options: object) -> subprocess.Popen[bytes]:
        """A process in the namespace that dies with this one, at the latest when the lab does."""

        def before() -> None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            enter(self.name)

        process: subprocess.Popen[bytes] = subprocess.Popen(command, preexec_fn=before, **options)  # type: ignore[call-overload]
        self.processes.append(process)
        return process

    def run(self, command: Sequence[str], **options: object) -> str:
        """The command's output; CalledProcessError with it otherwise."""
        made = subprocess.run(  # type: ignore[call-overload]
            command, preexec_fn=lambda: enter(self.name), capture_output=True, text=True, check=False, **options
        )
        if made.returncode:
            raise RuntimeError(f"{command}: {made.returncode}\n{made.stdout}{made.stderr}")
        return str(made.stdout)

    def sysctl(self, path: str, value: object) -> None:
        def write() -> None:
            with open(f"/proc/sys/net/{path}", "w") as file:
                file.write(str(value))

        self.inside(write)

    def index(self, interface: str) -> int:
        return int(self.ip.link_lookup(ifname=interface)[0])

    def up(self, interface: str) -> None:
        self.ip.link("set", index=self.index(interface), state="up")

    def address(self, interface: str, address: str) -> None:
        """An address with its prefix length, without waiting for duplicate address detection."""
        text, _, length = address.partition("/")
        nodad = {"flags": 2} if ":" in text else {}
        self.ip.addr("add", index=self.index(interface), address=text, prefixlen=int(length), **nodad)

    def default_route(self, gateway: str) -> None:
        family = socket.AF_INET6 if ":" in gateway else socket.AF_INET
        self.ip.route("add", dst="default", gateway=gateway, family=family)

    def close(self) -> None:
        """Ends what was started, by its pid, and removes the namespace."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        self.close_sockets()
        self.ip.close()
        netns.remove(self.name)
