"""The household's own rules as text."""

from agent.core.model import BadInput
from agent.core.rule_text import OwnLine, read_line, read_time, show_time

READ = (
    ("allow school.example", OwnLine("allow", b"school.example")),
    ("  block\tGAMES.example. ", OwnLine("block", b"games.example")),
    ("block *.ads.example", OwnLine("block", b"ads.example")),
    (
        "block games.example until 2026-12-24T18:00:00Z for device Mia's tablet",
        OwnLine("block", b"games.example", "device", "Mia's tablet", 1798135200),
    ),
    ("allow x.example for person for device", OwnLine("allow", b"x.example", "person", "for device")),
    ("allow allow", OwnLine("allow", b"allow")),
)
NOTHING = ("", "   ", "# allow this.example", "\ufeff# a file with a mark")
WRONG = (
    ("allow", "begins with allow or block"),
    ("school.example", "begins with allow or block"),
    ("Allow school.example", "begins with allow or block"),
    ("block =only.example", "names below"),
    ("block .", "empty"),
    ("block a..b", ""),
    ("block *.", "empty"),
    ("block x.example until tomorrow", "not a time"),
    ("block x.example until 2026-02-30T00:00:00Z", "no such time"),
    ("block x.example for tablet", "come only"),
    ("block x.example for device", "come only"),
    ("block x.example and more", "come only"),
    ("block " + "x" * 500, "longer"),
)
NAMES = (("a.example", b"a.example"), ("*.a.example  # why", b"a.example"), (".a.example", b"a.example"))


def raises(kind: type, function, *arguments: object) -> str:  # type: ignore[no-untyped-def]
    try:
        function(*arguments)
    except kind as error:
        return str(error)
    raise AssertionError("nothing was wrong with " + repr(arguments))


def test_what_reads() -> None:
    for text, rule in READ:
        assert read_line(text) == rule, text
        assert read_line(rule.text) == rule, text
    for text in NOTHING:
        assert read_line(text) is None and read_line(text, "block") is None, text


def test_what_does_not_read_says_why() -> None:
    for text, words in WRONG:
        assert words in raises(BadInput, read_line, text), text


def test_names_alone_read_with_an_action() -> None:
    for text, name in NAMES:
        assert read_line(text, "block") == OwnLine("block", name)
        assert read_line("allow " + text.split()[0], "block") == OwnLine("allow", name)
    assert "more than a name" in raises(BadInput, read_line, "0.0.0.0 a.example", "block")


def test_times() -> None:
    for text, seconds in (
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29T23:59:59Z", 951868799),
        ("2024-12-31T12:00:00Z", 1735646400),
        ("2100-03-01T00:00:00Z", 4107542400),
    ):
        assert read_time(text) == seconds and show_time(seconds) == text
    for text in ("2100-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "2026-00-10T00:00:00Z"):
        assert "no such time" in raises(BadInput, read_time, text), text
    for text in ("", "2026-01-01", "2026-01-01T00:00:00+", "２026-01-01T00:00:00Z"):
        assert "not a time" in raises(BadInput, read_time, text), text
