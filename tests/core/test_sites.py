"""What people paste for a site, and what is none."""

from agent.core.model import BadInput
from agent.core.names import PublicSuffixes, compile_suffixes
from agent.core.sites import site, wide

SUFFIXES = PublicSuffixes(compile_suffixes(["com", "co.uk", "uk", "*.ck", "github.io", "io"]))


def refused(call, *arguments):
    try:
        call(*arguments)
    except BadInput as error:
        return str(error)
    return ""


def test_a_site_as_people_paste_it():
    for text in (
        "bad-site.example",
        " Bad-Site.example. ",
        "https://bad-site.example/path?x=1",
        "http://somebody:secret@bad-site.example:8443/#top",
        "bad-site.example/search",
        "bad-site.example:443",
        "*.bad-site.example",
        ".bad-site.example",
        "||bad-site.example^",
        "||bad-site.example^$third-party",
        "bad-site.example?q",
    ):
        assert site(text) == b"bad-site.example", text
    assert site("192.0.2.1:80") == b"192.0.2.1"


def test_what_is_no_site_says_what_to_enter():
    for text in (
        "",
        "tik tok",
        "://",
        "||^",
        "*.",
        "a..b",
        "x" * 300,
        "https:///path",
        "mia@mail.example",
        "mailto:mia@mail.example",
    ):
        assert refused(site, text) == "Enter a site such as tiktok.com.", text


def test_a_public_suffix_is_many_sites():
    for name in (b"com", b"co.uk", b"github.io", b"foo.ck", b"ck"):
        assert wide(name, SUFFIXES), name
    for name in (b"tiktok.com", b"bbc.co.uk", b"somebody.github.io", b"192.0.2.1"):
        assert not wide(name, SUFFIXES), name


def test_a_single_label_is_no_site():
    for name in (b"tiktok", b"localhost"):
        assert refused(wide, name, SUFFIXES) == name.decode() + " is no site. Did you mean " + name.decode() + ".com?"
    assert wide(b"tiktok", None), "without the list of suffixes it may be one"
    for name in (b"co.uk", b"com.au", b"or.jp"):
        assert wide(name, None), name
    for name in (b"co.com", b"bbc.co.uk", b"x.uk", b"com.example"):
        assert not wide(name, None), name
