"""The refusal page: what it says, and the segments that carry it."""

from agent.core.model import Rule
from agent.core.packet import inside, segment
from agent.core.refusal import answers, checksum, page
from tests.core.test_flows import tcp, v4, v6
from tests.core.test_request import GET

RULE = Rule("bad.example/<x>", "block", "l", 'List "1"', "v1", "phishing")


def test_what_it_says_is_escaped_and_complete() -> None:
    said = page("http://bad.example/<script>", RULE, "http://router.lan:5392/me").decode()
    head, _, body = said.partition("\r\n\r\n")
    assert f"Content-Length: {len(body.encode())}\r\n" in head + "\r\n"
    assert "<script>" not in body and "&lt;script&gt;" in body
    assert "List &quot;1&quot; has bad.example/&lt;x&gt; (phishing)" in body
    assert 'href="http://router.lan:5392/me"' in body
    assert "src=" not in body and "script>" not in body.replace("&lt;script&gt;", "")
    assert "Ask for it" not in page("x", RULE, None).decode()
    assert "this household blocks bad.example" in page("x", Rule("bad.example"), None).decode()


def test_the_segments_answer_what_was_asked() -> None:
    data = bytes(range(256)) * 8
    for packet in (v4(tcp(GET, 80)), v6(tcp(GET, 80, bytes(12))), v4(tcp(GET, 80), options=bytes(8))):
        _, head, end, addresses = inside(packet)
        made = answers(packet, head, end, data)
        assert len(made) == 2 and max([len(one) for one in made]) <= 1280
        joined = b""
        for at, one in enumerate(made):
            piece = segment(one)
            size = len(addresses) // 2
            assert piece.flow == addresses[size:] + addresses[:size] + b"\x00\x50\x9c\x40"
            assert piece.seq == len(joined), "the client acknowledged nothing yet"
            joined += piece.data
            tcp_at = inside(one)[1]
            assert int.from_bytes(one[tcp_at + 8 : tcp_at + 12], "big") == 256 + len(GET)
            assert one[tcp_at + 13] & 1 == (at == len(made) - 1)
            assert checksum(pseudo(one, tcp_at) + one[tcp_at:]) == 0
            if one[0] >> 4 == 4:
                assert checksum(one[:20]) == 0
        assert joined == data


def pseudo(packet: bytes, tcp_at: int) -> bytes:
    addresses = packet[12:20] if packet[0] >> 4 == 4 else packet[8:40]
    size = len(packet) - tcp_at
    return addresses + bytes([0, 0, size >> 8, size & 255, 0, 0, 0, 6])
