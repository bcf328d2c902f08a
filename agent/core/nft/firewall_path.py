"""What a firewall's input chains do with a new DNS query, or connection, from an interface, walked as the kernel would.

A condition that can't be known of a query that was never sent (its source, a limit) may hold or not: both ways are
walked. What is said to be closed is closed whichever it is. Of several values side by side, those that are known
decide: no element of another port is found, whoever asks.
"""

import struct

from agent.core import expressions as nft
from agent.core import nftables
from agent.core.model import BadInput, Value
from agent.core.netlink import DUMP, Message, NetlinkReply, attributes, pairs, text
from agent.core.nft.known_bytes import between, masked, same, swapped, turned, whole
from agent.core.nft.set_elements import SetElement, found
from agent.core.shapes import ElementsOf, FieldsOf, KnownBytes, RulesOf

_CHAIN, _RULE, _ELEMENTS = 3, 6, 12  # NFT_MSG_NEW*, what dumps consist of; the request is the next number
_GENERATION, _GET_GENERATION = 15, 16
_WORD, _REGISTER_BYTES = 4, 16  # what registers 8 to 23 hold, and 1 to 4, in the same 64 bytes
_ALL_ELSE = 2  # NFT_SET_ELEM_CATCHALL
_NFTABLES = 10 << 8
_FAMILIES = (nftables.INET, nft.INET4, nft.INET6)
_FILTER = b"filter\0"
_DROP, _ACCEPT, _JUMP, _GOTO, _RETURN = 0, 1, -3, -4, -5
_IIF = 4
_DNS = 53
_LET_IN, _KEPT_OUT, _COMES_OUT = 1, 2, 4
_ENDS: "dict[int | None, int]" = {_ACCEPT: _LET_IN, _DROP: _KEPT_OUT, _RETURN: _COMES_OUT}
_DEPTH_MAX = 16  # jumps, as in the kernel
_INTERVAL_END = 1
_SILENT = ("counter", "log", "notrack", "objref", "last")


class InputChain(Value):
    """A base chain of type filter at the input hook, as long as it may let pass or drop."""

    __slots__ = ("family", "table", "name", "drops")

    def __init__(self, family: int, table: str, name: str, drops: bool) -> None:
        self.family = family
        self.table = table
        self.name = name
        self.drops = drops


# --- asking


def generation() -> Message:
    """Asks for the number that each change of any rule raises."""
    return Message(_NFTABLES | _GET_GENERATION, 0, bytes(4))


def generation_of(answers: "list[NetlinkReply]") -> bytes:
    return b"".join([attributes(a.body[4:]).get(1, b"") for a in answers if a.type == _NFTABLES | _GENERATION])


def chains() -> Message:
    return Message(_NFTABLES | _CHAIN + 1, DUMP, bytes(4))


def chains_of(answers: "list[NetlinkReply]", without: str) -> "list[InputChain]":
    """The chains that queries pass, but for those of one table. BadInput."""
    found = []
    for answer in answers:
        if answer.type != _NFTABLES | _CHAIN or answer.body[:1] not in (bytes([family]) for family in _FAMILIES):
            continue
        chain = attributes(answer.body[4:])
        hook = attributes(chain.get(4, b"")).get(1)
        name = _text(chain.get(1, b""))
        if hook == struct.pack(">I", nftables.INPUT) and chain.get(7) == _FILTER and name != without:
            drops = chain.get(5) == struct.pack(">I", _DROP)
            found.append(InputChain(answer.body[0], name, _text(chain.get(3, b"")), drops))
    return found


def rules(family: int, table: str, chain: str) -> Message:
    return Message(_NFTABLES | _RULE + 1, DUMP, bytes([family, 0, 0, 0]) + text(1, table) + text(2, chain))


def rules_of(answers: "list[NetlinkReply]") -> "list[list[tuple[str, dict[int, bytes]]]]":
    """Each rule as its expressions: (name, attributes). BadInput."""
    found = []
    for answer in answers:
        if answer.type == _NFTABLES | _RULE:
            listed = pairs(attributes(answer.body[4:]).get(4, b""))
            expressions = [attributes(item) for _, item in listed]
            found.append([(_text(one.get(1, b"")), attributes(one.get(2, b""))) for one in expressions])
    return found


def elements(family: int, table: str, name: str) -> Message:
    return Message(_NFTABLES | _ELEMENTS + 1, DUMP, bytes([family, 0, 0, 0]) + text(1, table) + text(2, name))


