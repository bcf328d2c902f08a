"""What a refused plain HTTP request gets: a small page that says why, in TCP segments in the name of the server.

Nothing of it comes from elsewhere, and it needs no script.
"""

import struct

from agent.core.model import Rule

_TCP, _FIN, _PSH, _ACK = 6, 1, 8, 16
# The smallest that every link carries (RFC 8200 section 5) less both heads.
_SEGMENT_MAX = 1280 - 60
_HOPS = 64
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;"))

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Refused</title>
<style>body{font:1.1em/1.5 system-ui,sans-serif;max-width:34em;margin:3em auto;padding:0 1em}code{word-break:break-all}
a{display:inline-block;padding:.6em 1.2em;border:1px solid;border-radius:.4em}</style>
<h1>This page was refused</h1>
<p>This network's protection refused <code>%s</code>.</p>
<p>Why: %s.</p>
<p>If that is wrong, whoever looks after this network can allow it, for an hour or for good.</p>
%s</html>
"""


def page(target: str, rule: "Rule | None", ask_at: "str | None") -> bytes:
    """The whole response. `ask_at` is the address of the device's own page, None where it can't be reached."""
    reason = "a rule of this household"
    if rule is not None and rule.list_name:
        reason = "the list " + rule.list_name + " has " + rule.text
        if rule.category:
            reason += " (" + rule.category + ")"
    elif rule is not None:
        reason = "this household blocks " + rule.text
    ask = "" if ask_at is None else '<p><a href="%s">Ask for it</a></p>\n' % _escaped(ask_at)
    body = (_PAGE % (_escaped(target[:300]), _escaped(reason[:300]), ask)).encode()
    head = (
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'none'\r\n\r\n" % len(body)
    )
    return head.encode() + body


def _escaped(text: str) -> str:
    for letter, name in _ESCAPES:
        text = text.replace(letter, name)
    return text


def answers(packet: bytes, head: int, end: int, data: bytes) -> "list[bytes]":
    """IP packets from the server to the client that answer the segment of `packet` (whose TCP head is at `head`, whose
    data ends at `end`) with `data`, and close the connection."""
    v4 = packet[0] >> 4 == 4
    source, destination = (packet[16:20], packet[12:16]) if v4 else (packet[24:40], packet[8:24])
    ports = packet[head + 2 : head + 4] + packet[head : head + 2]
    seq = int.from_bytes(packet[head + 8 : head + 12], "big")
    carried = end - head - (packet[head + 12] >> 4) * 4
    ack = (int.from_bytes(packet[head + 4 : head + 8], "big") + carried) & 0xFFFFFFFF
    made = []
    for at in range(0, len(data), _SEGMENT_MAX):
        piece = data[at : at + _SEGMENT_MAX]
        flags = _ACK | _PSH | (_FIN if at + len(piece) == len(data) else 0)
        tcp = ports + struct.pack(">IIBBHHH", (seq + at) & 0xFFFFFFFF, ack, 5 << 4, flags, 65535, 0, 0) + piece
        pseudo = source + destination + struct.pack(">IHBB", len(tcp), 0, 0, _TCP)
        tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]
        made.append((_head4 if v4 else _head6)(source, destination, len(tcp)) + tcp)
    return made


def _head4(source: bytes, destination: bytes, size: int) -> bytes:
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 0, 0x4000, _HOPS, _TCP, 0) + source + destination
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:]


def _head6(source: bytes, destination: bytes, size: int) -> bytes:
    return struct.pack(">IHBB", 6 << 28, size, _TCP, _HOPS) + source + destination


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
