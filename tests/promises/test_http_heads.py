"""A header that may be given once is seen also when its first value is empty: nothing hides behind it."""

import pytest

from agent.core.http import SINGLE, BadRequest, Head, parse_head

VALUES = ("", "   ", "chunked", "0", "a")


def refused(*lines: str) -> int:
    try:
        parse_head("\r\n".join(("GET / HTTP/1.1", *lines)).encode())
    except BadRequest as error:
        return error.status
    return 0


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("first", VALUES)
@pytest.mark.parametrize("second", VALUES)
def test_given_twice(name: str, first: str, second: str) -> None:
    host = () if name == "host" else ("Host: h",)
    assert refused(*host, f"{name.title()}:{first}", "Accept: */*", f"{name.upper()}: {second}") == 400


def test_a_coding_without_a_name_is_a_coding() -> None:
    assert refused("Host: h", "Transfer-Encoding:") == 501


def test_a_length_without_digits_is_none() -> None:
    for value in ("", " ", "+1", "1 1", "1,1", "\u00b2"):
        assert refused("Host: h", f"Content-Length:{value}") == 400, value


def test_every_connection_header_counts() -> None:
    head: Head = parse_head(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nConnection: x, Close")
    assert not head.keep_alive