def elements_of(answers: "list[NetlinkReply]") -> "list[SetElement]":
    """In the order of keys; where one interval ends and another begins, the end comes first. BadInput."""
    found = []
    for answer in answers:
        if answer.type == _NFTABLES | _ELEMENTS:
            for _, item in pairs(attributes(answer.body[4:]).get(3, b"")):
                one = attributes(item)
                flags = _number(one.get(3, b""))
                key, last = [attributes(one.get(at, b"")).get(1, b"") for at in (1, 10)]
                found.append(
                    SetElement(b"" if flags & _ALL_ELSE else key, last, one.get(2, b""), bool(flags & _INTERVAL_END))
                )
    return sorted(found, key=lambda one: (one.key, not one.ends))


# --- walking


class PathWalk:
    """One query's way. `rules_of(chain)` and `elements_of(set)` read what stands in the chain's table.

    `way` is (INET4 or INET6, UDP or TCP); `redirected`: it was sent to a resolver elsewhere and comes in by destination
    NAT.
    """

    def __init__(
        self,
        interface: str,
        index: int,
        way: "tuple[int, int]",
        redirected: bool,
        rules_of: RulesOf,
        elements_of: ElementsOf,
        port: int = _DNS,
    ) -> None:
        self._family, protocol = way
        self._rules_of = rules_of
        self._elements_of = elements_of
        self._meta = {
            _IIF: nft.host32(index),
            nft.IIFNAME: nft.interface(interface),
            nft.IIFTYPE: nft.host16(nft.ETHERNET),
            nft.L4PROTO: bytes([protocol]),
            nft.NFPROTO: bytes([self._family]),
        }
        self._ct = {
            nft.CT_STATE: nft.host32(nft.CT_STATE_NEW),
            nft.CT_STATUS: nft.host32(nft.DNAT if redirected else 0),
        }
        # (header, offset) -> byte: the protocol, where no header stands between, and the port that is asked.
        self._packet = {
            (nft.NETWORK, 9 if self._family == nft.INET4 else 6): protocol,
            (nft.TRANSPORT, 2): port >> 8,
            (nft.TRANSPORT, 3): port & 0xFF,
        }

    def closed(self, chain: InputChain) -> bool:
        """Whether the chain keeps the query out for sure; one of another family does not see it."""
        if chain.family not in (nftables.INET, self._family):
            return False
        ends = self._ends(chain.name, 0)
        return not ends & _LET_IN and (chain.drops or not ends & _COMES_OUT)

    def _ends(self, chain: str, depth: int) -> int:
        """All that may become of the query in the chain: _LET_IN, _KEPT_OUT, _COMES_OUT at its end, or several."""
        if depth > _DEPTH_MAX:
            return _LET_IN
        ends = 0
        for rule in self._rules_of(chain):
            sure, verdicts = _Rule(self, rule).verdicts()
            goes_on = not sure
            for verdict in verdicts:
                here, behind = self._after(verdict, depth)
                ends |= here
                goes_on = goes_on or behind
            if not goes_on:
                return ends
        return ends | _COMES_OUT

    def _after(self, verdict: bytes, depth: int) -> "tuple[int, bool]":
        """What may become of the query by a verdict, and whether it may go on to the rule behind."""
        code, target = _verdict(verdict)
        if code == _JUMP:
            inner = self._ends(target, depth + 1)
            return inner & ~_COMES_OUT, bool(inner & _COMES_OUT)
        if code == _GOTO:
            return self._ends(target, depth + 1), False
        ends = _ENDS.get(code, 0)
        return ends, not ends

    def fact(self, name: str, data: "dict[int, bytes]") -> KnownBytes:
        """What an expression loads of this query, as far as it is known."""
        if name == "payload":
            header, offset, length = [_number(data.get(at, b"")) for at in (2, 3, 4)]
            return [self._packet.get((header, offset + at)) for at in range(min(length, _REGISTER_BYTES * 4))]
        known = {"meta": self._meta, "ct": self._ct}.get(name, {})
        return list(known.get(_number(data.get(2, b"")), b""))

    def found(self, set_name: str, fields_of: FieldsOf) -> "tuple[bool, list[bytes]]":
        return found(self._elements_of(set_name), fields_of)


