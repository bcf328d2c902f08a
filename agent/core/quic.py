"""QUIC is recognised by its first packet and not read any further (RFC 8999, RFC 9000 section 17.2, RFC 9369)."""

from agent.core.model import Value

_LONG, _FIXED, _TYPE = 0x80, 0x40, 0x30
_V1, _V2 = 1, 0x6B3343CF
ID_MIN = 8  # RFC 9000 section 7.2: so unpredictable is what a client first calls the server
ID_MAX = 20  # RFC 9000: of a connection id, for the versions of today
_RESERVED, _RESERVED_IS = 0x0F0F0F0F, 0x0A0A0A0A  # offered to see whether the other side negotiates
VERSION_2 = b"\x6b\x33\x43\xcf"
DATAGRAM_MIN = 1200  # RFC 9000 section 14.1: so much is in a datagram with a client's Initial, which tells it from DNS
SHORT_MIN = 21  # RFC 9001 section 5.4.2: a packet with a short header has so much at least


class Initial(Value):
    """The first packet of a connection: its version."""

    __slots__ = ("version",)

    def __init__(self, version: int) -> None:
        self.version = version

    @property
    def reserved(self) -> bool:
        """The version is nobody's: the server is to answer with those that it speaks."""
        return self.version & _RESERVED == _RESERVED_IS


def read(datagram: bytes) -> Initial | None:
    """The Initial that a datagram begins with, or None."""
    if len(datagram) < DATAGRAM_MIN or datagram[0] & (_LONG | _FIXED) != _LONG | _FIXED:
        return None
    version = int.from_bytes(datagram[1:5], "big")
    if version == 0:
        return None  # version negotiation, which only servers send
    to_size = datagram[5]
    from_at = 6 + to_size
    if to_size > ID_MAX or datagram[from_at] > ID_MAX:
        return None
    if to_size < ID_MIN and version not in (_V1, _V2):
        return None  # of a version that nobody knows only what keeps to the rule is believed: padded DNS looks alike
    if datagram[0] & _TYPE != (0x10 if version == _V2 else 0):
        return None
    return Initial(version)
