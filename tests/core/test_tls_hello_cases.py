"""Hellos as testers of TLS servers bend them (the kinds of cases of tlsfuzzer, none of its text), and what the daemon
takes each for: a name, nobody, not whole yet, or unread, which passes and is not recorded."""

from agent.core.model import BadInput
from agent.core.tls_hello import begins, read
from tests.core.test_tls_hello import extension, message, records, server_name, u16

UNREAD, NOBODY, WAITS = "unread", "nobody", "waits"
NAME = server_name(b"a.example")
WHOLE = message(NAME)


def entry(name: bytes, kind: int = 0) -> bytes:
    return bytes([kind]) + u16(len(name)) + name


def listed(*entries: bytes) -> bytes:
    joined = b"".join(entries)
    return extension(0, u16(len(joined)) + joined)


def hello(
    version: bytes = b"\x03\x03", session: bytes = b"", suites: bytes = b"\x13\x01", methods: bytes = b"\x00",
    extensions: bytes = NAME, tail: bytes = b"", random: int = 32,
) -> bytes:  # fmt: skip
    """A hello in one record, part by part."""
    body = version + bytes(random) + bytes([len(session)]) + session + u16(len(suites)) + suites
    body += bytes([len(methods)]) + methods + u16(len(extensions)) + extensions + tail
    return records(b"\x01\x00" + u16(len(body)) + body)


LONGEST = b".".join([b"x" * 62] * 4)

