"""The fetch against a server that misbehaves: every way ends in time, in bounds, with a sentence, and no text.

Twenty ways are in the table MISBEHAVING below. Those that need more than an answer have a test of their own:

| the server …                                          | test                                                        |
|-------------------------------------------------------|-------------------------------------------------------------|
| has a certificate that is over, strange, for another  | test_a_certificate_must_be_valid                            |
| redirects in a loop, away from https, to a file       | test_a_redirect_loop_ends, …is_followed_over_https_only     |
| says 304, also for a text that was never had          | test_an_unchanged_list_is_not_sent_again, test_feeds.py     |
| has a new ETag, for a new text or for the same        | test_an_unchanged_list_is_not_sent_again, test_feeds.py     |
| says 429 with a Retry-After in any form               | test_who_asks_too_often_is_told_to_wait                     |
| has an ETag as long as a page                         | test_a_validator_that_is_not_one_line_is_not_kept           |
| has JSON, a picture, prose, nothing where a list was  | test_feeds.py: test_what_is_no_list_is_refused_and_the_…    |
| is not there                                          | test_nobody_at_home                                         |
"""

import gzip
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.jobs.fetch import Failed, Fetched, FetchLimits, fetch
from tests.jobs.bad_server import Asked, Authority, BadServer, names, text, validated, zipped

ROOT = Path(__file__).resolve().parents[2]
LIST = names(2000)
LIMITS = FetchLimits(idle_s=1.0, total_s=3.0, size_bytes=1 << 20)


@pytest.fixture
def server(authority: Authority) -> Iterator[BadServer]:
    made = BadServer(authority.context("good"))
    yield made
    made.close()


def get(address: str, **known: str) -> tuple[Fetched, bytes]:
    pieces: list[bytes] = []
    return fetch(address, pieces.append, limits=LIMITS, **known), b"".join(pieces)


def refused(address: str) -> Failed:
    start = time.monotonic()
    with pytest.raises(Failed) as found:
        get(address)
    assert time.monotonic() - start < LIMITS.total_s + 1.5
    return found.value


def test_a_list_comes_plain_zipped_and_in_chunks(server: BadServer) -> None:
    def chunked(asked: Asked) -> None:
        asked.head("200 OK", "Transfer-Encoding: chunked")
        for at in range(0, len(LIST), 7001):
            piece = LIST[at : at + 7001]
            asked.link.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        asked.link.sendall(b"0\r\n\r\n")

    server.pages = {"/plain": text(LIST), "/zipped": zipped(LIST), "/chunked": chunked}
    for path in server.pages:
        assert get(server.address(path)) == (Fetched(True, "", ""), LIST)
    assert server.log[0].headers["accept-encoding"] == "gzip"


def test_an_unchanged_list_is_not_sent_again(server: BadServer) -> None:
    server.pages["/list"] = validated(LIST, '"one"')
    found, body = get(server.address("/list"))
    assert found == Fetched(True, '"one"', "") and body == LIST
    found, body = get(server.address("/list"), etag='"one"')
    assert not found.changed and body == b""
    server.pages["/list"] = validated(LIST + b"more.example\n", '"two"')
    found, body = get(server.address("/list"), etag='"one"', modified="Mon, 23 Nov 2026 10:00:00 GMT")
    assert found.changed and found.etag == '"two"' and body.endswith(b"more.example\n")
    assert server.log[-1].headers["if-modified-since"] == "Mon, 23 Nov 2026 10:00:00 GMT"


def test_a_redirect_is_followed_over_https_only(server: BadServer) -> None:
    server.pages["/list"] = text(LIST)
    server.pages["/moved"] = lambda asked: asked.reply(b"", "Location: /list", status="301 Moved")
    assert get(server.address("/moved"))[1] == LIST
    server.pages["/down"] = lambda asked: asked.reply(b"", "Location: http://localhost/list", status="302 Found")
    assert "away from https" in str(refused(server.address("/down")))
    server.pages["/file"] = lambda asked: asked.reply(b"", "Location: file:///etc/passwd", status="302 Found")
    assert "away from https" in str(refused(server.address("/file")))
    server.pages["/nowhere"] = lambda asked: asked.reply(b"", status="302 Found")
    assert "leads nowhere" in str(refused(server.address("/nowhere")))
    assert "not plain https" in str(refused(server.address("/list").replace("https", "http")))


