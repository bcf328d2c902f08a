"""The two ends of the web job for tests: a recording peer on its control socket, a plain HTTP client."""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def refusal(code: str, message: str, **more: object) -> dict:
    return {"error": {"code": code, "message": message} | more}


class Peer:
    """Answers control operations from a table of values or functions, and records every call."""

    def __init__(self) -> None:
        self.calls: list[dict] = []
        self.web: dict[str, object] = {}
        self.setup_code = "abcdefghjk"
        self.answers: dict[str, object] = {}
        self.ours, self.theirs = socket.socketpair()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def named(self, op: str) -> list[dict]:
        return [call for call in self.calls if call["op"] == op]

    def event(self, **event: object) -> None:
        self._send(event)

    def stop(self) -> None:
        self.ours.close()
        self.theirs.close()
        self._thread.join(5)

    def _send(self, message: dict) -> None:
        with self._lock:
            self.ours.sendall(json.dumps(message).encode() + b"\n")

    def _run(self) -> None:
        buffer = b""
        while True:
            try:
                data = self.ours.recv(65536)
            except OSError:
                return
            if not data:
                return
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                self._answer(json.loads(line))

    def _answer(self, call: dict) -> None:
        self.calls.append(call)
        reply = self._reply(call)
        if reply is not None:
            self._send(reply | {"tag": call["tag"]})

    def _reply(self, call: dict) -> dict | None:
        op = call["op"]
        if op in self.answers:
            answer = self.answers[op]
            answer = answer(call) if callable(answer) else answer
            return answer if answer is None or "error" in answer else {"ok": answer}
        if op == "web.get":
            return {"ok": {"value": self.web.get(call["key"])}}
        if op == "web.put":
            # As the daemon keeps it: a copy, through JSON, of at most 8 KiB.
            text = json.dumps(call["value"])
            assert len(text) <= 8192
            self.web[call["key"]] = json.loads(text)
            return {"ok": {}}
        if op == "setup.check":
            if call["code"].lower() != self.setup_code:
                return refusal("forbidden", "that is not the setup code")
            self.setup_code = ""
            return {"ok": {"ok": True}}
        if op == "subscribe":
            return {"ok": {}}
        return refusal("bad_request", f"no operation {op!r}")


class Job:
    """The real job as a process of its own, with its listener on loopback."""

    def __init__(self, peer: Peer, idle_s: float = 300, address: str = "127.0.0.1", **environment: str) -> None:
        self.listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.listener.bind((address, 0))
        self.listener.listen(128)
        self.port = self.listener.getsockname()[1]
        self.start(peer, idle_s, environment)

    def start(self, peer: Peer, idle_s: float, environment: dict[str, str]) -> None:
        fds = (self.listener.fileno(), peer.theirs.fileno())
        own = [int(fd) for fd in environment.get("PRIVACY_AGENT_TLS_FDS", "").split(",") if fd]
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "agent.jobs.web"],
            cwd=ROOT,
            pass_fds=(*fds, *own),
            env=os.environ
            | {
                "PRIVACY_AGENT_LISTEN_FDS": str(fds[0]),
                "PRIVACY_AGENT_CONTROL_FD": str(fds[1]),
                "PRIVACY_AGENT_WEB_IDLE_S": str(idle_s),
            }
            | environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def rss_kb(self) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        return 0

    def stop(self) -> str:
        """Ends it; what it wrote to stderr."""
        self.process.terminate()
        _, errors = self.process.communicate(timeout=10)
        self.listener.close()
        return errors


class Reply:
    """`rest` is what came behind it in the same segment: the beginning of the next reply."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.rest = b""

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name.lower()), "")

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """One browser: keeps the session cookie and the CSRF token; a fresh connection for each request."""

    def __init__(self, port: int, host: str = "127.0.0.1", tls: bool = False, source: str = "127.0.0.1") -> None:
        self.port = port
        self.host = host
        self.tls = tls
        self.source = source
        self.cookies: dict[str, str] = {}
        self.csrf = ""

    def connect(self) -> socket.socket:
        sock = socket.create_connection((self.host, self.port), timeout=10, source_address=(self.source, 0))
        if not self.tls:
            return sock
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context.wrap_socket(sock, server_hostname=self.host)

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        with self.connect() as sock:
            sock.sendall(self.request(method, path, body, headers))
            reply = read_reply(sock, method)
        for key, value in reply.headers:
            if key == "set-cookie":
                name, _, rest = value.partition("=")
                self.cookies[name] = rest.partition(";")[0]
        if path.startswith("/api/") and reply.status < 300 and reply.body[:1] == b"{" and reply.json.get("csrf"):
            self.csrf = reply.json.get("csrf") or ""
        return reply

    def request(self, method: str, path: str, body: object, headers: dict[str, str]) -> bytes:
        given = {"Host": f"{self.host}:{self.port}", "User-Agent": "Mozilla/5.0 (Linux; Android 14) Firefox/140.0"}
        if self.cookies:
            given["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items() if value)
        if self.csrf:
            given["X-CSRF-Token"] = self.csrf
        data = b""
        if body is not None:
            data = json.dumps(body).encode()
            given |= {"Content-Type": "application/json", "Content-Length": str(len(data))}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {path} HTTP/1.1"] + [f"{key}: {value}" for key, value in given.items() if value]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def read_reply(sock: socket.socket, method: str = "GET", data: bytes = b"") -> Reply:
    """`data` is what was received already."""
    while b"\r\n\r\n" not in data:
        data += _more(sock)
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = [(key.lower(), value.strip()) for key, _, value in (line.partition(":") for line in lines[1:])]
    reply = Reply(int(lines[0].split()[1]), headers, b"")
    if method == "HEAD" or reply.status in (204, 304):
        return reply
    length = reply.header("content-length")
    if length:
        while len(body) < int(length):
            body += _more(sock)
        body, reply.rest = body[: int(length)], body[int(length) :]
    elif reply.header("transfer-encoding") == "chunked":
        body = _dechunk(sock, body)
    reply.body = body
    return reply


def _dechunk(sock: socket.socket, data: bytes) -> bytes:
    out = b""
    while True:
        while b"\r\n" not in data:
            data += _more(sock)
        size, _, data = data.partition(b"\r\n")
        while len(data) < int(size, 16) + 2:
            data += _more(sock)
        out += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]
        if int(size, 16) == 0:
            return out


def _more(sock: socket.socket) -> bytes:
    data = sock.recv(65536)
    if not data:
        raise ConnectionError("closed in the middle of a reply")
    return data


PASSWORD = "our seven blue lamps"


def signed_in(port: int, peer: Peer, **more) -> Client:
    """A browser after the first run."""
    client = Client(port, **more)
    peer.setup_code = "abcdefghjk"
    reply = client.ask("POST", "/api/v1/setup", {"code": "ABCDEFGHJK", "password": PASSWORD})
    assert reply.status == 201, reply.body
    return client


def wait_until(condition, seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
