"""What is no internet: the router itself, and the networks behind the house's interfaces."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from agent.core import interface_addresses
from agent.core.addresses import show
from agent.core.interface_addresses import InterfaceAddress
from agent.core.localnames import is_private
from agent.core.netlink import DONE, ERROR, Message, encode, last, messages
from agent.platform import cmodules
from agent.platform.cmodules import socket

_NETLINK_ROUTE = 0
_READ_BYTES = 65536  # the kernel's pieces of a dump have at most 32 KiB
_ROUTES = "/proc/net/route"


class House:
    """What is no internet: this host, the networks behind some interfaces, and addresses of groups and of one link."""

    def __init__(self, interfaces: list[str]) -> None:
        self._known = {name: index for index, name in socket.if_nameindex()}
        behind = {self._known[name] for name in interfaces if name in self._known}
        self._found = _interface_addresses()
        self._own = frozenset([one.address for one in self._found])
        self._networks = [one for one in self._found if one.interface in behind]

    def network(self, interface: str) -> str:
        """The private network behind an interface that is not one of them, as text; "" where there is none, or where
        the way to the internet is."""
        if interface in _ways_out():
            return ""
        index = self._known.get(interface)
        found = [one for one in self._found if one.interface == index and is_private(one.address)]
        return f"{show(found[0].address)}/{found[0].bits}" if found else ""

    def has(self, address: bytes) -> bool:
        if address in self._own or any(network.has(address) for network in self._networks):
            return True
        if len(address) == 4:
            return address[0] >= 224 or address[0] == 127
        return address[0] == 0xFF or address[:2] == b"\xfe\x80"


def _interface_addresses() -> list[InterfaceAddress]:
    with contextlib.closing(
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_ROUTE)
    ) as sock:
        parts = list(conversation(sock, interface_addresses.dump()))
    found = [interface_addresses.read(answer) for data in parts for answer in messages(data)]
    return [one for one in found if one is not None]


def _ways_out() -> set[str]:
    """The interfaces with a default route of IPv4."""
    lines: list[str] = []
    with contextlib.suppress(OSError), open(_ROUTES, encoding="ascii") as file:
        lines = file.read().splitlines()[1:]
    routes = [line.split() for line in lines]
    return {route[0] for route in routes if len(route) > 7 and route[1] == route[7] == "00000000"}


def conversation(sock: cmodules.socket.socket, message: Message) -> Iterator[bytes]:
    """The pieces of a dump, as they are read."""
    sock.send(encode(message, 1))
    while True:
        data = sock.recv(_READ_BYTES)
        yield data
        end = last(data)
        if end is not None and end.errno:
            raise OSError(end.errno, "the kernel does not tell what is open")
        if end is None or end.type in (DONE, ERROR):
            return
