"""The site that somebody means by what they typed or pasted: a name, a URL, or a rule of some list's syntax."""

from agent.core import names
from agent.core.model import BadInput, Sentence

# What stands before a country's ending for sites of its people: co.uk, com.au, or.jp.
_SECOND = (b"co", b"com", b"org", b"net", b"edu", b"gov", b"ac", b"or", b"ne", b"go", b"mil", b"nom", b"gob", b"gv")


def site(text: str) -> bytes:
    """The canonical name: a URL's host, a name without `*.`, `||` and `^` around it. BadInput says what to enter."""
    text = text.strip()
    scheme, is_url, rest = text.partition("://")
    if is_url:
        text = rest
    elif text.startswith("||"):
        text = text[2:]
    for end in "/?#^|$":
        text = text.partition(end)[0]
    if "@" in text and not is_url:
        raise BadInput("Enter a site such as tiktok.com.")  # somebody's mail address: its host serves many others
    text = text.rpartition("@")[2]
    for before in ("*.", "."):
        if text.startswith(before):
            text = text[len(before) :]
    host, colon, port = text.rpartition(":")
    if colon and ":" not in host and port and not port.strip("0123456789"):
        text = host
    try:
        name = names.parse(text)
    except BadInput as error:
        raise BadInput("Enter a site such as tiktok.com.") from error
    if not name:
        raise BadInput("Enter a site such as tiktok.com.")
    return name


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
