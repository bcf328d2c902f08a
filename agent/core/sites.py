"""The site that somebody means by what they typed or pasted: a name, a URL, or a rule of some list's syntax."""

from agent.core import addresses, names
from agent.core.model import BadInput, Sentence

# What stands before a country's ending for sites of its people: co.uk, com.au, or.jp.
_SECOND = (b"co", b"com", b"org", b"net", b"edu", b"gov", b"ac", b"or", b"ne", b"go", b"mil", b"nom", b"gob", b"gv")


ENTER = "Enter a site such as tiktok.com."


def site(text: str) -> bytes:
    """The canonical name: a URL's host, a name without `*.`, `||` and `^` around it, or an address as `named` has it.
    BadInput says what to enter."""
    text = text.strip()
    _refuse_network(text)
    try:
        name = named(_host(text))
    except BadInput as error:
        raise BadInput(ENTER) from error
    if not name:
        raise BadInput(ENTER)
    return name


def _host(text: str) -> str:
    scheme, is_url, rest = text.partition("://")
    if is_url:
        text = rest
    elif text.startswith("||"):
        text = text[2:]
    for end in "/?#^|$":
        text = text.partition(end)[0]
    if "@" in text and not is_url:
        raise BadInput(ENTER)  # somebody's mail address: its host serves many others
    text = text.rpartition("@")[2]
    for before in ("*.", "."):
        if text.startswith(before):
            text = text[len(before) :]
    if text[:1] == "[" and ":" in text.partition("]")[0]:
        return text[1:].partition("]")[0]
    host, colon, port = text.rpartition(":")
    return host if colon and ":" not in host and port and not port.strip("0123456789") else text


def named(text: str) -> bytes:
    """The canonical name of a name, or the text of an address as connections to it are known by (RFC 5952)."""
    return addresses.show(addresses.unmapped(addresses.parse(text))).encode() if ":" in text else names.parse(text)


def _refuse_network(text: str) -> None:
    address, slash, bits = text.partition("/")
    if address[:1] == "[" and address[-1:] == "]":
        address = address[1:-1]
    if slash and bits and len(bits) <= 3 and not bits.strip("0123456789"):
        try:
            addresses.parse(address)
        except BadInput:
            return
        raise BadInput("a rule is for one address: a whole network can't be blocked or allowed")


def wide(name: bytes, suffixes: "names.PublicSuffixes | None") -> bool:
    """Whether a rule for the name would cover many sites, as it is a public suffix; without the list, any single label
    may be one, and what looks like co.uk. A single label that is none is BadInput: no site has such a name."""
    if names.is_address(name):
        return False
    if suffixes is not None and suffixes.listed(name):
        return True
    if b"." not in name and suffixes is not None:
        raise BadInput(Sentence("{} is no site. Did you mean {}.com?", name.decode(), name.decode()))
    first, _, rest = name.partition(b".")
    return not rest or (suffixes is None and first in _SECOND and len(rest) == 2)
