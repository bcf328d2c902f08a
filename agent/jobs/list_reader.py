"""Reads one list into the spill and the side tables of a compile: text of a file → rules, and what was skipped."""

import re
from collections.abc import Iterator

from agent.core.listrules import NOT_A_RULE, SAME_KEY, TOO_BROAD, TOO_MANY, ListRule, Network, Skipped
from agent.core.match import BELOW, EXACT, HOST, NODE, SPECIAL, WHOLE, split_authority
from agent.core.model import BadInput, Value
from agent.core.names import PublicSuffixes, is_address, suffixes
from agent.core.rules import SAMPLE_SIZE, LineParser, detect, refuse_page
from agent.core.rulewriter import Classes, SideTables, identity
from agent.core.shapes import Identity
from agent.core.shared_hosts import PAGES_MIN, PUBLIC_SUFFIX, WEAK, SharedHosts, leads_elsewhere
from agent.jobs.external_sort import Batch, ExternalSort
from agent.jobs.fast_lines import plain_names
from agent.jobs.guarded import Guarded, said
from agent.platform.gzip_text import TextFile
from agent.platform.idna import to_ascii

CHUNK_SIZE = 1 << 18
BATCH_SIZE = 1 << 15  # keys held before they are spilled: 2 MB
HOSTS_KNOWN = 4096  # of pages read last: lists are sorted more often than not
NODES_MAX = 8  # of a name; one with more labels is no site
WILD_MAX = 20_000  # of an RPZ zone's wildcards and deep names, some 100 bytes each; what is beyond makes no nodes
SIDE_MAX = 100_000  # rules with conditions and networks are held in memory, some 150 bytes each
# In these a line says "this host"; that it covers the names below is our reading, and wrong for a public suffix.
_HOST_SYNTAXES = ("hosts", "domains")
_BOM = b"\xef\xbb\xbf"
# A word with a letter outside ASCII, up to what no name holds.
_FOREIGN = re.compile(r"[^\s\x00-,/:-@\[-`{-\x7f]*[^\x00-\x7f][^\s\x00-,/:-@\[-`{-\x7f]*")


class Source(Value):
    """A list to compile: a file, and what the rule set shall say of it; `syntax` None is found out by content."""

    __slots__ = ("path", "id", "name", "version", "category", "syntax", "fetched")

    def __init__(
        self,
        path: str,
        id: str,
        name: str = "",
        version: str = "",
        category: str = "",
        syntax: str | None = None,
        fetched: int | None = None,
    ) -> None:
        self.path = path
        self.id = id
        self.name = name or id
        self.version = version
        self.category = category
        self.syntax = syntax
        self.fetched = fetched


class ListReport:
    """What became of one list: rules `read`, rules `kept` (neither repeated nor folded; also those that another list
    has, too), lines `skipped` by reason.

    `hosts` counts those refused whole because pages of theirs are listed. `examples` has the first line skipped for
    each reason; such text is for the household's eyes, not for logs.
    """

    def __init__(self, source: Source, syntax: str) -> None:
        self.id = source.id
        self.category = source.category
        self.syntax = syntax
        self.read = 0
        self.kept = 0
        self.hosts = 0
        self.skipped: dict[str, int] = {}
        self.examples: dict[str, str] = {}
        self.left_out: dict[str, list[str]] = {}

    def leave_out(self, what: str, name: bytes) -> None:
        """A line that would block what everybody needs; named, for the household to decide over."""
        names = self.left_out.setdefault(what, [])
        if name.decode() not in names:
            names.append(name.decode())

    def name_left_out(self) -> None:
        for what, names in sorted(self.left_out.items()):
            self.skipped[said(what, names)] = len(names)

    @property
    def guarded(self) -> int:
        return sum(map(len, self.left_out.values()))

    def skip(self, reason: str, line: bytes) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + 1
        if reason not in self.examples:
            self.examples[reason] = line.strip()[:100].decode(errors="replace")

    @property
    def unreadable(self) -> int:
        return self.skipped.get(NOT_A_RULE.reason, 0)


class Draft:
    """A rule set in the making: what the lists read so far have given."""

    def __init__(
        self,
        salt: bytes,
        spill: ExternalSort,
        public_suffixes: PublicSuffixes | None,
        shared: SharedHosts | None = None,
        guarded: Guarded | None = None,
    ) -> None:
        self.guarded = guarded or Guarded({})
        self.salt = salt
        self.spill = spill
        self.shared = shared
        self.public = frozenset(public_suffixes.rules()) if public_suffixes else frozenset()
        self.classes = Classes()
        self.side = SideTables()
        self.bad: list[tuple[int, Identity]] = []  # list and identity of what `$badfilter` takes back


