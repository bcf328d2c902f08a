"""Addresses as text and bytes."""

from agent.core.addresses import parse, parse_endpoint, show, show_endpoint
from agent.core.model import BadInput

SIX = (
    ("::", bytes(16), "::"),
    ("::1", bytes(15) + b"\x01", "::1"),
    ("2001:DB8::1", b"\x20\x01\x0d\xb8" + bytes(11) + b"\x01", "2001:db8::1"),
    ("1:0:0:2:0:0:0:3", b"\0\1\0\0\0\0\0\2\0\0\0\0\0\0\0\3", "1:0:0:2::3"),
    ("1:0:2:3:4:5:6:7", b"\0\1\0\0\0\2\0\3\0\4\0\5\0\6\0\7", "1:0:2:3:4:5:6:7"),
    ("1::", b"\0\1" + bytes(14), "1::"),
    ("::ffff:1.2.3.4", bytes(10) + b"\xff\xff\1\2\3\4", "::ffff:102:304"),
)

NOT_ADDRESSES = """
    1.2.3 1.2.3.4.5 1.2.3.256 01.2.3.4 1.2.3.x 1..2.3 0x1.2.3.4 +1.2.3.4 example.com
    : ::: 1::2::3 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1:2:3:4::5:6:7:8 :1:2:3:4:5:6:7 1:2:3:4:5:6:7:
    12345:: g:: ::1%lo 1.2.3.4:: ::1.2.3 1.2.3.4:1::
"""


def refused(work, text):
    try:
        work(text)
    except BadInput:
        return True
    return False


def test_version_4():
    assert parse("192.168.1.254") == b"\xc0\xa8\x01\xfe"
    assert show(b"\xc0\xa8\x01\xfe") == "192.168.1.254"


def test_version_6():
    for text, packed, canonical in SIX:
        assert parse(text) == packed, text
        assert show(packed) == canonical, text


def test_what_is_no_address_is_refused():
    for text in ["", "1.2.3.4 ", "\u0661.2.3.4"] + NOT_ADDRESSES.split():
        assert refused(parse, text), text


def test_endpoints():
    for text, address, port in (("1.2.3.4:53", "1.2.3.4", 53), ("[::1]:5391", "::1", 5391)):
        assert parse_endpoint(text) == (address, port)
        assert show_endpoint(address, port) == text
    for text in ("1.2.3.4", "::1", "[::1]"):
        assert parse_endpoint(text, 53)[1] == 53
        assert refused(parse_endpoint, text)
    for text in (
        "1.2.3.4:",
        "1.2.3.4:0",
        "1.2.3.4:65536",
        "[::1",
        "[::1]x",
        "[::1]:",
        "host:53",
        "1.2.3.4:-1",
    ):
        assert refused(parse_endpoint, text), text
