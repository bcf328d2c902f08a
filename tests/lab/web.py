"""Web servers of the WAN, and clients that open connections to them in every way."""

from __future__ import annotations

import select
import socket
import subprocess
import threading
import time
from pathlib import Path

from agent.core.tls_hello import read
from tests.core.test_tls_hello import extension, message, records, server_name
from tests.lab.lab import Lab
from tests.lab.spaces import Space

PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GREETING = b"server hello"


def hello(name: str, size: int = 0, record: int = 16384) -> bytes:
    """A ClientHello for a server; `size` bytes of key share make it longer than a packet."""
    return records(message(extension(51, bytes(size)), server_name(name.encode())), record)


def get(host: str, path: str = "/") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: test\r\n\r\n".encode()


class Site(threading.Thread):
    """Answers every piece of data that comes to some TCP ports of the WAN, until closed."""

    def __init__(self, lab: Lab, ports: tuple[int, ...] = (80, 443, 853, 8443)) -> None:
        super().__init__(daemon=True)
        self.listeners = [lab.wan.inside(lambda port=port: self._listen(port)) for port in ports]
        # Datagrams are taken and not answered: who gets an error, got it on the way.
        self.silent = [lab.wan.inside(lambda port=port: self._silent(port)) for port in (80, 443, 853)]
        self.begun: dict[int, bytes] = {}
        self.over = False
        self.start()

    @staticmethod
    def _listen(port: int) -> socket.socket:
        made = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
        made.setblocking(False)
        return made

    @staticmethod
    def _silent(port: int) -> socket.socket:
        made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        made.bind(("::", port))
        return made

    def run(self) -> None:
        poll = select.epoll()
        known = {one.fileno(): one for one in self.listeners}
        for descriptor in known:
            poll.register(descriptor, select.EPOLLIN)
        servers = set(known)
        while not self.over:
            for descriptor, _ in poll.poll(0.05):
                if descriptor in servers:
                    made = known[descriptor].accept()[0]
                    known[made.fileno()] = made
                    poll.register(made.fileno(), select.EPOLLIN)
                elif not self._served(known[descriptor]):
                    poll.unregister(descriptor)
                    known.pop(descriptor).close()
        for one in [poll, *known.values(), *self.silent]:
            one.close()

    def _served(self, connection: socket.socket) -> bool:
        """A request is answered at once, a hello when it is whole."""
        try:
            data = connection.recv(1 << 16)
            begun = self.begun.pop(connection.fileno(), b"") + data
            if begun[:1] != b"\x16":
                connection.sendall(PAGE if data[:1].isupper() else b"")
            elif read(begun) is None and data:
                self.begun[connection.fileno()] = begun
            else:
                connection.sendall(GREETING)
            return bool(data)
        except OSError:
            return False

    def close(self) -> None:
        self.over = True
        self.join(5)


class Caller:
    """A client's connection. What becomes of it is "ok" or the error's name."""

    def __init__(self, space: Space, server: str, port: int = 443, timeout_s: float = 2.0) -> None:
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        self.sock = space.socket(family, socket.SOCK_STREAM, timeout_s)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect((server, port))

    def send(self, *pieces: bytes, pause_s: float = 0.0) -> Caller:
        for piece in pieces:
            self.sock.sendall(piece)
            time.sleep(pause_s)
        return self

    def outcome(self) -> str:
        try:
            return "ok" if self.sock.recv(4096) else "closed"
        except OSError as error:
            return type(error).__name__

    def ask(self, *pieces: bytes, pause_s: float = 0.0) -> str:
        try:
            self.send(*pieces, pause_s=pause_s)
        except OSError as error:
            return type(error).__name__
        return self.outcome()

    def close(self) -> None:
        self.sock.close()


def call(space: Space, server: str, data: bytes, port: int = 443) -> str:
    """One fresh connection that sends this."""
    try:
        caller = Caller(space, server, port)
    except OSError as error:
        return type(error).__name__
    try:
        return caller.ask(data)
    finally:
        caller.close()


def certificate(folder: Path) -> tuple[str, str]:
    key, cert = str(folder / "key.pem"), str(folder / "cert.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        + ["-subj", "/CN=test", "-keyout", key, "-out", cert],
        check=True,
        capture_output=True,
    )
    return key, cert
