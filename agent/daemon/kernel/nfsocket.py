"""The raw netlink socket to netfilter. Whoever holds it owns the tables made with it; a fork shares it."""

from __future__ import annotations

from agent.platform.cmodules import socket

_NETLINK_NETFILTER = 12
_SOL_NETLINK, _CAP_ACK, _EXT_ACK = 270, 10, 11


def open_socket() -> socket.socket | None:
    """The socket, non-blocking, or None where the system has none. Needs no privilege; using it does."""
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        return None
    try:
        sock = socket.socket(family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
    except OSError:
        return None
    sock.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
    sock.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
    sock.bind((0, 0))
    sock.setblocking(False)
    return sock
