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


def test_an_address_is_known_as_connections_to_it_are():
    for text in (
        "2001:DB8:0::1",
        "[2001:db8::1]:8443",
        "https://[2001:db8::1]/x?y",
        "http://[2001:db8::1]:80",
        "2001:db8::1",
    ):
        assert site(text) == b"2001:db8::1", text
    assert not wide(site("2001:db8::1"), SUFFIXES)
    for text in ("::ffff:1.2.3.4", "::FFFF:102:304", "[::ffff:1.2.3.4]:443", "https://[::ffff:102:304]/x"):
        assert site(text) == b"1.2.3.4", text  # no connection has the other form
    for text in ("2001:db8::", "::"):
        assert site(text) == text.encode()
    for text in ("2001:db8::1::2", "[::g]", "[tiktok.com]", "fe80::1%eth0", "a:b:c", "[tiktok.com]:80:90"):
        assert refused(site, text) == "Enter a site such as tiktok.com.", text
    for text in ("203.0.113.0/24", "2001:db8::/32", " 10.0.0.0/8 ", "[2001:db8::]/64", "::ffff:192.0.2.0/120"):
        assert "one address" in refused(site, text), text
    assert site("https://203.0.113.7/24") == b"203.0.113.7" and site("example.com/24") == b"example.com"


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