class ListReader:
    """The rules of one list, on their way into a draft. `index` is the list's place in the rule set."""

    def __init__(self, draft: Draft, index: int, source: Source, file: TextFile) -> None:
        self.report = ListReport(source, _syntax(source, file))
        self._draft = draft
        self._index = index
        self._file = file
        self._reader = LineParser(self.report.syntax)
        self._public = draft.public if self.report.syntax in _HOST_SYNTAXES else frozenset()
        self._guarded = draft.guarded.of_category(source.category)
        self._batches: dict[int, Batch] = {}
        self._evidence: dict[bytes, set[int]] = {}
        self._wild: set[bytes] = set()  # of an RPZ zone: what wildcards are below
        self._deep: set[bytes] = set()  # and names that may lie below one
        self._hosts: set[bytes] = set()  # of pages read lately: each is decided over once, not once a page

    def steps(self) -> Iterator[int]:
        """Read on; yields how many bytes each step took. BadInput at the end if it was no list after all."""
        rest = b""
        while chunk := self._file.read(CHUNK_SIZE):
            end = chunk.rfind(b"\n") + 1
            if end:
                self._lines(rest + chunk[:end])
                rest = chunk[end:]
            else:
                # No rule is as long as a chunk: its middle is dropped, what is left is skipped as too long.
                rest = (rest + chunk)[-CHUNK_SIZE:]
            yield len(chunk)
        self._lines(rest)
        self._take_listed_nodes()
        for batch in self._batches.values():
            batch.spill(self._draft.spill)
        self.report.name_left_out()
        if self.report.unreadable >= max(self.report.read, 1):
            raise BadInput("not a list: most lines do not read as rules (" + self.report.syntax + ")")

    def _lines(self, chunk: bytes) -> None:
        names, kind, rest = plain_names(chunk, self.report.syntax)
        exact = self._public.intersection(names)
        touched = self._guarded.keys.intersection(names)
        if self.report.syntax not in _HOST_SYNTAXES and kind != EXACT:
            touched |= self._draft.public.intersection(names)
        out = {name for name in touched if self._left_out(ListRule(name, EXACT if name in exact else kind))}
        if out:
            exact -= out
            names = [name for name in names if name not in out]
        if exact:
            names = [name for name in names if name not in exact]
            self._batch(EXACT).add_names(sorted(exact))
        if names:
            self._batch(kind).add_names(names)
            if self.report.syntax == "rpz":
                self._note_deep(names)
        self.report.read += len(names) + len(exact)
        for line in rest:
            for value in self._reader.read(line if line.isascii() else ascii_names(line)):
                self._take(value, line)
        for batch in self._batches.values():
            if batch.size >= BATCH_SIZE:
                batch.spill(self._draft.spill)

    def _batch(self, kind: int, allow: bool = False, important: bool = False) -> Batch:
        index = 0 if kind == SPECIAL else self._index
        number = self._draft.classes.number(index, kind, allow, important)
        if number not in self._batches:
            self._batches[number] = Batch(self._draft.salt, number)
        return self._batches[number]

    def _take(self, value: Value, line: bytes) -> None:
        if isinstance(value, Skipped):
            self.report.skip(value.reason, line)
        elif isinstance(value, ListRule) and value.badfilter:
            self._draft.bad.append((self._index, identity(value)))
        elif isinstance(value, ListRule) and value.allow and self._is_suffix(value.key):
            # One list must not take away all that the others refuse below an ending.
            self.report.skip(TOO_BROAD.reason, line)
        elif isinstance(value, ListRule) and value.condition is None:
            if value.key in self._public:
                value.kind = EXACT
            if not self._left_out(value):
                self.report.read += 1
                self._take_plain(value)
        elif isinstance(value, (ListRule, Network)):
            self._take_aside(value, line)

    def _left_out(self, rule: ListRule) -> bool:
        """Whether the rule would block what everybody needs; then it is named."""
        what = self._guarded.why(rule)
        plain = rule.condition is None or rule.condition.pattern is None
        if what is None and plain and rule.kind in (WHOLE, BELOW) and not rule.allow and self._is_suffix(rule.key):
            what = PUBLIC_SUFFIX
        if what is None:
            return False
        self.report.leave_out(what, rule.key if plain or not rule.condition else rule.condition.pattern or rule.key)
        return True

    def _is_suffix(self, key: bytes) -> bool:
        return (b"." not in key and not is_address(key)) or key in self._draft.public

    def _take_plain(self, rule: ListRule) -> None:
        self._draft.side.note(rule.key, rule.kind)
        batch = self._batch(rule.kind, rule.allow, rule.important)
        if self.report.syntax == "rpz":
            if rule.kind == BELOW and len(self._wild) < WILD_MAX:
                self._wild.add(rule.key)
            self._note_deep([rule.key])
        if rule.allow or rule.important:
            batch.add_alone(rule.key)
            if self.report.syntax == "rpz":
                self._take_nodes(rule.key)
        elif b"/" in rule.key:
            batch.add_page(rule.key)
            if not leads_elsewhere(rule.key):
                self._take_host(split_authority(rule.key[: rule.key.find(b"/")])[0], rule.key)
        elif rule.kind == EXACT and is_address(rule.key):
            batch.add_alone(rule.key)
        else:
            batch.add_names([rule.key])

    def _take_nodes(self, name: bytes) -> None:
        """A name that passes is there, and so are those between it and the zone (RFC 4592 section 2.2.2)."""
        nodes = self._batch(NODE, True)
        for key in suffixes(name)[:NODES_MAX]:
            if not self._is_suffix(key):
                nodes.add_alone(key)

    def _note_deep(self, names: list[bytes]) -> None:
        if len(self._deep) < WILD_MAX:
            self._deep.update([name for name in names if name.count(b".") > 1])

    def _take_listed_nodes(self) -> None:
        """A listed name is there as well, and so are those between it and a wildcard above (RFC 4592 section 2.2.2)."""
        nodes: set[bytes] = set()
        for name in self._deep if self._wild else ():
            keys = suffixes(name)[:NODES_MAX]
            highest = max([at for at, key in enumerate(keys) if at and key in self._wild], default=0)
            # One with a wildcard and a line of its own is decided by these.
            nodes.update([key for key in keys[:highest] if key not in self._wild or key not in self._deep])
        for key in sorted(nodes):
            self._batch(NODE, True).add_alone(key)

    def _take_host(self, host: bytes, page: bytes) -> None:
        """A page is listed: its host as well, unless that may carry much else."""
        shared = self._draft.shared
        if shared is None or host in self._hosts:
            return
        if len(self._hosts) >= HOSTS_KNOWN:
            self._hosts.clear()
        why = shared.why(host)
        if why in WEAK and self._enough(host, page):
            why = None
        elif why in WEAK:
            return
        self._hosts.add(host)
        if why is None and not self._guarded.why(ListRule(host, EXACT)):
            self._batch(HOST).add_names([host])

    def _enough(self, host: bytes, page: bytes) -> bool:
        """Whether so many different pages are listed that they speak for the host."""
        if len(self._evidence) >= HOSTS_KNOWN and host not in self._evidence:
            return False
        pages = self._evidence.setdefault(host, set())
        pages.add(hash(page.split(b"?", 1)[0]))
        return len(pages) >= PAGES_MIN

    def _take_aside(self, rule: ListRule | Network, line: bytes) -> None:
        side = self._draft.side
        if len(side.special) + len(side.networks) >= SIDE_MAX:
            self.report.skip(TOO_MANY.reason, line)
            return
        if isinstance(rule, Network):
            self.report.read += 1
            side.networks.append((rule, self._index))
            return
        number = self._draft.classes.number(self._index, rule.kind, rule.allow, rule.important)
        if not side.room_for(rule.key):
            self.report.skip(SAME_KEY.reason, line)
            return
        if self._left_out(rule):
            return
        side.add_special(rule, number)
        self.report.read += 1
        side.note(rule.key, rule.kind)
        self._batch(SPECIAL).add_alone(rule.key)


def _syntax(source: Source, file: TextFile) -> str:
    sample = _sample(file)
    file.rewind()
    file.skip_to(len(_BOM) if sample.startswith(_BOM) else 0)
    if source.syntax is None:
        return detect(sample if sample.isascii() else b"\n".join(map(ascii_names, sample.split(b"\n"))))
    refuse_page(sample)
    return source.syntax


def ascii_names(line: bytes) -> bytes:
    """The line with its names as A-labels; as it is where it has a path, or what is there is no name."""
    try:
        text = line.decode()
        return line if "/" in text else _FOREIGN.sub(lambda match: to_ascii(match[0]), text).encode()
    except (UnicodeError, BadInput):
        return line


def _sample(file: TextFile) -> bytes:
    """Whole lines of the list's head, middle and end: sorted lists have their names first and their pages last."""
    size = file.size
    if size <= SAMPLE_SIZE:
        return file.read(size)
    piece = SAMPLE_SIZE // 3
    parts = []
    for at in (0, (size - piece) // 2, size - piece):
        file.skip_to(at)
        part = file.read(piece)
        parts.append(part[: part.rfind(b"\n") + 1] if at == 0 else part[part.find(b"\n") + 1 : part.rfind(b"\n") + 1])
    return b"".join(parts)
