"""DHCP leases as dnsmasq writes them: which MAC was given which address, and what the device calls itself."""

from agent.core.digits import HEX_DIGITS
from agent.core.model import Value

_NAME_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
_NAME_MAX = 63  # of a label, RFC 1035
_LEASES_MAX = 4096  # dnsmasq's own limit is 1000 by default


class Lease(Value):
    """`mac` is 6 bytes, `address` IPv4 text, `name` "" when the device did not say one fit to be shown."""

    __slots__ = ("mac", "address", "name")

    def __init__(self, mac: bytes, address: str, name: str) -> None:
        self.mac = mac
        self.address = address
        self.name = name


def parse(text: str) -> "list[Lease]":
    """The IPv4 leases of a file, whose lines are: expiry, MAC, address, name or *, client id or *.

    Lines of another form are passed over: IPv6 leases have no MAC, and other link types look otherwise.
    """
    found = []
    for line in text.split("\n")[:_LEASES_MAX]:
        words = line.split()
        mac = _mac(words[1]) if len(words) >= 4 else None
        if mac is not None and "." in words[2]:
            found.append(Lease(mac, words[2], shown(words[3])))
    return found


def shown(name: str) -> str:
    """A name that a device gave itself, or "" when it is none or has letters that a host name has not."""
    if len(name) > _NAME_MAX or any(letter not in _NAME_LETTERS for letter in name):
        return ""
    return name


def _mac(text: str) -> "bytes | None":
    parts = text.split(":")
    if len(parts) != 6 or any(len(part) != 2 or part.strip(HEX_DIGITS) for part in parts):
        return None
    return bytes([int(part, 16) for part in parts])