CASES = (
    ("as it should be", hello(), "a.example"),
    # Records
    ("record version of SSL 3", b"\x16\x03\x00" + hello()[3:], "a.example"),
    ("record version to come", b"\x16\x03\x7f" + hello()[3:], "a.example"),
    ("record version of no TLS", b"\x16\x04\x00" + hello()[3:], UNREAD),
    ("a record of no bytes in front", b"\x16\x03\x01\x00\x00" + hello(), UNREAD),
    ("a record of no bytes in between", records(WHOLE[:9]) + b"\x16\x03\x01\x00\x00" + records(WHOLE[9:]), UNREAD),
    ("an alert in between", records(WHOLE[:9]) + b"\x15\x03\x01\x00\x02\x01\x00" + records(WHOLE[9:]), UNREAD),
    ("a cipher change in front", b"\x14\x03\x03\x00\x01\x01" + hello(), UNREAD),
    ("a record of 2^14 and one", b"\x16\x03\x01\x40\x01" + bytes(16385), UNREAD),
    ("a record of 2^14", hello(extensions=NAME + extension(21, bytes(16384 - 69))), "a.example"),
    ("one byte more, in two", hello(extensions=NAME + extension(21, bytes(16384 - 68))), UNREAD),
    ("a byte a record", records(WHOLE, 1), "a.example"),
    ("the head of the message cut", records(WHOLE[:2]) + records(WHOLE[2:]), "a.example"),
    ("the name cut", records(WHOLE[:-4]) + records(WHOLE[-4:]), "a.example"),
    ("two hellos in one record", records(WHOLE + message(server_name(b"b.example"))), "a.example"),
    ("SSL 2", b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10" + bytes(37), UNREAD),
    # The message
    ("another message", records(b"\x02" + WHOLE[1:]), UNREAD),
    ("larger than any", records(b"\x01\xff\xff\xff" + WHOLE[4:]), UNREAD),
    ("larger by a byte", records(WHOLE[:3] + bytes([WHOLE[3] + 1]) + WHOLE[4:]), WAITS),
    ("smaller by a byte", records(WHOLE[:3] + bytes([WHOLE[3] - 1]) + WHOLE[4:]), UNREAD),
    ("no bytes", records(b"\x01\x00\x00\x00"), UNREAD),
    ("version of SSL 3", hello(version=b"\x03\x00"), "a.example"),
    ("version to come", hello(version=b"\x7f\xff"), "a.example"),
    ("a short random", hello(random=31), UNREAD),
    ("a session of 32 bytes", hello(session=bytes(32)), "a.example"),
    ("a session of 33 bytes", hello(session=bytes(33)), "a.example"),
    ("no suites", hello(suites=b""), "a.example"),
    ("suites of an odd size", hello(suites=b"\x13\x01\x00"), "a.example"),
    ("suites of nobody", hello(suites=b"\x0a\x0a" * 100), "a.example"),
    ("no way to compress", hello(methods=b""), "a.example"),
    ("ways to compress", hello(methods=b"\x01\x00\xff"), "a.example"),
    ("bytes behind the extensions", hello(tail=b"\x00"), "a.example"),
    ("no extensions", hello(extensions=b""), NOBODY),
    # Extensions
    ("extensions of nobody", hello(extensions=extension(0x0A0A, b"") + NAME + extension(0xFAFA, b"\0")), "a.example"),
    ("the name last", hello(extensions=extension(16, bytes(20)) + NAME), "a.example"),
    ("an extension given twice", hello(extensions=extension(43, b"") * 2 + NAME), "a.example"),
    ("a name given twice", hello(extensions=NAME * 2), UNREAD),
    ("an extension that leaves", hello(extensions=NAME + b"\x00\x2b\x00\x05\x00"), UNREAD),
    ("three bytes of an extension", hello(extensions=NAME + b"\x00\x2b\x00"), UNREAD),
    ("padding", hello(extensions=NAME + extension(21, bytes(500))), "a.example"),
    ("a ticket and a binder", hello(extensions=NAME + extension(41, bytes(300))), "a.example"),
    # The name
    ("an empty extension", hello(extensions=extension(0, b"")), UNREAD),
    ("an empty list", hello(extensions=listed()), NOBODY),
    ("an empty name", hello(extensions=listed(entry(b""))), UNREAD),
    ("a list that says too much", hello(extensions=extension(0, u16(20) + entry(b"a.example"))), UNREAD),
    ("a list that says too little", hello(extensions=extension(0, u16(5) + entry(b"a.example"))), UNREAD),
    ("a byte behind the list", hello(extensions=extension(0, u16(12) + entry(b"a.example") + b"\0")), UNREAD),
    ("a name that leaves its list", hello(extensions=listed(b"\0\0\x20a.example")), UNREAD),
    ("a name of another kind", hello(extensions=listed(entry(b"a.example", 1))), NOBODY),
    ("another kind before it", hello(extensions=listed(entry(b"x", 1), entry(b"a.example"))), "a.example"),
    ("another kind behind it", hello(extensions=listed(entry(b"a.example"), entry(b"x", 255))), "a.example"),
    ("two names", hello(extensions=listed(entry(b"a.example"), entry(b"b.example"))), "a.example"),
    ("large letters", hello(extensions=listed(entry(b"A.Example"))), "a.example"),
    ("a point at the end", hello(extensions=listed(entry(b"a.example."))), "a.example"),
    ("an address", hello(extensions=listed(entry(b"192.0.2.1"))), "192.0.2.1"),
    ("NUL inside", hello(extensions=listed(entry(b"a.example\0.b"))), UNREAD),
    ("UTF-8", hello(extensions=listed(entry("bücher.example".encode()))), UNREAD),
    ("a wildcard", hello(extensions=listed(entry(b"*.example"))), UNREAD),
    ("a line", hello(extensions=listed(entry(b"a.example\r\n"))), UNREAD),
    ("253 letters", hello(extensions=listed(entry(LONGEST + b".x"))), LONGEST.decode() + ".x"),
    ("a label of 64 letters", hello(extensions=listed(entry(b"x" * 64 + b".example"))), UNREAD),
    ("longer than a name can be", hello(extensions=listed(entry(b".".join([b"x" * 62] * 5)))), UNREAD),
    # No hello
    ("a request", b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", UNREAD),
    ("nothing", b"", WAITS),
    ("a byte", b"\x16", WAITS),
)  # fmt: skip


def seen(data: bytes) -> str:
    try:
        found = read(data)
    except BadInput:
        return UNREAD
    if found is None:
        return WAITS
    return NOBODY if found.name is None else found.name.decode()


def test_each_case_has_its_verdict() -> None:
    for what, data, verdict in CASES:
        assert seen(data) == verdict, what


def test_byte_by_byte_none_is_read_as_another() -> None:
    """On the way it waits; only what turns out to be no hello may be given up before its end."""
    for what, data, verdict in CASES:
        for end in range(0, len(data), 1 if len(data) < 600 else 511):
            so_far = seen(data[:end])
            assert so_far in (WAITS, verdict), what
            assert so_far == UNREAD or begins(data[:end]), what
