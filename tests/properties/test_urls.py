"""A listed URL is found in whatever spelling it is listed and asked for: one form, at compile and at look-up."""

from io import BytesIO

from hypothesis import example, given
from hypothesis import strategies as st

from agent.core.model import Value
from agent.core.ruleset import Ruleset
from agent.core.rulewriter import ListMeta, build
from agent.core.sniffed_request import normal, read
from agent.platform.hashing import sha256
from tests.core.whole import parse_line

# What stands in a path: each in all the ways to write it.
TOKENS = (
    *[(text, b"%%%02x" % ord(text), b"%%%02X" % ord(text)) for text in (b"a", b"Z", b"0", b"-", b".", b"_", b"~")],
    *[(text,) for text in (b"+", b"'", b"@", b";", b"%20", b"%25")],
    (b"%2F", b"%2f"),
    (b"{", b"%7B", b"%7b"),
    (b"\xc3\xa9", b"%C3%A9", b"%c3%a9"),
)
SEGMENTS = st.lists(st.sampled_from(TOKENS), min_size=1, max_size=4).filter(lambda of: any(t[0] != b"." for t in of))
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4)
# What may stand before a segment and changes nothing.
JOINTS = st.sampled_from([b"/", b"/./", b"/y/../", b"/%2e/", b"/y/%2E%2e/"])
HOSTS = st.sampled_from([b"Bad.Example", b"bad.example.", b"BAD.EXAMPLE:80", b"bad.example:0443", b"me@bad.example"])
SCHEMES = st.sampled_from([b"http://", b"https://", b"HTTP://", b""])
QUERIES = st.sampled_from([(b"", b""), (b"?", b"?"), (b"?%41=%7e", b"?A=~"), (b"?x=\xc3\xa9", b"?x=%c3%a9")])


@st.composite
def urls(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """A listed URL up to its path and from there on, and the target of a request for the same one."""
    path = draw(PATHS)

    def spelt() -> bytes:
        return b"".join([draw(JOINTS) + b"".join([draw(st.sampled_from(of)) for of in segment]) for segment in path])

    listed, asked = draw(QUERIES)
    return draw(SCHEMES) + draw(HOSTS), spelt() + listed, spelt() + asked


def ruleset(values: list[Value]) -> Ruleset:
    file = BytesIO()
    build(file, [(ListMeta("l", "List", "1", ""), values)], bytes(16), sha256)
    return Ruleset(file, sha256)


@given(urls())
@example((b"bad.example", b"/%7Ea/../b", b"/b"))
def test_any_spelling_of_a_listed_url_is_found(url: tuple[bytes, bytes, bytes]) -> None:
    site, listed, target = url
    found = ruleset(parse_line(site + listed, "urls"))
    request = read(b"GET " + target + b" HTTP/1.1\r\nHost: bad.EXAMPLE:80\r\n\r\n")
    assert request is not None and request.authority is not None
    assert found.find_page(request.authority, request.target) is not None
    for other in (target + b"q", b"/q" + target):
        assert found.find_page(request.authority, other) is None


@given(urls())
def test_a_listed_page_in_adblock_syntax_covers_what_follows(url: tuple[bytes, bytes, bytes]) -> None:
    path, target = [text.partition(b"?")[0] for text in url[1:]]
    found = ruleset(parse_line(b"||bad.example" + path + b"^$all", "adblock"))
    for fitting in (target, target + b"/more?x", target.swapcase()):
        assert found.find_page(b"bad.example", fitting) is not None
    for other in (target + b"q", b"/q" + target):
        assert found.find_page(b"bad.example", other) is None


@given(st.binary(max_size=60))
@example(b"/%%341/%2/../.")
def test_the_one_form_stays(target: bytes) -> None:
    same = normal(b"/" + target)
    assert normal(same) == same and same.startswith(b"/")
    assert all(32 < byte < 127 for byte in same)
