"""Server names in TLS hellos: whole, byte by byte, over records, and everything that can be wrong with one."""

from agent.core.model import BadInput
from agent.core.tls_hello import HELLO_MAX, Hello, begins, read

SNI, ECH, GREASE = 0, 0xFE0D, 0x2A2A


def u16(value: int) -> bytes:
    return bytes([value >> 8, value & 255])


def extension(kind: int, data: bytes) -> bytes:
    return u16(kind) + u16(len(data)) + data


def server_name(name: bytes, kind: int = 0) -> bytes:
    entry = bytes([kind]) + u16(len(name)) + name
    return extension(SNI, u16(len(entry)) + entry)


def message(*extensions: bytes, kind: int = 1) -> bytes:
    joined = b"".join(extensions)
    body = b"\x03\x03" + bytes(32) + b"\x20" + bytes(32) + u16(4) + b"\x13\x01\x2a\x2a" + b"\x01\x00"
    body += u16(len(joined)) + joined
    return bytes([kind, 0]) + u16(len(body)) + body


def records(data: bytes, size: int = 16384) -> bytes:
    return b"".join(
        [b"\x16\x03\x01" + u16(len(data[at : at + size])) + data[at : at + size] for at in range(0, len(data), size)]
    )


WHOLE = records(message(extension(GREASE, b""), server_name(b"Example.ORG"), extension(43, b"\x02\x03\x04")))
EXAMPLE = Hello(b"example.org", False)


def refused(data: bytes) -> bool:
    try:
        read(data)
    except BadInput:
        return True
    return False


def test_whole() -> None:
    assert read(WHOLE) == EXAMPLE


def test_byte_by_byte_it_is_not_there_before_its_last_byte() -> None:
    for end in range(len(WHOLE)):
        assert begins(WHOLE[:end])
        assert read(WHOLE[:end]) is None, end


def test_trailing_bytes_are_of_no_account() -> None:
    for more in (b"\x14\x03\x03\x00\x01\x01", b"\x16\x03\x01", b"GET / HTTP/1.1", bytes(2000)):
        assert read(WHOLE + more) == EXAMPLE


def test_over_several_records() -> None:
    for size in (1, 2, 3, 7, 50, 100):
        cut = records(WHOLE[5:], size)
        assert read(cut) == EXAMPLE, size
        for end in range(0, len(cut), 11):
            assert read(cut[:end]) is None


def test_a_post_quantum_hello() -> None:
    long = records(message(extension(51, bytes(1216)), server_name(b"a.example"), extension(21, bytes(400))))
    assert len(long) > 1460
    assert read(long[:1460]) is None
    assert read(long) == Hello(b"a.example", False)


def test_ech_is_told_apart() -> None:
    assert read(records(message(server_name(b"front.example"), extension(ECH, bytes(60))))) == Hello(
        b"front.example", True
    )
    assert read(records(message(extension(ECH, bytes(60))))) == Hello(None, True)


def test_no_name() -> None:
    assert read(records(message())) == Hello(None, False)
    assert read(records(message(server_name(b"x", kind=7)))) == Hello(None, False)
    # TLS 1.2 and older may leave the extensions out as a whole.
    plain = message()[4:-2]
    assert read(records(b"\x01\x00" + u16(len(plain)) + plain)) == Hello(None, False)


def test_what_is_no_hello() -> None:
    for data in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x02\x00\x00\x01\x01",
        b"\x17\x03\x03\x00\x05hello",
        b"\x80\x2e\x01\x00\x02",  # SSLv2
        records(message(kind=2)),
        b"\x16\x03\x01\x00\x00" + WHOLE,
        WHOLE[:5] + b"\x02" + WHOLE[6:],
        b"\x16\x03\x01" + u16(HELLO_MAX + 1) + b"\x01\x00",
        records(b"\x01\x01\x00\x00" + bytes(100)),
    ):
        assert refused(data), data[:20]


def test_a_record_of_another_kind_inside() -> None:
    inner = WHOLE[5:]
    assert refused(records(inner[:40]) + b"\x15\x03\x01\x00\x02\x01\x00" + records(inner[40:]))


def test_names_that_are_none() -> None:
    for name in (b"", b".", b"a..b", b"a b.example", b"m\xc3\xbcller.example", b"a\x00.example", b"a" * 64 + b".b"):
        assert refused(records(message(server_name(name)))), name
    assert refused(records(message(server_name(b"a\\046b.example")))), "an escape is ours, not the wire's"
    assert refused(records(message(server_name(b"a.example"), server_name(b"b.example"))))
    assert read(records(message(server_name(b"a_b.example.")))) == Hello(b"a_b.example", False)


def test_lengths_that_lie() -> None:
    for at in range(5, len(WHOLE)):
        for value in (0, 1, 127, 255):
            changed = WHOLE[:at] + bytes([value]) + WHOLE[at + 1 :]
            try:
                found = read(changed)
            except BadInput:
                continue
            assert found is None or isinstance(found, Hello)
