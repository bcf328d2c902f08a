"""A compiled set of rules: one file, looked up where it lies; a million names cost the reader a quarter megabyte.

Layout, all numbers big-endian on every machine (offsets are from the file's start):

    0    magic, format (u16), zero (u16), size of the index (u32)
    16   salt (16 bytes)
    32   size of the file (u64), offset of the meta block (u64)
    48   SHA-256 of the digests of the body's blocks of 64 KiB
    80   SHA-256 of the digests of bytes 0..79, of the index and of the meta block
    112  index: 65,537 offsets (u32) of the buckets; bucket i ends where i + 1 begins
         body: the buckets, then the side tables
         meta: JSON, the lists and what the class bytes stand for

A key (a name, an address, host/path) has the digest SHA-256(salt + key). Its first 16 bits are the bucket's number; the
next 40 and a class byte are its entry. The class byte stands for a list, a kind and an action (meta: "classes").

How often is a name refused that no list holds? A key that is not in the set matches by chance with probability
n / 2^56 for n entries: 1.4e-11 for a million. A household that asks for 50,000 new names a day with two probes each
makes 36.5 million probes a year: one wrong refusal in some 1,900 years (1,000,000 entries), 650 years with three
million. Nobody can bring one about: the salt is the router's own and never leaves it. Entries of one set that fall on
the same 56 bits cost nothing but the list's name in one explanation.
"""

import json
import struct

from agent.core.model import ALLOW, BLOCK, BadInput, Rule, Value, Verdict
from agent.core.rules import BELOW, EXACT, WHOLE

MAGIC = b"\x93PARS\r\n\x1a"
FORMAT = 1
HEAD = ">8sHHI16sQQ32s"
HEAD_SIZE = 80
INDEX_START = 112
BUCKETS = 65536
INDEX_SIZE = 4 * (BUCKETS + 1)
ENTRY = 6  # 40 bits of the digest and the class byte
CLASSES_MAX = 255
META_MAX = 1 << 20  # a list's meta takes some 300 bytes, and there are at most CLASSES_MAX of them
BLOCK_SIZE = 65536  # the body's checksum is made over blocks, so that it needs neither the whole file nor a hash object


class Match(Value):
    """The rule of a list that decides: its key, its kind, the list's index, whether it allows, whether important."""

    __slots__ = ("key", "kind", "list", "allow", "important")

    def __init__(self, key: bytes, kind: int, list: int, allow: bool = False, important: bool = False) -> None:
        self.key = key
        self.kind = kind
        self.list = list
        self.allow = allow
        self.important = important

    @property
    def text(self) -> str:
        """The rule as people write it: `name`, `=name` for the name alone, `*.name` for those below it."""
        mark = ("", "=", "*.")[self.kind]
        return ("@@" if self.allow else "") + mark + self.key.decode()


class Ruleset:
    """Looks names up in a compiled file; keeps the index (256 KiB) and the lists' meta in memory, nothing else.

    `file` is opened for reading, unbuffered where it can be: each probe is one seek and one small read, which the page
    cache answers. `sha256` is a function bytes → 32 bytes. A foreign, truncated or damaged file is BadInput; the body's
    checksum is left to `verify`, so that loading does not read it.
    """

    def __init__(self, file, sha256) -> None:  # type: ignore[no-untyped-def]
        self._file = file
        self._sha256 = sha256
        head = _read(file, 0, INDEX_START)
        magic, version, _, index_size, salt, size, meta_at, self._body = struct.unpack(HEAD, head[:HEAD_SIZE])
        if magic != MAGIC:
            raise BadInput("this is not a compiled rule set")
        if version != FORMAT:
            raise BadInput("a rule set of format " + str(version) + ", and this version reads " + str(FORMAT))
        if file.seek(0, 2) != size:
            raise BadInput("the rule set is cut short: the file has not the size that its head names")
        if index_size != INDEX_SIZE or not INDEX_START + INDEX_SIZE <= meta_at <= size <= meta_at + META_MAX:
            raise BadInput("the rule set's head is damaged")
        self._index = _read(file, INDEX_START, INDEX_SIZE)
        meta = _read(file, meta_at, size - meta_at)
        if sha256(sha256(head[:HEAD_SIZE]) + sha256(self._index) + sha256(meta)) != head[HEAD_SIZE:]:
            raise BadInput("the rule set is damaged: its head and index do not have their checksum")
        self._salt = salt
        self._meta_at = meta_at
        self._learn(json.loads(meta.decode()))

    def _learn(self, meta: dict) -> None:  # type: ignore[type-arg]
        self.lists = meta["lists"]
        self.count = meta["count"]
        self._classes = [tuple(entry) for entry in meta["classes"]]

    def find(self, name: bytes) -> Match | None:
        """The rule of the lists that decides over a canonical name, or None.

        Probes the name and its parents of two labels or more; written out flat because every query not in the
        cache comes through here.
        """
        salt, index, sha256, file = self._salt, self._index, self._sha256, self._file
        at = 0
        stop = name.rfind(b".") + 1
        while at < stop:
            digest = sha256(salt + name[at:])
            start, end = struct.unpack_from(">II", index, (digest[0] << 8 | digest[1]) << 2)
            if start != end:
                file.seek(start)
                bucket = file.read(end - start)
                if bucket.find(digest[2:7]) >= 0:
                    match = self._match(bucket, digest[2:7], name[at:], at == 0)
                    if match is not None:
                        return match
            at = name.find(b".", at) + 1
        return None

    def _match(self, bucket: bytes, print40: bytes, key: bytes, own: bool) -> Match | None:
        for number in entries(bucket, print40):
            list_index, kind = self._classes[number][:2]
            if kind == WHOLE or kind == (EXACT if own else BELOW):
                return Match(key, kind, list_index)
        return None

    def rule(self, match: Match) -> Rule:
        """The match as a rule that explains itself."""
        of = self.lists[match.list]
        action = ALLOW if match.allow else BLOCK
        return Rule(match.text, action, of["id"], of["name"], of["version"], of["category"], "list", match.important)

    def decide(self, name: bytes, qtype: int = 0) -> Verdict | None:  # noqa: ARG002
        """The lists' verdict over a canonical name, or None if no list has a rule for it."""
        match = self.find(name)
        if match is None:
            return None
        return Verdict(ALLOW if match.allow else BLOCK, self.rule(match))

    def verify(self) -> None:
        """Read the whole file; BadInput if the body does not have its checksum."""
        start = INDEX_START + INDEX_SIZE
        sizes = range(start, self._meta_at, BLOCK_SIZE)
        digests = [self._sha256(_read(self._file, at, min(BLOCK_SIZE, self._meta_at - at))) for at in sizes]
        if self._sha256(b"".join(digests)) != self._body:
            raise BadInput("the rule set is damaged: its rules do not have their checksum")


def entries(bucket: bytes, print40: bytes) -> list[int]:
    """The class bytes of a fingerprint's entries in a bucket."""
    found = []
    at = bucket.find(print40)
    while at >= 0:
        if at % ENTRY == 0:
            found.append(bucket[at + 5])
        at = bucket.find(print40, at + 1)
    return found


def _read(file, at: int, size: int) -> bytes:  # type: ignore[no-untyped-def]
    file.seek(at)
    data: bytes = file.read(size)
    if len(data) != size:
        raise BadInput("the rule set is cut short")
    return data
