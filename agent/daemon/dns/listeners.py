"""Opens the sockets that DNS is taken on: UDP and TCP at each endpoint, with the marks that the kernel's rules need."""

import contextlib
import errno
from collections.abc import Callable

from agent.core.model import BadInput
from agent.daemon.dns.service import Dns
from agent.daemon.dns.tcp import TCP_SAVE_SYN, Tcp
from agent.daemon.dns.udp import BUFFER_BYTES, IP_PKTINFO, IPV6_RECVPKTINFO, SO_MARK, SO_RCVMARK, Udp
from agent.daemon.loop import Loop
from agent.platform.cmodules import socket

BACKLOG = 128  # who waits there is not reset; a household's devices together open fewer at once
SAVE_FROM_ETHERNET = 2
WILDCARDS = ("0.0.0.0", "::")


def listen(loop: Loop, dns: Dns, endpoints: list[tuple[str, int]], tag: int | None) -> None:
    """Takes queries at these addresses and ports, and closes all again if one can't be had. BadInput, OSError.

    With a `tag`, devices are known by the kernel's marks, and our own packets carry the tag where we may set it.
    """
    opened: list[socket.socket] = []
    try:
        for endpoint in endpoints:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                opened.append(_bind(endpoint, kind, tag))
    except (OSError, BadInput):
        for bound in opened:
            bound.close()
        raise
    for bound in opened:
        if bound.type == socket.SOCK_STREAM:
            Tcp(loop, dns, bound, tag is not None)
        else:
            Udp(loop, dns, bound, tag is not None, bound.getsockname()[0] in WILDCARDS)


def _bind(endpoint: tuple[str, int], kind: int, tag: int | None) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint[0] else socket.AF_INET
    bound = socket.socket(family, kind)
    try:
        bound.setblocking(False)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        _PREPARE[kind](bound, endpoint, tag)
        if tag is not None:
            # Needs CAP_NET_ADMIN; without it the switch does not run either.
            with contextlib.suppress(PermissionError):
                bound.setsockopt(socket.SOL_SOCKET, SO_MARK, tag)
        bound.bind(endpoint)
        if kind == socket.SOCK_STREAM:
            bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise _said(error, endpoint, kind) from error
    return bound


def _said(error: OSError, endpoint: tuple[str, int], kind: int) -> Exception:
    """BadInput for what can't cure itself; an address that is not there yet may come."""
    protocol = "TCP" if kind == socket.SOCK_STREAM else "UDP"
    where = f"setting dns_listen: {endpoint[0]} port {endpoint[1]} ({protocol})"
    if error.errno == errno.EADDRINUSE:
        return BadInput(where + " is taken by another program: stop that one, or choose another port")
    if isinstance(error, PermissionError):
        return BadInput(where + " may not be opened by this user: run as root, or choose a port from 1024 on")
    return OSError(error.errno, f"{where}: {error.strerror}")


def _prepare_udp(bound: socket.socket, endpoint: tuple[str, int], tag: int | None) -> None:
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    if tag is not None:
        bound.setsockopt(socket.SOL_SOCKET, SO_RCVMARK, 1)
    if endpoint[0] in WILDCARDS and bound.family == socket.AF_INET6:
        bound.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
    elif endpoint[0] in WILDCARDS:
        bound.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)


def _prepare_tcp(bound: socket.socket, endpoint: tuple[str, int], tag: int | None) -> None:  # noqa: ARG001
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if tag is not None:
        bound.setsockopt(socket.IPPROTO_TCP, TCP_SAVE_SYN, SAVE_FROM_ETHERNET)


_PREPARE: dict[int, Callable[[socket.socket, tuple[str, int], int | None], None]] = {
    socket.SOCK_DGRAM: _prepare_udp,
    socket.SOCK_STREAM: _prepare_tcp,
}
