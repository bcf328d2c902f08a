"""HTTP heads: whole, byte by byte, with trailing bytes, and everything a server gets attacked with."""

from agent.core.http import HEAD_MAX, HEADERS_MAX, BadRequest, Head, HttpParser, chunk, parse_head, response_head
from agent.core.httpvalues import parse_cookies, parse_query, percent_decode, split_host

GET = b"GET /api/v1/history?day=2026-11-23&search=a%20b HTTP/1.1\r\nHost: 192.168.1.1:8443\r\nAccept: */*\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


def refused(data: bytes) -> int:
    reader = HttpParser()
    reader.feed(data)
    try:
        reader.head()
    except BadRequest as error:
        return error.status
    return 0


def test_whole() -> None:
    reader = HttpParser()
    reader.feed(GET)
    head = reader.head()
    assert head == Head(
        "GET",
        "/api/v1/history",
        "day=2026-11-23&search=a%20b",
        [("host", "192.168.1.1:8443"), ("accept", "*/*")],
        0,
        True,
        False,
    )
    assert head.header("accept") == "*/*"
    assert head.header("cookie") == ""
    assert reader.body(0) == b""
    assert reader.head() is None


def test_byte_by_byte() -> None:
    reader = HttpParser()
    heads = []
    bodies = []
    for at in range(len(POST)):
        reader.feed(POST[at : at + 1])
        if not heads:
            head = reader.head()
            if head is not None:
                heads.append(head)
        else:
            body = reader.body(heads[0].length)
            if body is not None:
                bodies.append(body)
    assert [head.length for head in heads] == [5]
    assert not heads[0].keep_alive
    assert bodies == [b"hello"]


def test_pipelined_and_trailing() -> None:
    reader = HttpParser()
    reader.feed(POST + b"\r\n" + GET + b"GET / HT")
    first = reader.head()
    assert first is not None and reader.body(first.length) == b"hello"
    second = reader.head()
    assert second is not None and second.path == "/api/v1/history"
    assert reader.head() is None
    assert reader.pending == 8


def test_attacks_have_their_status() -> None:
    table = [
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1e3\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"GET / FTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /" + b"a" * (HEAD_MAX + 10), 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * HEAD_MAX, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * HEAD_MAX + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * HEADERS_MAX + b"\r\n", 431),
    ]
    for data, status in table:
        assert refused(data) == status, data[:60]


def test_high_bytes_in_headers_are_softened() -> None:
    head = parse_head(b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: caf\xc3\xa9")
    assert head.header("user-agent") == "caf??"


def test_http_1_0_closes() -> None:
    assert not parse_head(b"GET / HTTP/1.0").keep_alive
    assert parse_head(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x").keep_alive


def test_percent_and_query() -> None:
    assert percent_decode("M%C3%BCller%20x") == "Müller x"
    assert parse_query("a=1&b=x+y%26&c&=z&a=2") == [("a", "1"), ("b", "x y&"), ("c", ""), ("a", "2")]
    assert parse_query("") == []
    for text in ("%", "%4", "%zz", "%00", "%0a", "%ff", "% 1"):
        try:
            percent_decode(text)
        except BadRequest as error:
            assert error.status == 400
        else:
            raise AssertionError(text)
    try:
        parse_query("&".join(["a=1"] * 40))
    except BadRequest:
        pass
    else:
        raise AssertionError("too many pairs")


def test_cookies() -> None:
    assert parse_cookies('a=1; b="2"; broken; =x; c=d=e') == [("a", "1"), ("b", '"2"'), ("c", "d=e")]
    assert parse_cookies("") == []


def test_split_host() -> None:
    assert split_host("Router.LAN:8443") == ("router.lan", 8443)
    assert split_host("192.168.1.1") == ("192.168.1.1", None)
    assert split_host("[fe80::1]:80") == ("fe80::1", 80)
    assert split_host("[fd00::1]") == ("fd00::1", None)
    for text in ("", ":80", "a:", "a:b", "a:123456", "[::1", "[]:1", "[ab]", "a b", "a/b", "a@b", "::1", "[::1]x"):
        try:
            split_host(text)
        except BadRequest as error:
            assert error.status == 400
        else:
            raise AssertionError(text)


def test_response_head() -> None:
    assert response_head(204, [("X", "y")]) == b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"
    try:
        response_head(200, [("X", "y\r\nSet-Cookie: z")])
    except ValueError:
        pass
    else:
        raise AssertionError("header injection")


def test_chunk() -> None:
    assert chunk(b"hello world, hello") == b"12\r\nhello world, hello\r\n"
    assert chunk(b"") == b"0\r\n\r\n"
