"""URLs of plain HTTP requests: every form of the target, what clients send wrongly, and several in one connection."""

from agent.core.model import BadInput
from agent.core.sniffed_request import HEAD_MAX, SniffedRequest, begins, normal, read
from tests.core.whole import read_all

GET = b"GET /a/b?c=d HTTP/1.1\r\nHost: Example.ORG\r\nAccept: */*\r\n\r\n"
EXAMPLE = SniffedRequest(b"GET", b"example.org", b"/a/b?c=d", len(GET))


def refused(data: bytes) -> bool:
    try:
        read(data)
    except BadInput:
        return True
    return False


def place(target: bytes, host: bytes = b"h.example", method: bytes = b"GET") -> tuple[bytes | None, bytes]:
    found = read(method + b" " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
    assert found is not None
    return found.authority, found.target


def test_whole() -> None:
    assert read(GET) == EXAMPLE


def test_byte_by_byte_it_is_there_with_the_host() -> None:
    sure = GET.find(b"Example.ORG\r\n") + len(b"Example.ORG\r\n")
    for end in range(len(GET)):
        assert begins(GET[:end])
        found = read(GET[:end])
        assert (found is not None) == (end >= sure), end
        if found is not None:
            assert (found.authority, found.target, found.size) == (b"example.org", b"/a/b?c=d", None)


def test_forms_of_the_target() -> None:
    assert place(b"/") == (b"h.example", b"/")
    assert place(b"http://Other.example/x?y#z") == (b"other.example", b"/x?y")
    assert place(b"HTTP://user:pw@other.example:80") == (b"other.example", b"/")
    assert place(b"http://other.example?x") == (b"other.example", b"/?x")
    assert place(b"http://other.example:8080/") == (b"other.example:8080", b"/")
    assert place(b"*", method=b"OPTIONS") == (b"h.example", b"*")
    assert place(b"other.example:443", method=b"CONNECT") == (b"other.example", b"")
    assert place(b"other.example:8443", method=b"CONNECT") == (b"other.example:8443", b"")
    assert place(b"x/y") == (b"h.example", b"/x/y")
    assert place(b"/a b c") == (b"h.example", b"/a b c")


def test_hosts() -> None:
    assert place(b"/", b"H.example:80")[0] == b"h.example"
    assert place(b"/", b"h.example:")[0] == b"h.example"
    assert place(b"/", b"h.example:08080")[0] == b"h.example:8080"
    assert place(b"/", b"192.0.2.1:81")[0] == b"192.0.2.1:81"
    assert place(b"/", b"[2001:DB8::1]:81")[0] == b"[2001:db8::1]:81"
    assert place(b"/", b"")[0] is None
    found = read(b"GET / HTTP/1.1\r\nHost: [2001:db8::1]\r\n\r\n")
    assert found is not None and found.host == b"2001:db8::1"
    assert EXAMPLE.host == b"example.org"
    assert SniffedRequest(b"GET", None, b"/", 1).host is None
    for host in (b"a b", b"%s", b"m\xc3\xbc.example", b"a:b", b"a:123456", b"[::1", b"[zz]", b"[::1]x", b"a..b"):
        assert refused(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"), host


def test_no_host() -> None:
    old = b"GET /x HTTP/1.0\r\nAccept: */*\r\n\r\n"
    assert read(old) == SniffedRequest(b"GET", None, b"/x", len(old))
    assert read(old[:-2]) is None, "it may still come"


def test_lines_as_they_are_met() -> None:
    loose = b"GET /x HTTP/1.1\nhost : a.example\nHost: b.example\n\n"
    assert read(loose) == SniffedRequest(b"GET", b"a.example", b"/x", len(loose))


def test_what_is_no_request() -> None:
    for data in (
        b"\x16\x03\x01\x02\x00",
        b"get / HTTP/1.1\r\n",
        b" GET / HTTP/1.1\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"GET /\r\n",
        b"GET HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * XTTP/2.0\r\n\r\n",
        b"A" * 30,
    ):
        assert refused(data), data
    assert refused(b"GET / HTTP/1.1\r\nX: " + b"a" * HEAD_MAX)
    assert not refused(b"GET /" + b"a" * 4000 + b" HTTP/1.1\r\nHost: a.example\r\n")


def test_one_behind_the_other() -> None:
    post = b"POST /p HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\n\r\nhello"
    found = read_all(GET + post + GET + GET[:20])
    assert [request.target for request in found] == [b"/a/b?c=d", b"/p", b"/a/b?c=d"]
    assert [request.size for request in found] == [len(GET), len(post), len(GET)]
    chunked = b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert [request.target for request in read_all(chunked + GET)] == [b"/c"]
    assert len(read_all(GET + b"\x00\x01")) == 1


def test_normal_form() -> None:
    for target, same in (
        (b"/", b"/"),
        (b"/%61%2d%2F%2f", b"/a-%2F%2F"),
        (b"/a/./b/../c", b"/a/c"),
        (b"/../../x", b"/x"),
        (b"/a/..", b"/"),
        (b"/a/.", b"/a/"),
        (b"/a?b=%41/../%zz%4", b"/a?b=A/../%25zz%254"),
        (b"/%%341", b"/%2541"),
        (b"/\xc3\xa9 <{", b"/%C3%A9%20%3C%7B"),
        (b"/%2e%2e/x", b"/x"),
        (b"/.well-known/x", b"/.well-known/x"),
        (b"*", b"*"),
    ):
        assert normal(target) == same, target
        assert normal(same) == same


def test_an_empty_line_before_a_request_is_skipped() -> None:
    for before in (b"\r\n", b"\n", b"\r\n\r\n"):
        assert read(before + GET) == SniffedRequest(b"GET", b"example.org", b"/a/b?c=d", len(before + GET))
    assert begins(b"\r\n") and read(b"\r\n") is None
    assert refused(b"\r\n" * HEAD_MAX)
    assert [of.target for of in read_all(b"\r\n" + GET + GET)] == [b"/a/b?c=d"] * 2


def test_the_end_of_a_method_is_no_request() -> None:
    whole = b"CONNECT abc:443 HTTP/1.1\r\nHost: abc\r\n\r\n"
    for cut in range(1, len(b"CONNECT")):
        assert refused(whole[cut:]), whole[cut:]
    assert read(b"PURGE /x HTTP/1.1\r\nHost: abc\r\n\r\n") is not None


def test_what_browsers_encode_equals_what_they_do_not() -> None:
    for char in b"\"<>`{}^'|":
        assert normal(b"/p?q=%c" % char) == normal(b"/p?q=%%%02X" % char) == normal(b"/p?q=%%%02x" % char)
        assert normal(b"/p%c" % char) == normal(b"/p%%%02X" % char)
