"""Who is on the LAN: which MAC has which addresses and what it calls itself, to show and to find devices to enrol.

Held in memory only and bounded; nothing is written about anybody. Identity of packets is the kernel's mark, not this.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import time

from agent.control.messages import Row
from agent.core import addresses, leases, neighbour
from agent.core.leases import Lease
from agent.core.model import BadInput
from agent.core.neighbour import Neighbour
from agent.core.netlink import encode, messages
from agent.platform.cmodules import socket

_NETLINK_ROUTE = 0
_SIOCGIFHWADDR = 0x8927  # linux/sockios.h; the address is at 18 of struct ifreq
_READ_BYTES = 65536  # the kernel's pieces of a dump have at most 32 KiB
_LEASES_BYTES_MAX = 1 << 20
# The kernel itself keeps 1024 neighbours by default; this bounds us where somebody raised that.
_NEIGHBOURS_MAX = 2048
# A device has one IPv4 address, two while it changes; who answers for more stands in for others.
_OWN_ADDRESSES = 2


class Neighbours:
    """`interfaces` are the LAN's names. Where there is no netlink `fileno()` is -1, and only leases are known."""

    def __init__(self, interfaces: list[str], leases_file: str) -> None:
        self._interfaces = frozenset(interfaces)
        self._leases_file = leases_file
        self._leases: list[Lease] = []
        self._leases_stamp: tuple[int, int] | None = None
        self._table: dict[bytes, Neighbour] = {}
        self._strangers: dict[bytes, str] = {}
        self._met: dict[bytes, float] = {}  # when each was heard of last
        self._started = time.monotonic()
        self._named: dict[bytes, str] = {}  # what each called itself last
        self._own = _own_macs()
        self._seq = 0
        self._sock = _open()
        if self._sock is not None:
            self._dump()
            self.read()

    def fileno(self) -> int:
        return -1 if self._sock is None else self._sock.fileno()

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def read(self) -> None:
        """Takes in what the kernel reports; to be called when `fileno()` is readable. Does not block."""
        while self._sock is not None:
            try:
                data = self._sock.recv(_READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                # ENOBUFS: reports were lost, so all is asked for again. The kernel clears the error by telling it.
                self._dump()
                continue
            for answer in messages(data):
                found = neighbour.read(answer)
                if found is not None:
                    self._take(found)

    def mac_of(self, address: str) -> bytes | None:
        """The MAC that answers for an address (text, a scope is ignored), or None."""
        try:
            found = self._table.get(addresses.unmapped(addresses.parse(address.partition("%")[0])))
        except BadInput:
            return None
        return found.mac if found else None

    def addresses_of(self, mac: bytes) -> list[str]:
        """The device's addresses: IPv4 first, then IPv6, link-local ones last; those heard of lately before others."""
        mine = [found for found in self._table.values() if found.mac == mac]
        ordered = [addresses.show(found.address) for found in sorted(mine, key=_rank)]
        leased = [lease.address for lease in self._lease_list() if lease.mac == mac]
        return ordered + [address for address in leased if address not in ordered]

    def address_of(self, mac: bytes) -> str | None:
        """The address to show, or None for a device that is not here."""
        return next(iter(self.addresses_of(mac)), None)

    def name_of(self, mac: bytes) -> str:
        """What the device called itself when it got its address, or ""."""
        return next((lease.name for lease in self._lease_list() if lease.mac == mac and lease.name), "")

    def unseen_s(self, mac: bytes) -> float:
        """For how long nothing was heard of a device, at most since the start."""
        return time.monotonic() - self._met.get(mac, self._started)

    def successor(self, mac: bytes) -> bytes | None:
        """The MAC under which the device seems to be here now: the name that it called itself has moved there."""
        leased = self._lease_list()
        name = self._named.get(mac)
        if not name or any(lease.mac == mac and lease.name == name for lease in leased):
            return None
        return next((lease.mac for lease in leased if lease.name == name), None)

    def behind_mac(self, mac: bytes) -> bytes | None:
        """The other MAC that answers for the address that was leased to this one: a repeater's, as a rule."""
        for lease in self._lease_list():
            found = self.mac_of(lease.address) if lease.mac == mac else None
            if found is not None and found != mac:
                return found
        return None

    def elsewhere(self, mac: bytes) -> str:
        """The interface where the device is, if it is in sight but behind none of the LAN's; else ""."""
        if mac not in self._strangers or any(found.mac == mac for found in self._table.values()):
            return ""
        return self._strangers[mac]

    def behind(self, mac: bytes) -> frozenset[str]:
        """Those of the LAN's interfaces where the device is in sight."""
        return frozenset([_name_of(found.interface) for found in self._table.values() if found.mac == mac])

    def stands_for_many(self, mac: bytes) -> bool:
        """Whether the MAC answers for other devices too, as some Wi-Fi repeaters do: it has the address that was leased
        to another MAC, or more addresses at once than one device has."""
        live = [found for found in self._table.values() if found.mac == mac and found.live and len(found.address) == 4]
        leased = {lease.address: lease.mac for lease in self._lease_list()}
        others = [found for found in live if leased.get(addresses.show(found.address), mac) != mac]
        return bool(others) or len(live) > _OWN_ADDRESSES

    def seen(self) -> list[tuple[bytes, Row]]:
        """Every device in sight as (MAC, row to show), in the order of their addresses."""
        macs = {found.mac for found in self._table.values() if found.mac is not None}
        macs |= {lease.mac for lease in self._lease_list() if neighbour.is_one(lease.mac)}
        rows = [(mac, self._row(mac)) for mac in sorted(macs - self._own - _own_macs())]
        rows = [row for row in rows if row[1]["hostname"] or not _only_near(row[1]["address"])]
        return sorted(rows, key=lambda row: _address_key(row[1]["address"]))

    def _row(self, mac: bytes) -> Row:
        return {
            "mac": mac.hex(":"),
            "address": self.address_of(mac),
            "hostname": self.name_of(mac),
            "private_mac": neighbour.made_up(mac),
            "many": self.stands_for_many(mac),
        }

    def _take(self, found: Neighbour) -> None:
        if found.mac is None:
            self._table.pop(found.address, None)
            return
        name = _name_of(found.interface)
        known = self._table.get(found.address)
        if found.live or (known is not None and known.mac != found.mac):
            if len(self._met) >= _NEIGHBOURS_MAX:
                self._met.clear()
            self._met[found.mac] = time.monotonic()
        if name not in self._interfaces:
            if len(self._strangers) < _NEIGHBOURS_MAX:
                self._strangers[found.mac] = name
        elif found.address in self._table or len(self._table) < _NEIGHBOURS_MAX:
            self._table[found.address] = found

    def _dump(self) -> None:
        assert self._sock is not None
        self._table.clear()
        self._strangers.clear()
        self._seq += 1
        self._sock.send(encode(neighbour.dump(), self._seq))

    def _lease_list(self) -> list[Lease]:
        """The file's leases; read again when it has changed."""
        try:
            status = os.stat(self._leases_file)
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp != self._leases_stamp:
                with open(self._leases_file, encoding="utf-8", errors="replace") as file:
                    self._leases = leases.parse(file.read(_LEASES_BYTES_MAX))
                self._leases_stamp = stamp
                if len(self._named) >= _NEIGHBOURS_MAX:
                    self._named.clear()
                self._named.update({lease.mac: lease.name for lease in self._leases if lease.name})
        except OSError:
            self._leases, self._leases_stamp = [], None
        return self._leases


def _open() -> socket.socket | None:
    family = getattr(socket, "AF_NETLINK", None)
    if family is None:
        return None
    try:
        sock = socket.socket(family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_ROUTE)
        # Before the dump, so that nothing is missed in between.
        sock.bind((0, neighbour.GROUP))
    except OSError:
        return None
    sock.setblocking(False)
    return sock


def _name_of(interface: int) -> str:
    try:
        return socket.if_indextoname(interface)
    except OSError:
        return ""


def _own_macs() -> set[bytes]:
    """The addresses of this router's own interfaces."""
    found = set()
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as asker:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):  # it has just gone
                answer = fcntl.ioctl(asker, _SIOCGIFHWADDR, struct.pack("256s", name[:15].encode()))
                found.add(answer[18:24])
    return found


def _only_near(address: object) -> bool:
    """Whether a link-local address is all there is: a switch or an access point, or a device that is just coming."""
    return address is None or str(address).startswith("fe80:")


def _rank(found: Neighbour) -> tuple[bool, bool, bool, bytes]:
    return len(found.address) != 4, found.address[:2] == b"\xfe\x80", not found.live, found.address


def _address_key(address: object) -> tuple[int, bytes]:
    packed = addresses.parse(address) if isinstance(address, str) else b""
    return len(packed), packed
