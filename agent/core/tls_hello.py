"""A TLS ClientHello: the server name that a client asks for (RFC 8446 sections 4.1.2 and 5.1, RFC 6066 section 3).

Only the hello is read, which every client sends in the clear. With ECH (RFC 9849) on offer the name may be that of the
front and not of the site; a client that only pretends to offer it (GREASE) looks the same from outside.
"""

import struct

from agent.core import names
from agent.core.model import BadInput, Value

HANDSHAKE, CLIENT_HELLO, _TLS = 22, 1, 3
# RFC 8446 section 5.1: a record holds at most 2^14 bytes; hellos seen in the wild take 12 kB at most.
HELLO_MAX = 16384
_RECORD_HEAD, _MESSAGE_HEAD = 5, 4
_BODY = _RECORD_HEAD + _MESSAGE_HEAD
_RANDOM_END = 34  # of the body: version and random
_SERVER_NAME, _ECH, _HOST_NAME = 0, 0xFE0D, 0
_BACKSLASH = 0x5C


class Hello(Value):
    """What a hello says of its destination. `name` is canonical, None when it names nobody; `ech`: ECH is offered."""

    __slots__ = ("name", "ech")

    def __init__(self, name: bytes | None, ech: bool) -> None:
        self.name = name
        self.ech = ech


def begins(data: bytes) -> bool:
    """Whether a connection that begins so may turn out to begin with a hello."""
    return data[:2] == b"\x16\x03"[: len(data)] and data[5:6] in (b"", b"\x01")


def read(data: bytes) -> Hello | None:
    """The hello that a connection's first bytes are, None while it is not whole. What can't become one is BadInput."""
    if len(data) > _BODY:
        # Nearly all are whole in one record: these are read where they are.
        kind, major, record_size, kind_and_size = struct.unpack_from(">BBxHI", data)
        if kind == HANDSHAKE and major == _TLS and kind_and_size >> 24 == CLIENT_HELLO:
            record_end, end = _RECORD_HEAD + record_size, _BODY + (kind_and_size & 0xFFFFFF)
            if end <= record_end <= _RECORD_HEAD + HELLO_MAX and end <= len(data):
                return _body(data, _BODY, end)
    if not begins(data):
        raise BadInput("this does not begin with a ClientHello")
    whole = _joined(data)
    return None if whole is None else _body(whole, 0, len(whole))


def _joined(data: bytes) -> bytes | None:
    """The message without records and head, None while it is not whole."""
    message = b""
    at = 0
    while len(data) - at >= _RECORD_HEAD:
        if data[at] != HANDSHAKE or data[at + 1] != _TLS:
            raise BadInput("a record inside a ClientHello is of another kind")
        end = at + _RECORD_HEAD + _u16(data, at + 3, len(data))
        if end == at + _RECORD_HEAD or end - at > HELLO_MAX + _RECORD_HEAD:
            raise BadInput("a handshake record is empty or too long")
        message += data[at + _RECORD_HEAD : end]
        if len(message) >= _MESSAGE_HEAD:
            size = _MESSAGE_HEAD + (message[1] << 16) + _u16(message, 2, len(message))
            if message[0] != CLIENT_HELLO or size > HELLO_MAX:
                raise BadInput("the first message is not a ClientHello, or it is too long")
            if len(message) >= size:
                return message[_MESSAGE_HEAD:size]
        at = end
    return None


def _body(data: bytes, at: int, end: int) -> Hello:
    """The hello between two places. Written flat: it is read once a connection.

    Until the extensions are known to end inside the hello, bytes behind its end may be taken for lengths: they only
    lead farther away.
    """
    try:
        at += _RANDOM_END
        at += 1 + data[at]  # session id
        at += 2 + (data[at] << 8 | data[at + 1])  # cipher suites
        at += 1 + data[at]  # compression methods
        if at == end:
            return Hello(None, False)  # TLS 1.2 and older: extensions may be left out
        size = 2 + (data[at] << 8 | data[at + 1])
    except IndexError as error:
        raise BadInput("a ClientHello ends too early") from error
    if at + size > end:
        raise BadInput("the extensions leave the ClientHello")
    end = at + size
    at += 2
    name = None
    ech = False
    last, unpack_from = end - 4, struct.unpack_from
    while at <= last:
        kind, size = unpack_from(">HH", data, at)
        at += 4 + size
        if kind == _SERVER_NAME:
            if name is not None or at > end:
                raise BadInput("the server name is given twice, or leaves the ClientHello")
            name = _server_name(data, at - size, at)
        elif kind == _ECH:
            ech = True
    if at != end:
        raise BadInput("the extensions end before or behind the ClientHello")
    return Hello(name, ech)


def _server_name(data: bytes, at: int, end: int) -> bytes | None:
    """The host name of the list; None when the list has none. The wire's letters only, no escapes."""
    if end - at > 5:
        size, kind, length = struct.unpack_from(">HBH", data, at)
        if kind == _HOST_NAME and size == length + 3 == end - at - 2:
            # One name, as in nearly all.
            return _host_name(data[at + 5 : end])
    if end - at < 2 or data[at] << 8 | data[at + 1] != end - at - 2:
        raise BadInput("the list of server names has another length than it says")
    at += 2
    found = None
    while at < end:
        start = at + 3
        if start > end:
            raise BadInput("a ClientHello ends too early")
        kind, size = struct.unpack_from(">BH", data, at)
        at = start + size
        if at > end:
            raise BadInput("a server name leaves its list")
        if kind == _HOST_NAME and found is None:
            found = _host_name(data[start:at])
    return found


def _host_name(name: bytes) -> bytes:
    if _BACKSLASH in name:
        raise BadInput("a server name holds a byte that no host name has")
    return names.parse(name)


def _u16(data: bytes, at: int, end: int) -> int:
    if at + 2 > end:
        raise BadInput("a ClientHello ends too early")
    return data[at] << 8 | data[at + 1]
