"""The household's own copy of its week: the address that it goes to, whose key opens it, and how it is filled up.

Nothing here can open it: the key's secret half was made in a browser and is not on the router.
"""

import binascii

from agent.core import age, jsontext
from agent.core.features import NOTICE_VERSION
from agent.core.model import BadInput, Sentence
from agent.core.shapes import Json, Place, Sha256

FORMAT = "privacy-agent week 1"
# A file has one of these sizes before it is sealed: who stores it learns no more of a week than that. The largest one
# still fits, sealed and in base64, into a line of the control socket.
SIZES = (4096, 16384, 40960)
LISTINGS = ("gaps", "changes", "requests")  # of a week's item
CUTS = (None, 20, 5, 0)
TEXTS = (("address", 2000), ("user", 200), ("password", 500), ("recipient", 100), ("authority", 8192))
RECIPIENT_LETTERS = 62
PEM = "-----BEGIN CERTIFICATE-----"
SEEN = (
    "The server sees this router's address and when a file comes. It can't read the file. Files that were sent stay "
    "there until you delete them."
)


def check(given: object) -> Place:
    """Where the file goes and for whom, in canonical form; the host is in A-labels already. BadInput."""
    if not isinstance(given, dict):
        raise BadInput("the target of the weekly file must be an object")
    known = [name for name, _ in TEXTS]
    for name in sorted(given):
        if name not in known:
            raise BadInput(Sentence("the weekly file has no {}; there are: {}", repr(name), ", ".join(known)))
    found = {}
    for name, limit in TEXTS:
        found[name] = _text(given.get(name), name, limit)
    _address(found["address"])
    if bool(found["user"]) != bool(found["password"]) or ":" in found["user"]:
        raise BadInput("user and password go together, and the user has no colon")
    if len(found["recipient"]) != RECIPIENT_LETTERS:
        raise BadInput("a public key begins with age1 and has 62 letters")
    age.recipient(found["recipient"])
    found["recipient"] = found["recipient"].lower()
    if found["authority"] and PEM not in found["authority"]:
        raise BadInput("the server's certificate must be in PEM")
    return found


def _text(value: object, name: str, limit: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit:
        raise BadInput(Sentence("the weekly file's {} must be a text of at most {} characters", name, limit))
    if name != "authority" and [letter for letter in value if letter < " "]:
        raise BadInput(Sentence("the weekly file's {} must be one line", name))
    return value.strip()


def _address(address: str) -> None:
    host = host_of(address)
    if not address.startswith("https://") or not host or "@" in host:
        raise BadInput("the address of the weekly file must begin with https:// and name no user")
    if [letter for letter in address if not "!" <= letter <= "~" or letter in '#"<>\\^`{|}']:
        raise BadInput("the address of the weekly file has a character that no address has")


def host_of(address: str) -> str:
    """Host and port of an https address."""
    rest = address[8:]
    for end in "/?#":
        rest = rest.split(end)[0]
    return rest


def shown(address: str) -> str:
    """The address without what gives access to it (as S3's signed ones have it)."""
    return address.split("?")[0]


def place(address: str, name: str) -> str:
    """Where a file of that name goes: into a folder, or over the one file that the address names."""
    path, mark, query = address.partition("?")
    if host_of(path) == path[8:]:
        path += "/"
    return path + (name if path.endswith("/") else "") + mark + query


def name_of(day: str) -> str:
    """A file's name; `day` is 2026-11-30. The same week's later one takes the place of the first."""
    return "week-" + day + ".age"


def terms(target: Place, sha256: Sha256) -> str:
    """A short word for all that is agreed to: another address, key or notice makes another."""
    parts = []
    for field in (target["address"], target["recipient"], FORMAT, str(NOTICE_VERSION)):
        data = field.encode()
        parts.append(str(len(data)).encode() + b":" + data + b",")
    return bytes(sha256(b"".join(parts)))[:8].hex()


def authorization(user: str, password: str) -> str:
    """Of the Basic scheme (RFC 7617)."""
    return "Basic " + binascii.b2a_base64((user + ":" + password).encode()).decode().strip()


def render(week: Json) -> str:
    """The text of a file. Where a week is too long, its listings are: they are cut, and `cut` tells to how many."""
    for most in CUTS:
        found = dict(week)
        found.update({"format": FORMAT, "cut": most, "items": [_cut(one, most) for one in week["items"]]})
        text = jsontext.dumps(found)
        if len(text.encode()) <= SIZES[-1]:
            return text
    found = dict(week)
    found.update({"format": FORMAT, "cut": 0, "items": []})
    return jsontext.dumps(found)


def _cut(item: Json, most: int | None) -> Json:
    if most is None:
        return item
    found = dict(item)
    for name in LISTINGS:
        if isinstance(found.get(name), list):
            found[name] = found[name][:most]
    return found


def padded(text: str) -> bytes:
    """Filled up with blanks to the next size; it stays the same JSON."""
    data = text.encode()
    for size in SIZES:
        if len(data) <= size:
            return data + b" " * (size - len(data))
    raise BadInput("the week is too long for a file")