class _Rule:
    """One rule against the query: the registers' bytes, and whether all conditions surely hold."""

    def __init__(self, walk: PathWalk, rule: "list[tuple[str, dict[int, bytes]]]") -> None:
        self._walk = walk
        self._rule = rule
        self._registers: dict[int, KnownBytes] = {}  # by the word that a value begins at
        self._sure = True

    def verdicts(self) -> "tuple[bool, list[bytes]]":
        """(whether one surely applies, the data of each that may); none when it does not apply or decides nothing."""
        for name, data in self._rule:
            if name == "reject" or (name == "target" and _text(data.get(1, b"")) == "REJECT"):
                return self._sure, [_DROPPED]
            if name == "immediate" and _number(data.get(1, b"")) == 0:
                return self._sure, [data.get(2, b"")]
            if name == "lookup" and _number(data.get(3, b"\xff")) == 0:
                sure, meant = self._listed(data)
                return self._sure and sure, meant
            if name not in _SILENT and not self._holds(name, data):
                return False, []
        return False, []

    def _holds(self, name: str, data: "dict[int, bytes]") -> bool:
        """Takes in an expression; False when it is a condition that does not hold."""
        if name == "cmp":
            return self._believe(self._compared(data))
        if name == "range":
            low, high = [attributes(data.get(at, b"")).get(1, b"") for at in (3, 4)]
            return self._believe(turned(between(self._at(data.get(1, b"")), low, high), _number(data.get(2, b""))))
        if name == "lookup":
            return self._looked_up(data)
        if name == "bitwise":
            mask, then = [attributes(data.get(at, b"")).get(1, b"") for at in (4, 5)]
            self._put(data.get(2, b""), masked(self._at(data.get(1, b"")), mask, then))
        elif name in ("meta", "payload", "ct"):
            self._put(data.get(1, b""), self._walk.fact(name, data))
        elif name == "byteorder":
            self._put(data.get(2, b""), swapped(self._at(data.get(1, b"")), _number(data.get(5, b""))))
        elif name == "immediate":
            self._put(data.get(1, b""), list(attributes(data.get(2, b"")).get(1, b"")))
        else:
            # Whatever else may end the rule, and what it writes is not known.
            self._registers.clear()
            self._sure = False
        return True

    def _believe(self, holds: "bool | None") -> bool:
        self._sure = self._sure and holds is not None
        return holds is not False

    def _at(self, register: bytes) -> KnownBytes:
        return self._registers.get(_word(register), [])

    def _put(self, register: bytes, value: KnownBytes) -> None:
        """An empty one may be as long as a name: nothing of what stood there is known any more."""
        word = _word(register)
        ends = word + _words(value or [None] * _REGISTER_BYTES)
        for other in list(self._registers):
            if other < ends and word < other + _words(self._registers[other]):
                del self._registers[other]
        self._registers[word] = value

    def _compared(self, data: "dict[int, bytes]") -> "bool | None":
        value, wanted = self._at(data.get(1, b"")), attributes(data.get(3, b"")).get(1, b"")
        operator = _number(data.get(2, b""))
        if operator <= 1:
            return turned(same(value, wanted), operator)
        own = whole(value)
        if not own or len(own) != len(wanted):
            return None
        return {2: own < wanted, 3: own <= wanted, 4: own > wanted, 5: own >= wanted}.get(operator)

    def _looked_up(self, data: "dict[int, bytes]") -> bool:
        sure, meant = self._listed(data)
        if 3 in data:  # a map's value; without one the rule ends
            self._put(data[3], [])
        inside = True if sure else None if meant else False
        return self._believe(turned(inside, _number(data.get(5, b""))))

    def _listed(self, data: "dict[int, bytes]") -> "tuple[bool, list[bytes]]":
        """What the walk found of the values that stand side by side from a register on."""
        word = _word(data.get(2, b""))
        return self._walk.found(_text(data.get(1, b"")), lambda size: self._fields(word, size))

    def _fields(self, word: int, size: int) -> "list[KnownBytes]":
        """So many bytes of registers, by value; several are each filled up to whole words."""
        found: list[KnownBytes] = []
        while size > 0:
            value = self._registers.get(word) or [None] * _WORD
            word += _words(value)
            found.append((value + [0] * (-len(value) % _WORD))[:size])
            size -= len(found[-1])
        return found


def _word(register: bytes) -> int:
    """Where a register begins, in words: 1 to 4 are four words each, 8 to 23 one."""
    number = _number(register)
    return number - 8 if number >= 8 else (number - 1) * _REGISTER_BYTES // _WORD


def _words(value: KnownBytes) -> int:
    return max(1, (len(value) + _WORD - 1) // _WORD)


_DROPPED = nft.verdict(_DROP)


def _verdict(data: bytes) -> "tuple[int | None, str]":
    """(code, chain of a jump) of NFTA_DATA_VERDICT; None when there is none."""
    found = attributes(attributes(data).get(2, b""))
    if len(found.get(1, b"")) != 4:
        return None, ""
    return struct.unpack(">i", found[1])[0], _text(found.get(2, b""))


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _text(data: bytes) -> str:
    try:
        return data.rstrip(b"\0").decode()
    except UnicodeError as error:
        raise BadInput("a name that is no text") from error
