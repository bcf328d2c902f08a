"""A compiled set of rules: one file, looked up where it lies; a million names cost the reader a quarter megabyte.

Layout, all numbers big-endian on every machine (offsets are from the file's start):

    0    magic, format (u16), zero (u16), size of the index (u32)
    16   salt (16 bytes)
    32   size of the file (u64), offset of the meta block (u64)
    48   SHA-256 of the digests of the body's blocks of 64 KiB
    80   SHA-256 of the digests of bytes 0..79, of the index and of the meta block
    112  index: 65,537 offsets (u32) of the buckets; bucket i ends where i + 1 begins
         body: the buckets, then the side tables
         meta: JSON: the lists, what the class bytes stand for, where the side tables are

A key (a name, an address, host/path) has the digest SHA-256(salt + key). Its first 16 bits are the bucket's number; the
next 40 and a class byte are its entry. The class byte stands for a set of lists, a kind and an action (meta:
"classes"): a key is known for all lists that have it, since each device has its own choice of them. Where that takes
more class bytes than there are, the rarest sets are several entries.
Side tables hold what needs more than a key: each list's networks (first address, last) and rules with conditions (the
first 8 bytes of the digest of their key, place and size of a JSON record); the latter's keys have an entry, too, so
that a look-up comes across them.

How often is a name refused that no list holds? A key that is not in the set matches by chance with probability
n / 2^56 for n entries: 1.4e-11 for a million. A household that asks for 50,000 new names a day with two probes each
makes 36.5 million probes a year: one wrong block in some 1,900 years (1,000,000 entries), 650 years with three
million. Nobody can bring one about: the salt is the router's own and never leaves it. Entries of one set that fall on
the same 56 bits cost nothing but the list's name in one explanation.
"""

import struct

from agent.core import jsontext
from agent.core.addresses import show
from agent.core.condition import load
from agent.core.match import (
    ALLOWING,
    BELOW,
    EXACT,
    HOST,
    NODE,
    SPECIAL,
    WHOLE,
    Match,
    best,
    join_authority,
    network_text,
    page_ends,
    split_authority,
)
from agent.core.model import ALLOW, BLOCK, BadInput, Rule, Verdict
from agent.core.names import suffixes
from agent.core.shapes import Dumped, File, Json, ReadAt, Sha256
from agent.core.sniffed_request import normal
from agent.core.sorted_rows import SortedRows

MAGIC = b"\x93PARS\r\n\x1a"
FORMAT = 2
HEAD = ">8sHHI16sQQ32s"
HEAD_SIZE = 80
INDEX_START = 112
BUCKETS = 65536
INDEX_SIZE = 4 * (BUCKETS + 1)
ENTRY = 6  # 40 bits of the digest and the class byte
CLASSES_MAX = 255
EVERY_LIST = -1  # a mask has bit n for list n
META_MAX = 1 << 20  # a list's meta takes some 300 bytes, and there are at most CLASSES_MAX of them
BLOCK_SIZE = 65536  # the body's checksum is made over blocks, so that it needs neither the whole file nor a hash object
SPECIAL_ROW = ">8sII"
RECORD_MAX = 16384  # of a rule with conditions: its line has 4,096 bytes at most, which the record has twice
RECORDS_KEPT = 256  # read lately, half a kilobyte each: an ending that many rules are about is met again and again
# What reading a damaged record raises; it is skipped and counted, and the look-up goes on without it.
_DAMAGE = (ValueError, IndexError, KeyError, TypeError, AttributeError, BadInput)
# What reading the meta block raises: of another form, nested too deeply, numbers that no file has.
_NO_META = (ValueError, IndexError, KeyError, TypeError, AttributeError, RuntimeError, OverflowError)
_TEXTS = ("id", "name", "version", "category")  # of a list


