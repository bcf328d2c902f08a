"""A web server with TLS for many connections at once, on port 443: `python -m tests.lab.https KEY CERT`."""

import socket
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b"<!doctype html><title>t</title><p>a page of the wan</p>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True

    def finish_request(self, request: socket.socket, client_address: object) -> None:
        # The handshake belongs to the connection's own thread.
        super().finish_request(context.wrap_socket(request, server_side=True), client_address)

    def handle_error(self, *_: object) -> None:
        pass  # a client that was reset


key, cert = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
Server(("::", 443), Page).serve_forever()
