"""A web server with TLS for many connections at once, on port 443: `python -m tests.lab.https KEY CERT`.

It speaks HTTP/2 with those who offer it, and prints a JSON line for each connection: name, protocol, size of the hello,
whether that offers a post-quantum key (X25519MLKEM768).
"""

import json
import socket
import ssl
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agent.core.model import BadInput
from agent.core.tls_hello import read

BODY = b"<!doctype html><title>t</title><p>a page of the wan</p>"
MLKEM_SHARE = b"\x11\xec\x04\xc0"  # the group and the size of its share, as a key share extension has them
HELLO_WITHIN_S = 5.0

# RFC 9113: frames, and the preface of a client.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING, GOAWAY = 0, 1, 4, 6, 7
ACK = END_STREAM = 1
END_HEADERS = 4
# RFC 7541: `:status: 200` from the static table, `content-type` with a literal value.
HEAD = b"\x88\x5f\x09text/html"


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True

    def finish_request(self, request: socket.socket, client_address: object) -> None:
        # The handshake belongs to the connection's own thread.
        said = told(peeked(request))
        with context.wrap_socket(request, server_side=True) as secured:
            protocol = secured.selected_alpn_protocol() or "http/1.1"
            print(json.dumps({**said, "protocol": protocol}), flush=True)
            if protocol == "h2":
                serve(secured)
            else:
                super().finish_request(secured, client_address)

    def handle_error(self, *_: object) -> None:
        pass  # a client that was reset


def peeked(request: socket.socket) -> bytes:
    """The hello, which is left where it is."""
    end = time.monotonic() + HELLO_WITHIN_S
    while time.monotonic() < end:
        data = request.recv(1 << 14, socket.MSG_PEEK)
        if not data or read(data) is not None:
            return data
        time.sleep(0.005)
    return b""


def told(hello: bytes) -> dict[str, object]:
    try:
        found = read(hello)
    except BadInput:
        found = None
    name = found.name.decode() if found and found.name else None
    return {"name": name, "size": len(hello), "post_quantum": MLKEM_SHARE in hello}


def serve(link: ssl.SSLSocket) -> None:
    """Answers every request of an HTTP/2 connection with the page."""
    stream = link.makefile("rb")
    if stream.read(len(PREFACE)) != PREFACE:
        return
    link.sendall(frame(SETTINGS, 0, 0))
    while len(head := stream.read(9)) == 9:
        size, kind, flags, number = int.from_bytes(head[:3], "big"), head[3], head[4], struct.unpack(">I", head[5:])[0]
        payload = stream.read(size)
        if kind == GOAWAY:
            return
        if kind in (SETTINGS, PING) and not flags & ACK:
            link.sendall(frame(kind, ACK, 0, payload if kind == PING else b""))
        elif kind == HEADERS:
            link.sendall(frame(HEADERS, END_HEADERS, number, HEAD) + frame(DATA, END_STREAM, number, BODY))


def frame(kind: int, flags: int, number: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", number) + payload


key, cert = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
context.set_alpn_protocols(["h2", "http/1.1"])
Server(("::", 443), Page).serve_forever()
