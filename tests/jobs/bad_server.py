"""A local HTTPS server with its own authority, that serves lists and misbehaves on request."""

import gzip
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

Answer = Callable[["Asked"], None]


# Python 3.13 wants to be told what an authority's key is for.
USAGE = ["keyUsage=critical,keyCertSign,cRLSign"]


class Authority:
    """A certificate authority for one test run, made with openssl; `extensions` are those that it names."""

    def __init__(self, folder: Path, extensions: list[str] = USAGE) -> None:
        self.folder = folder
        self.file = folder / "ca.pem"
        self._openssl(
            *"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=authority".split(),
            *(word for extension in extensions for word in ("-addext", extension)),
            *("-keyout", str(folder / "ca.key"), "-out", str(self.file)),
        )

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.folder)

    def context(self, name: str, days: str = "30", signed: bool = True, issuer: bool = True) -> ssl.SSLContext:
        """A server's side, for localhost or another name; expired with days "-1", foreign when not signed, without a
        word on whose key signed it when not `issuer`."""
        extensions = ["subjectAltName=DNS:" + ("localhost" if name != "other" else "other.example")]
        # OpenSSL before 3.2 adds it only when asked to, later ones unless asked not to.
        extensions += ["authorityKeyIdentifier=" + ("keyid" if issuer else "none")] if signed else []
        (self.folder / f"{name}.ext").write_text("\n".join(extensions))
        self._openssl(
            *"req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(),
            *("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"] if signed else ["-signkey", f"{name}.key"]
        when = ["-days", days]
        if days == "-1":
            # Older than its own end: made by hand, since -days takes no past.
            when = ["-not_before", "20200101000000Z", "-not_after", "20200201000000Z"]
            help_text = subprocess.run(["openssl", "x509", "-help"], capture_output=True, text=True).stderr
            if "-not_before" not in help_text:
                return self._expired(name)
        self._openssl(
            "x509", "-req", "-in", f"{name}.csr", *by, *when, "-extfile", f"{name}.ext", "-out", f"{name}.pem"
        )
        return self._load(name)

    def _expired(self, name: str) -> ssl.SSLContext:
        (self.folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n"
            "unique_subject=no\n[p]\ncommonName=supplied\n"
        )
        (self.folder / "index.txt").write_text("")
        (self.folder / "serial").write_text("01\n")
        self._openssl(
            *"ca -batch -config ca.cnf -cert ca.pem -keyfile ca.key".split(),
            *"-startdate 200101000000Z -enddate 200201000000Z".split(),
            *("-extfile", f"{name}.ext", "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext"),
        )
        return self._load(name)

    def _load(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context


class Asked:
    """One request: its path, its headers (lower-case names), and ways to answer it."""

    def __init__(self, link: ssl.SSLSocket, path: str, headers: dict[str, str], server: "BadServer") -> None:
        self.link = link
        self.path = path
        self.headers = headers
        self.server = server

    def head(self, status: str, *lines: str) -> None:
        self.link.sendall("\r\n".join([f"HTTP/1.1 {status}", *lines, "Connection: close", "", ""]).encode())

    def reply(self, body: bytes, *lines: str, status: str = "200 OK", length: int | None = None) -> None:
        self.head(status, f"Content-Length: {len(body) if length is None else length}", *lines)
        self.link.sendall(body)

    def drip(self, piece: bytes, pause_s: float = 0.02) -> None:
        """Until the other side has enough."""
        while not self.server.closing:
            self.link.sendall(piece)
            time.sleep(pause_s)


class BadServer:
    """Serves `pages` (path → answer) in threads; `log` has the paths asked for, with their headers."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.pages: dict[str, Answer] = {}
        self.log: list[Asked] = []
        self.closing = False
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def address(self, path: str) -> str:
        return f"https://localhost:{self.port}{path}"

    def _start(self, call: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=call, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, raw)

    def _serve(self, raw: socket.socket) -> None:
        raw.settimeout(20)
        try:
            with self._context.wrap_socket(raw, server_side=True) as link:
                text = b""
                while b"\r\n\r\n" not in text:
                    piece = link.recv(4096)
                    if not piece:
                        return
                    text += piece
                first, *lines = text.decode().split("\r\n\r\n")[0].split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                asked = Asked(link, first.split(" ")[1], headers, self)
                self.log.append(asked)
                self.pages.get(asked.path, missing)(asked)
        except OSError:
            return  # the other side had enough, or refused the certificate
        finally:
            raw.close()

    def close(self) -> None:
        self.closing = True
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


def missing(asked: Asked) -> None:
    asked.reply(b"not here\n", status="404 Not Found")


def text(body: bytes, *lines: str) -> Answer:
    return lambda asked: asked.reply(body, *lines)


def zipped(body: bytes, cut: int = 0, *lines: str) -> Answer:
    data = gzip.compress(body)
    data = data[: len(data) - cut]
    return lambda asked: asked.reply(data, "Content-Encoding: gzip", *lines)


def validated(body: bytes, etag: str) -> Answer:
    """A list with an ETag: 304 to whoever has it."""

    def answer(asked: Asked) -> None:
        if asked.headers.get("if-none-match") == etag:
            asked.head("304 Not Modified", "ETag: " + etag)
        else:
            asked.reply(body, "ETag: " + etag)

    return answer


def names(count: int, word: str = "bad") -> bytes:
    return b"".join(b"%s%d.example\n" % (word.encode(), at) for at in range(count))


def trusting(authority: Authority) -> dict[str, str]:
    return {**os.environ, "SSL_CERT_FILE": str(authority.file)}
