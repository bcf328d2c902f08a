"""The lists that the household gave by their addresses, kept in state.db beside the table of those that are shipped."""

from binascii import hexlify

from agent.control.messages import Row
from agent.core import jsontext
from agent.core.did_you_mean import nearest
from agent.core.feed_schedule import ID_LETTERS, SYNTAXES, Feed
from agent.core.model import BadInput, Sentence
from agent.core.names import parse
from agent.daemon.lists.outcomes import as_dict
from agent.daemon.store.state import State
from agent.platform.hashing import sha256

KEPT = "own_lists"  # the key in state.db
OWN_MAX = 20  # each is fetched and compiled with every update
PREFIX = "own-"
CATEGORY_MAX = 24
ADDRESS_MAX = 512


class OwnLists:
    def __init__(self, state: State) -> None:
        self._state = state
        self.feeds: list[Feed] = []
        try:
            rows = jsontext.loads(state.meta(KEPT, "[]"))
        except (ValueError, RuntimeError):  # the latter: nested too deeply
            rows = []
        for row in rows if isinstance(rows, list) else []:
            try:
                self.feeds.append(_read(as_dict(row)))
            except BadInput:
                continue  # of another version, which took more

    def add(self, address: str, name: str, category: str, syntax: str | None, known: list[str]) -> Feed:
        """BadInput for what is no address, is there already, or is one too many; and for a category that is nearly one
        of those that are `known`: one of the household's own blocks for everybody, whoever has what chosen."""
        if category and category not in known:
            meant = nearest(category, known)
            if meant is not None:
                raise BadInput(
                    Sentence(
                        "no category {}; did you mean {}? A category of your own takes another word", category, meant
                    )
                )
        made = own_feed(PREFIX, address, name, category, syntax)
        # By its address, so that a text that is left of another one is never taken for it.
        made.id = PREFIX + hexlify(sha256(made.address.encode())[:5]).decode()
        if made.id in [feed.id for feed in self.feeds]:
            raise BadInput(Sentence("this list is there already: {}", made.id))
        if len(self.feeds) >= OWN_MAX:
            raise BadInput(Sentence("there are {} lists of your own already: remove one first", OWN_MAX))
        self._keep([*self.feeds, made])
        return made

    def remove(self, id: str) -> None:
        self._keep([feed for feed in self.feeds if feed.id != id])

    def _keep(self, feeds: list[Feed]) -> None:
        keys = ("id", "name", "address", "syntax", "category")
        self._state.put_meta(KEPT, jsontext.dumps([{key: getattr(feed, key) for key in keys} for feed in feeds]))
        self.feeds = feeds


def is_own(id: str) -> bool:
    return id.startswith(PREFIX)


def _read(row: Row) -> Feed:
    id, address, name, category = [str(row.get(key, "")) for key in ("id", "address", "name", "category")]
    syntax = row.get("syntax")
    return own_feed(id, address, name, category, syntax if isinstance(syntax, str) else None)


def own_feed(id: str, address: str, name: str = "", category: str = "", syntax: str | None = None) -> Feed:
    """A list that the household gave by its address; BadInput says what is wrong with it."""
    address = address.strip()
    if not address.lower().startswith("https://"):
        raise BadInput("a list's address must begin with https://: whoever is on the way could change it otherwise")
    address = "https://" + address[8:].partition("#")[0]
    if len(address) > ADDRESS_MAX or [letter for letter in address if not "!" <= letter <= "~"]:
        raise BadInput(Sentence("a list's address is at most {} plain letters, without blanks", ADDRESS_MAX))
    authority, _, path = address[8:].partition("/")
    _check_authority(authority)
    if syntax is not None and syntax not in SYNTAXES:
        raise BadInput(Sentence("not a list syntax: {}; there are {}", repr(syntax), ", ".join(SYNTAXES)))
    category = category or "own"
    if len(category) > CATEGORY_MAX or [letter for letter in category if letter not in ID_LETTERS]:
        raise BadInput(Sentence("a category is a word of at most {} lower-case letters, digits and '-'", CATEGORY_MAX))
    shown = name.strip() or (authority + "/" + path)[:64]
    return Feed(id, shown, "https://" + authority.lower() + "/" + path, syntax, category, "", "", True, 0, "")


def _check_authority(authority: str) -> None:
    """BadInput unless it is a host, and perhaps a port."""
    host, colon, port = authority.rpartition(":") if not authority.endswith("]") else (authority, "", "")
    host = host if colon else authority
    if colon and not (port and len(port) <= 5 and not [digit for digit in port if digit not in "0123456789"]):
        raise BadInput(Sentence("a list's address has no such port: {}", repr(port)))
    if "@" in host or not host:
        raise BadInput("a list's address names a host after https://, and no user")
    if not host.startswith("["):
        parse(host)
