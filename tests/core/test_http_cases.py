"""Heads as the corpora of HTTP parsers bend them (h11, llhttp, http-garden; their rules, none of their text): what the
page's server answers, and what the daemon reads of one that passes by. Both on MicroPython."""

from agent.core.http import BadRequest, HttpParser
from agent.core.model import BadInput
from agent.core.sniffed_request import read
from tests.core.whole import read_all

GET = b"GET / HTTP/1.1\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.example\r\n"
TAKEN, WAITS = 200, 0
UNREAD, NOBODY = "unread", "nobody"  # passes and is not recorded; a request that names no host

# What it is, head, the server's answer (408 follows where it waits), who it is for to a bystander.
CASES = (
    ("as it should be", GET + b"Host: a.example\r\n\r\n", TAKEN, "a.example"),
    # The request line
    ("no version (0.9)", b"GET /\r\n\r\n", 400, UNREAD),
    ("two blanks", b"GET  / HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("a blank in the target", b"GET /a b HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("a blank behind the version", b"GET / HTTP/1.1 \r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("a blank in front", b" GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, UNREAD),
    ("tabs for blanks", b"GET\t/\tHTTP/1.1\r\nHost: a.example\r\n\r\n", 400, UNREAD),
    ("a method in small letters", b"get / HTTP/1.1\r\nHost: a.example\r\n\r\n", 501, UNREAD),
    ("a method nobody knows", b"PURGE / HTTP/1.1\r\nHost: a.example\r\n\r\n", 501, "a.example"),
    ("a method that is no token", b"G@T / HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, UNREAD),
    ("version in small letters", b"GET / http/1.1\r\nHost: a.example\r\n\r\n", 400, UNREAD),
    ("version without a point", b"GET / HTTP/11\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("version of two digits", b"GET / HTTP/1.10\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("a version to come", b"GET / HTTP/1.2\r\nHost: a.example\r\n\r\n", 505, "a.example"),
    ("HTTP/2 without TLS", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, NOBODY),
    ("an absolute target", b"GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, "b.example"),
    ("one with user and port", b"GET http://u:p@b.example:80/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "b.example"),
    ("an absolute target without host", b"GET http:///x HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, UNREAD),
    ("a target for proxies", b"CONNECT b.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n", 501, "b.example"),
    ("all of the server", b"OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("NUL in the target", b"GET /\0 HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("a letter beyond ASCII", b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    # Ends of lines
    ("an empty line in front", b"\r\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n", TAKEN, "a.example"),
    ("empty lines in front", b"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n", TAKEN, "a.example"),
    ("a lone LF in front", b"\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("LF for CRLF", b"GET / HTTP/1.1\nHost: a.example\n\n", WAITS, "a.example"),
    ("LF behind the request line", b"GET / HTTP/1.1\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("LF behind a field", GET + b"X: y\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("CR for CRLF", b"GET / HTTP/1.1\rHost: a.example\r\r", WAITS, None),
    ("CR CR LF", b"GET / HTTP/1.1\r\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("CR inside a value", GET + b"X: y\rz\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    # Fields
    ("a blank before the colon", GET + b"Host : a.example\r\n\r\n", 400, "a.example"),
    ("a tab before the colon", GET + b"Host\t: a.example\r\n\r\n", 400, "a.example"),
    ("no blank behind it", GET + b"Host:a.example\r\n\r\n", TAKEN, "a.example"),
    ("tabs around a value", GET + b"Host:\ta.example\t\r\n\r\n", TAKEN, "a.example"),
    ("a name of no letters", GET + b": y\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("no colon", GET + b"nothing\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("a name that is no token", GET + b"X(y): z\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("a name beyond ASCII", GET + b"H\xc3\xb6st: z\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("NUL in a name", GET + b"X\0: z\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("NUL in a value", GET + b"X: \0\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("DEL in a value", GET + b"X: \x7f\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("Latin-1 in a value", GET + b"X: \xe9\r\nHost: a.example\r\n\r\n", TAKEN, "a.example"),
    ("an empty value", GET + b"X:\r\nHost: a.example\r\n\r\n", TAKEN, "a.example"),
    ("a folded value", GET + b"X: y\r\n z\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("a folded Host", GET + b"Host:\r\n a.example\r\n\r\n", 400, NOBODY),
    ("a Host inside a fold", GET + b"X: y\r\n Host: b.example\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    ("a fold as the first field", GET + b" X: y\r\nHost: a.example\r\n\r\n", 400, "a.example"),
    # Host
    ("no Host", GET + b"X: y\r\n\r\n", 400, NOBODY),
    ("no Host in 1.0", b"GET / HTTP/1.0\r\n\r\n", TAKEN, NOBODY),
    ("an empty Host", GET + b"Host:\r\n\r\n", 400, NOBODY),
    ("two that are equal", GET + b"Host: a.example\r\nhOST: a.example\r\n\r\n", 400, "a.example"),
    ("two that differ", GET + b"Host: a.example\r\nHost: b.example\r\n\r\n", 400, "a.example"),
    ("two in one", GET + b"Host: a.example, b.example\r\n\r\n", TAKEN, UNREAD),
    ("a Host that is a path", GET + b"Host: a.example/x\r\n\r\n", TAKEN, UNREAD),
    ("NUL in Host", GET + b"Host: a.example\0b\r\n\r\n", 400, UNREAD),
    ("a Host that ends in a point", GET + b"Host: a.example.\r\n\r\n", TAKEN, "a.example"),
    # How long it is
    ("a length", POST + b"Content-Length: 0\r\n\r\n", TAKEN, "a.example"),
    ("an empty length", POST + b"Content-Length:\r\n\r\n", 400, "a.example"),
    ("a length with a sign", POST + b"Content-Length: +0\r\n\r\n", 400, "a.example"),
    ("a length below nothing", POST + b"Content-Length: -1\r\n\r\n", 400, "a.example"),
    ("a length in hex", POST + b"Content-Length: 0x1\r\n\r\n", 400, "a.example"),
    ("a length with a line below", POST + b"Content-Length: 1_0\r\n\r\n", 400, "a.example"),
    ("a length in odd digits", POST + b"Content-Length: \xc2\xb2\r\n\r\n", 400, "a.example"),
    ("a length twice in one", POST + b"Content-Length: 1, 1\r\n\r\n", 400, "a.example"),
    ("a length given twice", POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400, "a.example"),
    ("a length beyond all", POST + b"Content-Length: 18446744073709551617\r\n\r\n", 413, "a.example"),
    ("in chunks", POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501, "a.example"),
    ("in chunks and with a length", POST + b"Content-Length: 5\r\nTransfer-Encoding: x\r\n\r\n", 501, "a.example"),
    ("a coding of nothing", POST + b"Transfer-Encoding:\r\n\r\n", 501, "a.example"),
    ("a coding nobody knows", POST + b"Transfer-Encoding: xchunked\r\n\r\n", 501, "a.example"),
    ("a coding behind a blank", POST + b"Transfer-Encoding : chunked\r\n\r\n", 400, "a.example"),
    ("a coding with CR in it", POST + b"Transfer-Encoding: \rchunked\r\n\r\n", 400, "a.example"),
    ("a coding in 1.0", b"POST / HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n", 501, "a.example"),
)  # fmt: skip


def answered(data: bytes, at_once: int) -> int:
    reader = HttpParser()
    try:
        for at in range(0, len(data), at_once):
            reader.feed(data[at : at + at_once])
            head = reader.head()
            if head is not None:
                return TAKEN
    except BadRequest as error:
        return error.status
    return WAITS


def seen(data: bytes) -> str | None:
    try:
        found = read(data)
    except BadInput:
        return UNREAD
    if found is None:
        return None
    return NOBODY if found.host is None else found.host.decode()


def test_each_case_has_its_answer() -> None:
    for what, data, status, host in CASES:
        assert answered(data, len(data)) == status, what
        assert seen(data) == host, what


def test_byte_by_byte_it_is_the_same_answer() -> None:
    for what, data, status, _ in CASES:
        assert answered(data, 1) == status, what


def test_who_waits_for_100_by_1_0_gets_none() -> None:
    """RFC 9110 section 10.1.1."""
    for version, waits in ((b"1.1", True), (b"1.0", False)):
        reader = HttpParser()
        reader.feed(b"POST / HTTP/" + version + b"\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        head = reader.head()
        assert head is not None and head.wants_continue == waits


def test_a_bystander_reads_no_request_where_servers_differ_about_the_body() -> None:
    inner = b"GET /inner HTTP/1.1\r\nHost: b.example\r\n\r\n"
    for fields in (
        b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(inner),
        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: +0\r\n",
        b"Content-Length: 0, 0\r\n",
        b"Content-Length:\r\n",
        b"Transfer-Encoding:\r\n",
    ):
        data = b"POST /outer HTTP/1.1\r\nHost: a.example\r\n" + fields + b"\r\n" + inner
        assert [one.target for one in read_all(data)] == [b"/outer"], fields