class Ruleset:
    """Looks names up in a compiled file; keeps the index (256 KiB) and the lists' meta in memory, nothing else.

    `file` is opened for reading and unbuffered: each probe is one small read, which the page cache answers. `read_at`
    is a function (size, offset) → bytes that reads it; without one the file is sought and read. `sha256` is a function
    bytes → 32 bytes. A foreign, truncated or damaged file is BadInput; the body's checksum is left to `verify`, so that
    loading does not read it. With `close` the set ends.
    """

    def __init__(self, file: File, sha256: Sha256, read_at: ReadAt | None = None) -> None:
        self.close = file.close
        self._records: dict[int, Dumped] = {}
        self.damaged = 0  # entries and records that were skipped because they could not be read
        self._read_at = read_at or _seeking(file)
        self._sha256 = sha256
        head = self._read(0, INDEX_START)
        magic, version, _, index_size, salt, size, meta_at, self._body = struct.unpack(HEAD, head[:HEAD_SIZE])
        if magic != MAGIC:
            raise BadInput("this is not a compiled rule set")
        if version != FORMAT:
            raise BadInput("a rule set of format " + str(version) + ", and this version reads " + str(FORMAT))
        if file.seek(0, 2) != size:
            raise BadInput("the rule set is cut short: the file has not the size that its head names")
        if index_size != INDEX_SIZE or not INDEX_START + INDEX_SIZE <= meta_at <= size <= meta_at + META_MAX:
            raise BadInput("the rule set's head is damaged")
        self._index = self._read(INDEX_START, INDEX_SIZE)
        meta = self._read(meta_at, size - meta_at)
        if sha256(sha256(head[:HEAD_SIZE]) + sha256(self._index) + sha256(meta)) != head[HEAD_SIZE:]:
            raise BadInput("the rule set is damaged: its head and index do not have their checksum")
        self._salt = salt
        self._meta_at = meta_at
        try:
            self._learn(jsontext.loads(meta.decode()))
        except _NO_META as error:
            raise BadInput("the rule set was made by another version: its meta block has another form") from error

    def _learn(self, meta: Json) -> None:
        self.lists = meta["lists"]
        for of in self.lists:
            b"".join([of[key].encode() for key in _TEXTS])
            if not isinstance(of["count"], int) or not isinstance(of["fetched"] or 0, int):
                raise ValueError("a list without its numbers")
        self._allowing = tuple([at for at in range(len(self.lists)) if self.lists[at]["category"] == ALLOWING])
        self.count = meta["count"]
        self._classes = [(tuple(entry[0]), entry[1], entry[2], entry[3]) for entry in meta["classes"]]
        for indexes, kind, allow, important in self._classes:
            if not indexes or not all([isinstance(index, int) and 0 <= index < len(self.lists) for index in indexes]):
                raise ValueError("a class of lists that are not there")
            if not isinstance(kind, int) or not isinstance(allow, bool) or not isinstance(important, bool):
                raise TypeError("a class of no kind")
        # With refusals of names only, the first one met on the walk up is the most specific and decides.
        self._plain = all([of[1] != SPECIAL and not of[2] and not of[3] for of in self._classes])
        self._top_level = meta["top_level"]
        self._pages = meta["pages"]
        self._addresses = meta["addresses"]
        tables = meta["tables"]
        self._special = self._rows(tables["special"], struct.calcsize(SPECIAL_ROW), 8)
        self._networks = {size: self._of_lists(tables["networks" + str(size)], size) for size in (4, 16)}
        self.has_addresses = bool(self._addresses or self._networks[4] or self._networks[16])

    def _of_lists(self, found: list[list[int]], size: int) -> list[tuple[int, SortedRows]]:
        """The list's index and its networks, for each list that has some."""
        return [(table[2], self._rows(table, 2 * size, size)) for table in found]

    def _rows(self, table: list[int], size: int, key_size: int) -> SortedRows:
        return SortedRows(self._read, table[0], table[1], size, key_size)

    def _read(self, at: int, size: int) -> bytes:
        data: bytes = self._read_at(size, at)
        if len(data) != size:
            raise BadInput("the rule set is cut short")
        return data

    def find(
        self, name: bytes, qtype: int = 0, lists: int = EVERY_LIST, keys: list[bytes] | None = None
    ) -> Match | None:
        """The rule of the lists in the mask `lists` that decides over a canonical name or an address's text, or None.

        `qtype` is the record type asked for, 0 if not by DNS; `keys` are the name's suffixes, if somebody has them.
        Probes the name and its parents of two labels or more; written out flat because every query that is not in the
        cache comes through here.
        """
        salt, index, sha256, unpack_from = self._salt, self._index, self._sha256, struct.unpack_from
        if keys is None:
            keys = suffixes(name)
        left_out = None if self._top_level or len(keys) < 2 else keys[-1]
        for key in keys:
            if key is left_out:
                break
            digest = sha256(salt + key)
            number, rest = unpack_from(">H5s", digest)
            start, end = unpack_from(">II", index, number << 2)
            if start != end:
                bucket = self._read_at(end - start, start)
                # `in` makes an exception of its own for each that is not there.
                if bucket.find(rest) >= 0:
                    found = self._fitting(bucket, digest, key, name, qtype, lists)
                    if found:
                        # What a parent's rule says matters only where it can outrank a block.
                        if self._plain:
                            return found[0] if len(found) == 1 else best(found)
                        return best(self.matches(name, qtype, lists), self._allowing)
        return None

    def matches(self, name: bytes, qtype: int = 0, lists: int = EVERY_LIST) -> list[Match]:
        """All rules that fit a name, also those that another one outranks."""
        found = []
        for key in suffixes(name):
            found += self._having(key, name, qtype, lists)
        return found

    def _having(self, key: bytes, name: bytes, qtype: int = 0, lists: int = EVERY_LIST) -> list[Match]:
        """The rules with that key that fit the name (the key itself or one below it)."""
        digest = self._sha256(self._salt + key)
        start, end = struct.unpack_from(">II", self._index, (digest[0] << 8 | digest[1]) << 2)
        return self._fitting(self._read(start, end - start), digest, key, name, qtype, lists)

    def _fitting(self, bucket: bytes, digest: bytes, key: bytes, name: bytes, qtype: int, lists: int) -> list[Match]:
        kinds = (WHOLE, EXACT, HOST, NODE) if key == name else (WHOLE, BELOW, NODE)
        found = []
        classes, rest = self._classes, digest[2:7]
        at = bucket.find(rest)
        while at >= 0:
            if at % ENTRY == 0 and bucket[at + 5] >= len(classes):
                self.damaged += 1
            elif at % ENTRY == 0:
                indexes, kind, allow, important = classes[bucket[at + 5]]
                if kind in kinds:
                    for index in indexes:
                        if lists >> index & 1:
                            found.append(Match(key, kind, index, allow, important))
                elif kind == SPECIAL:
                    found += self._conditional(digest, key, name, qtype, kinds, lists)
            at = bucket.find(rest, at + 1)
        return found

    def _conditional(
        self, digest: bytes, key: bytes, name: bytes, qtype: int, kinds: tuple[int, ...], lists: int
    ) -> list[Match]:
        found = []
        for row in self._special.equal(digest[:8]):
            try:
                match = self._record(row, key, name, qtype, kinds)
            except _DAMAGE:
                self.damaged += 1
            else:
                found += [match] if match is not None and lists >> match.list & 1 else []
        return found

    def _record(self, row: bytes, key: bytes, name: bytes, qtype: int, kinds: tuple[int, ...]) -> Match | None:
        _, place, size = struct.unpack(SPECIAL_ROW, row)
        known = self._records.get(place)
        if known is None:
            if size > RECORD_MAX:
                raise BadInput("a record is longer than any")
            own_key, number, dumped = jsontext.loads(self._read(place, size).decode())
            if len(self._records) >= RECORDS_KEPT:
                self._records.clear()
            known = self._records[place] = [own_key, self._classes[number], load(dumped)]
        own_key, ((list_index,), kind, allow, important), condition = known
        if own_key != key.decode() or kind not in kinds or not condition.holds(name, qtype):
            return None
        return Match(key, kind, list_index, allow, important, condition.text)

    def find_address(self, packed: bytes, lists: int = EVERY_LIST) -> Match | None:
        """The rule of the lists in the mask that decides over an address (4 or 16 bytes), or None."""
        found = []
        if self._addresses:
            found = self.matches(show(packed).encode(), 0, lists)
        size = len(packed)
        for index, networks in self._networks[size]:
            row = networks.at_most(packed) if lists >> index & 1 else None
            if row is not None and packed <= row[size:]:
                found.append(Match(network_text(row[:size], row[size:]), EXACT, index))
        return best(found, self._allowing)

    def find_page(self, authority: bytes, target: bytes, lists: int = EVERY_LIST) -> Match | None:
        """The rule of the lists in the mask that decides over a URL.

        `authority` is a canonical name, an address's text (IPv6 in brackets) or either with `:port` (80 and 443 left
        out), `target` the path and query as they are in the request. Keys and targets are compared in the form of
        `sniffed_request.normal`.
        """
        host, port = split_authority(authority)
        target = normal(target)
        found = self.matches(host, 0, lists)
        if self._pages:
            # Exact URLs heed case, as servers do; Adblock rules do not.
            page = authority + target
            found += [match for match in self._having(page, page, 0, lists) if match.kind == EXACT]
            lower = target.lower()
            ends = page_ends(lower)
            for suffix in suffixes(host):
                site = join_authority(suffix, port)
                for end in ends:
                    having = self._having(site + lower[:end], authority + lower, 0, lists)
                    found += [match for match in having if match.kind == WHOLE]
        return best(found, self._allowing)

    def rule(self, match: Match) -> Rule:
        """The match as a rule that explains itself."""
        of = self.lists[match.list]
        action = ALLOW if match.allow else BLOCK
        return Rule(match.text, action, of["id"], of["name"], of["version"], of["category"], "list", match.important)

    def verdict(self, match: Match) -> Verdict:
        return Verdict(ALLOW if match.allow else BLOCK, self.rule(match))

    def _verdict(self, match: Match | None) -> Verdict | None:
        return None if match is None else self.verdict(match)

    def decide(self, name: bytes, qtype: int = 0, lists: int = EVERY_LIST) -> Verdict | None:
        """The verdict of the lists in the mask over a canonical name, or None if none of them has a rule for it."""
        return self._verdict(self.find(name, qtype, lists))

    def decide_page(self, authority: bytes, target: bytes, lists: int = EVERY_LIST) -> Verdict | None:
        """The lists' verdict over a URL (see `find_page`), or None."""
        return self._verdict(self.find_page(authority, target, lists))

    def decide_addresses(self, addresses: list[bytes], lists: int = EVERY_LIST) -> Verdict | None:
        """The first refusal among the addresses of an answer (4 or 16 bytes each), or None."""
        for packed in addresses:
            verdict = self._verdict(self.find_address(packed, lists))
            if verdict is not None and verdict.blocked:
                return verdict
        return None

    def verify(self) -> None:
        """Read the whole file; BadInput if the body does not have its checksum."""
        start = INDEX_START + INDEX_SIZE
        sizes = range(start, self._meta_at, BLOCK_SIZE)
        digests = [self._sha256(self._read(at, min(BLOCK_SIZE, self._meta_at - at))) for at in sizes]
        if self._sha256(b"".join(digests)) != self._body:
            raise BadInput("the rule set is damaged: its rules do not have their checksum")


def _seeking(file: File) -> ReadAt:
    def read_at(size: int, offset: int) -> bytes:
        file.seek(offset)
        data: bytes = file.read(size)
        return data

    return read_at
