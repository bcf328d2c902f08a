"""A DNS server for trying things out where there is no internet: every name exists, at one documentation address.

python3 tools/responder.py ADDRESS PORT serves UDP and TCP until it is ended.
"""

import selectors
import socket
import struct
import sys

ADDRESSES = {1: socket.inet_aton("192.0.2.1"), 28: socket.inet_pton(socket.AF_INET6, "2001:db8::1")}  # RFC 5737, 3849
TTL_S = 60


def answer(query: bytes) -> bytes | None:
    """The reply to a query with one question; None for what is none."""
    if len(query) < 17 or query[2] & 0x80 or query[4:6] != b"\0\1":
        return None
    end = 12
    while end < len(query) and query[end]:
        end += query[end] + 1
    question = query[12 : end + 5]
    if len(question) < 5:
        return None
    kind = struct.unpack(">H", question[-4:-2])[0]
    record = b""
    if kind in ADDRESSES:
        record = struct.pack(">HHHIH", 0xC00C, kind, 1, TTL_S, len(ADDRESSES[kind])) + ADDRESSES[kind]
    flags = 0x8180 | (query[2] & 0x01) << 8
    return query[:2] + struct.pack(">HHHHH", flags, 1, bool(record), 0, 0) + question + record


def serve_stream(listener: socket.socket) -> None:
    """One query a connection, as long as it comes in one piece: enough on the loopback."""
    link, _ = listener.accept()
    with link:
        link.settimeout(1)
        try:
            reply = answer(link.recv(4096)[2:])
            if reply:
                link.sendall(struct.pack(">H", len(reply)) + reply)
        except OSError:
            return


def serve_datagram(datagrams: socket.socket) -> None:
    query, sender = datagrams.recvfrom(4096)
    reply = answer(query)
    if reply:
        datagrams.sendto(reply, sender)


def main(address: str, port: int) -> None:
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind((address, port))
    listener = socket.create_server((address, port))
    selector = selectors.DefaultSelector()
    selector.register(datagrams, selectors.EVENT_READ, serve_datagram)
    selector.register(listener, selectors.EVENT_READ, serve_stream)
    while True:
        for key, _ in selector.select():
            key.data(key.fileobj)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
