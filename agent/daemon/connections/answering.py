"""Sends the refusal page in the name of the server that a plain HTTP request was for."""

import socket

from agent.core import refusal
from agent.core.model import Rule
from agent.core.packet import inside


class Answering:
    """Raw sockets for IPv4 and IPv6. Where the system gives none, `answer` says so, and the connection is reset."""

    def __init__(self, ask_at: str | None) -> None:
        self._ask_at = ask_at
        self._sockets = [_raw(socket.AF_INET), _raw(socket.AF_INET6)]

    def answer(self, packet: bytes, target: str, rule: Rule | None) -> bool:
        """Whether the sender of this packet, a request, was sent the page."""
        found = inside(packet)
        sock = self._sockets[packet[0] >> 4 == 6]
        if found is None or sock is None:
            return False
        _, head, end, addresses = found
        if end > len(packet):
            return False  # copied in part: what to acknowledge is not known
        client = addresses[: len(addresses) // 2]
        family = socket.AF_INET if len(client) == 4 else socket.AF_INET6
        to = socket.inet_ntop(family, client)
        try:
            for made in refusal.answers(packet, head, end, refusal.page(target, rule, self._ask_at)):
                sock.sendto(made, (to, 0))
        except OSError:
            return False
        return True

    def close(self) -> None:
        for sock in self._sockets:
            if sock is not None:
                sock.close()


def _raw(family: int) -> socket.socket | None:
    try:
        sock = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    except OSError:
        return None
    sock.setblocking(False)
    return sock
