"""Shows the refusal page in the name of the server that a plain HTTP request was for.

A socket takes over the server's end of the connection where it stands (TCP_REPAIR, IP_TRANSPARENT): the kernel makes
the segments, and connection tracking takes them for the server's answer. That needs CAP_NET_ADMIN and, to bind to port
80, CAP_NET_BIND_SERVICE; a raw socket would need CAP_NET_RAW, with which the agent could listen to every device.
"""

import struct
from collections.abc import Callable

from agent.core.packet import TcpPosition
from agent.platform.cmodules import socket

# linux/in.h, linux/in6.h, linux/tcp.h
_TRANSPARENT = {socket.AF_INET: (socket.IPPROTO_IP, 19), socket.AF_INET6: (socket.IPPROTO_IPV6, 75)}
_REPAIR, _REPAIR_QUEUE, _QUEUE_SEQ, _REPAIR_OPTIONS, _TIMESTAMP, _REPAIR_WINDOW = 19, 20, 21, 22, 24, 29
_RECEIVED, _SENT = 1, 2
_ON, _OFF = 1, -1  # off without a probe of the client's window
_OPTION_MSS, _OPTION_TIMESTAMPS = 2, 8
# The smallest that every link carries (RFC 8200 section 5) less both heads.
_SEGMENT_MAX = 1280 - 60
# What clients take unasked; how they scale the window that they announce is not known here.
_WINDOW = 65535

WAITING_MAX = 64  # as many as are judged in a turn


class ServerImpersonation:
    """`answered_at(flow)` tells where the server of a connection answers to, None when that can't be said.

    What is lost on the way is not sent again: nothing is kept of a connection that was answered.
    """

    def __init__(self, answered_at: Callable[[bytes], tuple[bytes, int] | None]) -> None:
        self._answered_at = answered_at
        self._waiting: list[tuple[socket.socket, bytes]] = []

    def prepare(self, standing: TcpPosition, response: bytes) -> bool:
        """Whether the client of the connection will be sent the response, and its end, by `send`."""
        to = self._answered_at(standing.flow)
        if to is None or len(self._waiting) >= WAITING_MAX:
            return False
        try:
            self._waiting.append((_taken_over(standing, to), response))
        except OSError:
            return False
        return True

    def send(self) -> None:
        """To be called when the kernel knows what has become of the connections: clients close at once."""
        for sock, response in self._waiting:
            try:
                sock.send(response)
                sock.shutdown(socket.SHUT_WR)
                _set(sock, _REPAIR, _ON)  # so that closing is silent
            except OSError:
                continue  # no way to the client: it has gone
            finally:
                sock.close()
        self._waiting.clear()


def _taken_over(standing: TcpPosition, to: tuple[bytes, int]) -> socket.socket:
    """A socket that is the server's end of the connection."""
    size = (len(standing.flow) - 4) // 2
    family = socket.AF_INET if size == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        sock.setsockopt(*_TRANSPARENT[family], 1)
        _set(sock, _REPAIR, _ON)
        for queue, seq in ((_RECEIVED, standing.client_next), (_SENT, standing.server_next)):
            _set(sock, _REPAIR_QUEUE, queue)
            sock.setsockopt(socket.IPPROTO_TCP, _QUEUE_SEQ, struct.pack("I", seq))
        server = socket.inet_ntop(family, standing.flow[size : 2 * size])
        sock.bind((server, int.from_bytes(standing.flow[-2:], "big")))
        sock.connect((socket.inet_ntop(family, to[0]), to[1]))
        _set_up(sock, standing)
        _set(sock, _REPAIR, _OFF)
    except OSError:
        sock.close()
        raise
    return sock


def _set_up(sock: socket.socket, standing: TcpPosition) -> None:
    """What both ends would have agreed on when the connection was opened."""
    options = struct.pack("II", _OPTION_MSS, _SEGMENT_MAX)
    if standing.echo is not None:
        options += struct.pack("II", _OPTION_TIMESTAMPS, 0)
    sock.setsockopt(socket.IPPROTO_TCP, _REPAIR_OPTIONS, options)
    if standing.echo is not None:
        sock.setsockopt(socket.IPPROTO_TCP, _TIMESTAMP, struct.pack("I", standing.echo + 1 & 0xFFFFFFFF))
    window = struct.pack("5I", standing.client_next, _WINDOW, _WINDOW, _WINDOW, standing.client_next)
    sock.setsockopt(socket.IPPROTO_TCP, _REPAIR_WINDOW, window)


def _set(sock: socket.socket, option: int, value: int) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, option, value)
