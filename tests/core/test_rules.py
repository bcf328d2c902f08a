from agent.core.model import BadInput
from agent.core.rules import (
    LINE_MAX,
    LOCAL_NAME,
    NOT_A_NAME,
    REAL_ADDRESS,
    TOO_LONG,
    ListRule,
    detect,
    parse_line,
    parse_lines,
)

HOSTS = [
    (b"0.0.0.0 phish.example", [ListRule(b"phish.example")]),
    (b"127.0.0.1\tPhish.Example. # seen today", [ListRule(b"phish.example")]),
    (b":: a.example b.example", [ListRule(b"a.example"), ListRule(b"b.example")]),
    (b"0.0.0.0 localhost", [LOCAL_NAME]),
    (b"127.0.0.1 localhost.localdomain", [LOCAL_NAME]),
    (b"0.0.0.0 0.0.0.0", [LOCAL_NAME]),
    (b"::1 ip6-loopback", [LOCAL_NAME]),
    (b"192.0.2.7 intranet.example", [REAL_ADDRESS]),
    (b"phish.example", [NOT_A_NAME]),
    (b"0.0.0.0 bad..example", [NOT_A_NAME]),
    (b"0.0.0.0 192.0.2.7", [NOT_A_NAME]),
    (b"# 0.0.0.0 phish.example", []),
    (b"  \r\n", []),
    (b"0.0.0.0 a." + b"x" * LINE_MAX, [TOO_LONG]),
]

DOMAINS = [
    (b"phish.example", [ListRule(b"phish.example")]),
    (b"  Phish.Example.  # why\r\n", [ListRule(b"phish.example")]),
    (b"_sip.phish.example", [ListRule(b"_sip.phish.example")]),
    (b"example", [NOT_A_NAME]),
    (b"two words.example", [NOT_A_NAME]),
    (b"a." + b"x" * 64 + b".example", [NOT_A_NAME]),
    (b"! comment", []),
    (b"// comment", []),
    (b"", []),
]


def test_a_hosts_line_names_what_is_mapped_to_nowhere() -> None:
    for line, expected in HOSTS:
        assert parse_line(line, "hosts") == expected, line


def test_a_plain_domain_is_one_word() -> None:
    for line, expected in DOMAINS:
        assert parse_line(line, "domains") == expected, line


def test_lines_are_read_one_after_the_other() -> None:
    values = list(parse_lines([b"# head", b"a.example", b"?", b"b.example"], "domains"))
    assert values == [ListRule(b"a.example"), NOT_A_NAME, ListRule(b"b.example")]


def test_the_syntax_is_found_out_by_content() -> None:
    assert detect(b"# list\n127.0.0.1 localhost\n0.0.0.0 phish.example\n") == "hosts"
    assert detect(b"\xef\xbb\xbf# list\nphish.example\nother.example\n") == "domains"


def refusal(sample: bytes) -> str:
    try:
        return "taken as " + detect(sample)
    except BadInput as error:
        return str(error)


def test_what_is_no_list_is_refused() -> None:
    assert "a web page" in refusal(b"<!DOCTYPE html><html><head><title>Sign in</title>")
    assert "a web page" in refusal(b"\r\n <?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>")
    assert "JSON" in refusal(b'{"message": "Not Found"}')
    assert "empty" in refusal(b"")
    assert "empty" in refusal(b" \n\t\r\n")
    assert "binary" in refusal(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcbH\xcd")
    assert "no line" in refusal(b"# only a comment\n")
    assert "no line" in refusal(b"Please log in to continue\nYour session is over.\nphish.example\n")