def test_a_redirect_from_outside_leads_to_nothing_inside(server: BadServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said there, not even a TLS hello. A list in this network may send on within it."""
    monkeypatch.setattr("agent.jobs.fetch.is_private", lambda address: address == bytes([127, 0, 0, 2]))
    with socket.create_server(("127.0.0.2", 0)) as inside:
        inside.settimeout(5)
        server.pages["/list"] = moved(f"https://127.0.0.2:{inside.getsockname()[1]}/admin?reboot=1")
        assert "into this network" in str(refused(server.address("/list")))
        with inside.accept()[0] as heard:
            assert heard.recv(100) == b""
    monkeypatch.undo()
    server.pages["/list"], server.pages["/there"] = moved(server.address("/there")), text(LIST)
    assert get(server.address("/list"))[1] == LIST


# Each header of RFC 9110 and some of its neighbours, with values that no parser expects: the list comes all the same,
# or it is a sentence.
HEADERS = (
    "Accept Accept-Charset Accept-Encoding Accept-Language Accept-Ranges Age Allow Alt-Svc Authentication-Info"
    " Authorization Cache-Control Connection Content-Disposition Content-Encoding Content-Language Content-Length"
    " Content-Location Content-Range Content-Type Cookie Date ETag Expect Expires From Host If-Match If-Modified-Since"
    " If-None-Match If-Range If-Unmodified-Since Keep-Alive Last-Modified Link Location Max-Forwards Pragma"
    " Proxy-Authenticate Proxy-Authorization Range Referer Refresh Retry-After Server Set-Cookie"
    " Strict-Transport-Security TE Trailer Transfer-Encoding Upgrade User-Agent Vary Via Warning WWW-Authenticate"
).split()
VALUES = (
    b"",
    b"\xb2",
    b"-1",
    b"9" * 40,
    b"x" * 20000,
    b"\0\x01\x7f\xff",
    b'"a\r\n b"',
    b"a\rETag: b",
    b"%s%n{}\\N{BEL}",
    b"gzip, chunked",
    b"Sun, 99 Foo 99999 25:61:61 GMT",
    b"text/html",
)


@pytest.mark.parametrize("name", HEADERS)
def test_any_header_with_any_value(server: BadServer, name: str) -> None:
    for number, value in enumerate(VALUES):
        for status in (b"200 OK", b"304 Not Modified", b"302 Found", b"429 No"):
            head = b"HTTP/1.1 " + status + b"\r\n" + name.encode() + b": " + value + b"\r\n"
            body = b"Content-Length: %d\r\n\r\n%s" % (len(SHORT), SHORT)
            server.pages[f"/{number}"] = raw(head + body)
            try:
                found, said = get(server.address(f"/{number}"))
            except Failed as error:
                assert "unforeseen" not in str(error) and len(str(error)) < 400, (value, error)
                continue
            assert said in (SHORT, b"") or (value, name) == (b"gzip, chunked", "Transfer-Encoding"), (value, said)
            # What is kept is sent back with the next try.
            for kept in (found.etag, found.modified) if found.changed else ():
                assert kept.isascii() and kept.isprintable() and len(kept) <= 200, (value, kept)


SHORT = names(3)


def test_a_redirect_loop_ends(server: BadServer) -> None:
    server.pages["/loop"] = lambda asked: asked.reply(b"", "Location: /loop", status="302 Found")
    assert "redirects" in str(refused(server.address("/loop")))
    assert len(server.log) == 6


@pytest.mark.parametrize(
    ("name", "days", "signed", "words"),
    [
        ("expired", "-1", True, "expired"),
        ("stranger", "30", False, "self-signed"),
        ("other", "30", True, "Hostname mismatch"),
    ],
)
def test_a_certificate_must_be_valid(authority: Authority, name: str, days: str, signed: bool, words: str) -> None:
    made = BadServer(authority.context(name, days, signed))
    made.pages["/list"] = text(LIST)
    try:
        error = str(refused(made.address("/list")))
        assert error.startswith("its certificate is not valid") and words in error.replace("self signed", "self-signed")
        assert made.log == []
    finally:
        made.close()


def slow_body(asked: Asked) -> None:
    asked.head("200 OK", "Content-Length: 100000")
    asked.drip(b"x")


def slow_head(asked: Asked) -> None:
    asked.link.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    asked.drip(b"x")


def silent(asked: Asked) -> None:
    time.sleep(2.5)


def endless(asked: Asked) -> None:
    asked.head("200 OK")
    asked.drip(LIST, 0)


def endless_head(asked: Asked) -> None:
    asked.link.sendall(b"HTTP/1.1 200 OK\r\n")
    asked.drip(b"X-More: of the same\r\n", 0)


def bomb(asked: Asked) -> None:
    zipped(b"0.0.0.0 a.example\n" * (1 << 20))(asked)


def reset(asked: Asked) -> None:
    asked.head("200 OK", "Content-Length: 100000")
    asked.link.sendall(LIST[:1000])
    asked.link.shutdown(2)


def after_its_end(asked: Asked) -> None:
    asked.head("200 OK", "Content-Encoding: gzip")
    asked.link.sendall(gzip.compress(LIST))
    asked.drip(bytes(65536), 0)


def compressed_nothing(asked: Asked) -> None:
    """Empty blocks: a compressed stream that goes on and never becomes a letter (RFC 1951, section 3.2.4)."""
    asked.head("200 OK", "Content-Encoding: gzip")
    asked.link.sendall(b"\x1f\x8b\x08\0\0\0\0\0\0\x03")
    asked.drip(b"\0\0\0\xff\xff" * 10000, 0)


def raw(data: bytes) -> Callable[[Asked], None]:
    return lambda asked: asked.link.sendall(data)


def chunk(line: bytes) -> Callable[[Asked], None]:
    return raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + line + b"\r\nabcde\r\n0\r\n\r\n")


def moved(where: str) -> Callable[[Asked], None]:
    return raw(f"HTTP/1.1 302 Found\r\nLocation: {where}\r\n\r\n".encode())


FIRST_LINES = (b"HTTP/1.1", b"HTTP/1.1 20", b"HTTP/1.1 \xc2\xb200 OK", b"HTTP/2 200", b"", b"HTTP/1.1 +20 x", b"200 OK")

MISBEHAVING = {
    "slow body": (slow_body, "too long"),
    "slow head": (slow_head, "too long"),
    "silent": (silent, "silent"),
    "endless": (endless, "larger than any list"),
    "endless head": (endless_head, "does not speak HTTP"),
    "bomb": (bomb, "larger than any list"),
    "large by its own word": (lambda asked: asked.reply(b"", length=1 << 30), "larger than any list"),
    "goes on after a gzip's end": (after_its_end, "larger than any list"),
    "gzip of nothing without an end": (compressed_nothing, "larger than any list"),
    "truncated gzip": (zipped(LIST, 200), "before its end"),
    "damaged gzip": (text(b"\x1f\x8b\x08 nothing of the kind", "Content-Encoding: gzip"), "compression is damaged"),
    "no gzip": (text(LIST, "Content-Encoding: gzip"), "compression is damaged"),
    "another compression": (text(LIST, "Content-Encoding: br"), "not asked for"),
    "shorter than said": (lambda asked: asked.reply(LIST, length=len(LIST) + 9), "before its end"),
    "reset": (reset, "before its end"),
    "chunks without an end": (
        lambda asked: asked.reply(b"5\r\nabcde\r\n", "Transfer-Encoding: chunked"),
        "before its end",
    ),
    "a login page": (text(b"<html>please sign in</html>", "Content-Type: text/html; charset=utf-8"), "web page"),
    "not found": (lambda asked: asked.reply(b"", status="404 Not Found"), "answers 404"),
    "server error": (lambda asked: asked.reply(b"", status="500 Oops"), "answers 500"),
    "not HTTP": (lambda asked: asked.link.sendall(b"SSH-2.0-nothing\r\n" * 9), "does not speak HTTP"),
    "half an answer": (lambda asked: asked.reply(LIST, status="206 Partial Content"), "answers 206"),
    "hangs up": (lambda asked: asked.link.shutdown(2), ""),
    **{f"first line {line!r}": (raw(line + b"\r\n\r\n"), "does not speak HTTP") for line in FIRST_LINES},
    **{
        f"length {value}": (raw(f"HTTP/1.1 200 OK\r\nContent-Length: {value}\r\n\r\nabc".encode()), "does not speak")
        for value in ("²", "-5", "+3", "1_0", "0x3", "3, 4", "", "3\r\nContent-Length: 4")
    },
    **{
        f"chunk {line!r}": (chunk(line), "does not speak HTTP")
        for line in ("²".encode(), b"-5", b"", b"+5", b"0x5", b"1_0", b"g", b"f" * 16, b"5" * 2000)
    },
    "a chunk that is longer": (chunk(b"2"), "does not speak HTTP"),
    "a coding that nobody asked for": (text(LIST, "Transfer-Encoding: deflate"), "not asked for"),
    "many headers": (text(LIST, *(f"X-{at}: x" for at in range(300))), "does not speak HTTP"),
    "one long header": (text(LIST, "X-Long: " + "x" * 100_000), "does not speak HTTP"),
    "endless interim": (lambda asked: asked.drip(b"HTTP/1.1 100 Continue\r\n\r\n", 0), "does not speak HTTP"),
    "a length beyond counting": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n"),
        "larger than any list",
    ),
    **{
        f"Location {where}": (moved(where), words)
        for where, words in (
            ("https://[", "leads nowhere"),
            ("https://" + "a" * 70 + ".example/list", "connection failed"),
            ("https://localhost:²/", "leads nowhere"),
            ("https://localhost:99999/", "not one"),
            ("https://localhost:port/", "not one"),
            ("https://user@localhost/", "not plain https"),
            ("https://..example/", "connection failed"),
            ("https://localhost/a b", "not one"),
            ("//[::", "leads nowhere"),
        )
    },
}


@pytest.mark.parametrize("how", MISBEHAVING)
def test_whatever_the_server_does_it_ends_with_a_sentence(server: BadServer, how: str) -> None:
    answer, words = MISBEHAVING[how]
    server.pages["/list"] = answer
    assert words in str(refused(server.address("/list")))


def test_who_asks_too_often_is_told_to_wait(server: BadServer) -> None:
    def busy(value: str) -> int | None:
        server.pages["/list"] = lambda asked: asked.reply(b"", "Retry-After: " + value, status="429 Too Many")
        return refused(server.address("/list")).wait_s

    assert busy("120") == 120
    assert busy("99999999999999999999") == 7 * 86400
    assert busy("soon") is None and busy("-5") is None and busy("Mon, 99 Nov 9999 99:99:99 GMT") is None
    for value in (
        "²",
        "١٢",
        "1e3",
        "0x10",
        "1_0",
        "",
        "Mon, 23 Nov 2026 ²0:00:00 GMT",
        "Mon, 30 Feb 2027 10:00:00 GMT",
    ):
        assert busy(value) is None, value
    assert busy("Mon, 23 Nov 2020 10:00:00 GMT") == 0
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 600))
    assert 590 <= (busy(later) or 0) <= 600


def test_nobody_at_home(authority: Authority, tmp_path: Path) -> None:
    server = BadServer(authority.context("gone"))
    server.close()
    assert "refused" in str(refused(server.address("/list")))
    for address in ("https://", "https://user:password@localhost/", "https://localhost:port/", "ftp://localhost/"):
        refused(address)


def test_a_validator_that_is_not_one_line_is_not_kept(server: BadServer) -> None:
    server.pages["/list"] = text(LIST, "ETag: " + "x" * 3000)
    assert get(server.address("/list"))[0].etag == ""


WITHOUT_IDNA = """
import sys
sys.modules["encodings.idna"] = None  # as where Python's codecs are a package of their own
sys.path.insert(0, {root!r})
from agent.jobs.fetch import fetch
from agent.jobs.upload import post
pieces = []
fetch({list!r}, pieces.append)
print(len(b"".join(pieces)), post({report!r}, b"sealed", open({authority!r}).read()).message)
"""


def test_no_codec_but_those_of_the_interpreter_is_needed(authority: Authority, server: BadServer) -> None:
    server.pages = {"/list": text(LIST), "/report": text(b"")}
    program = WITHOUT_IDNA.format(
        root=str(ROOT),
        list=server.address("/list"),
        report=server.address("/report"),
        authority=str(authority.file),
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, env=dict(os.environ)
    )
    assert done.stdout == f"{len(LIST)} \n", done.stderr
