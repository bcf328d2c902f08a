"""What a firewall's input chains do with a new DNS query, or connection, from an interface, walked as the kernel would.

A condition that can't be known of a query that was never sent (its source, a limit) may hold or not: both ways are
walked. What is said to be closed is closed whichever it is.
"""

import struct

from agent.core import expressions as nft
from agent.core import nftables
from agent.core.model import BadInput, Value
from agent.core.netlink import DUMP, Message, NetlinkReply, attributes, pairs, text
from agent.core.shapes import ElementsOf, RulesOf

_CHAIN, _RULE, _ELEMENTS = 3, 6, 12  # NFT_MSG_NEW*, what dumps consist of; the request is the next number
_GENERATION, _GET_GENERATION = 15, 16
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


def elements_of(answers: "list[NetlinkReply]") -> "list[tuple[bytes, bytes, bool]]":
    """(key, data of a map, whether an interval ends before the key) in the order of keys. BadInput."""
    found = []
    for answer in answers:
        if answer.type == _NFTABLES | _ELEMENTS:
            for _, item in pairs(attributes(answer.body[4:]).get(3, b"")):
                one = attributes(item)
                ends = one.get(3, b"") == struct.pack(">I", _INTERVAL_END)
                found.append((attributes(one.get(1, b"")).get(1, b""), one.get(2, b""), ends))
    return sorted(found)


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
        self._port = port
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
            sure, verdict = _Rule(self, rule).verdict()
            here, goes_on = self._after(verdict, depth)
            ends |= here
            if sure and not goes_on:
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

    def fact(self, name: str, data: "dict[int, bytes]") -> "bytes | None":
        """What an expression loads of this query, or None."""
        if name == "payload":
            places = [_number(data.get(at, b"")) for at in (2, 3, 4)]
            return nft.port(self._port) if places == [nft.TRANSPORT, 2, 2] else None
        known = {"meta": self._meta, "ct": self._ct}.get(name, {})
        return known.get(_number(data.get(2, b"")))

    def has_keys_of(self, set_name: str, size: int) -> bool:
        return all(len(key) == size for key, _, _ in self._elements_of(set_name))

    def found(self, set_name: str, key: bytes) -> "bytes | None":
        """What a map has for the key, b"" for a set's; None when it is not inside."""
        listed = self._elements_of(set_name)
        if any(ends for _, _, ends in listed):
            below = [(data, ends) for start, data, ends in listed if start <= key]
            return below[-1][0] if below and not below[-1][1] else None
        return next((data for one, data, _ in listed if one == key), None)


class _Rule:
    """One rule against the query: the registers' values (None: unknown), and whether all conditions surely hold."""

    def __init__(self, walk: PathWalk, rule: "list[tuple[str, dict[int, bytes]]]") -> None:
        self._walk = walk
        self._rule = rule
        self._registers: dict[bytes, bytes | None] = {}
        self._sure = True

    def verdict(self) -> "tuple[bool, bytes]":
        """(whether it surely applies, the verdict's data); b"" when it does not, or decides nothing."""
        for name, data in self._rule:
            if name == "reject" or (name == "target" and _text(data.get(1, b"")) == "REJECT"):
                return self._sure, _DROPPED
            if name == "immediate" and _number(data.get(1, b"")) == 0:
                return self._sure, data.get(2, b"")
            if name == "lookup" and _number(data.get(3, b"\xff")) == 0:
                return self._mapped(data)
            if name not in _SILENT and not self._holds(name, data):
                return True, b""
        return True, b""

    def _mapped(self, data: "dict[int, bytes]") -> "tuple[bool, bytes]":
        """By a verdict map."""
        key = self._key(data)
        if key is None:
            return False, _ACCEPTED
        return self._sure, self._walk.found(_text(data.get(1, b"")), key) or b""

    def _holds(self, name: str, data: "dict[int, bytes]") -> bool:
        """Takes in an expression; False when it is a condition that does not hold."""
        if name == "cmp":
            return self._compared(data)
        if name == "lookup":
            return self._looked_up(data)
        if name == "bitwise":
            self._registers[data.get(2, b"")] = self._masked(data)
        elif name in ("meta", "payload", "ct"):
            self._registers[data.get(1, b"")] = self._walk.fact(name, data)
        else:
            self._registers[data.get(1, b"")] = None
            self._sure = False
        return True

    def _compared(self, data: "dict[int, bytes]") -> bool:
        value, wanted = self._registers.get(data.get(1, b"")), attributes(data.get(3, b"")).get(1, b"")
        operator = _number(data.get(2, b""))
        if value is None or operator > 1:
            self._sure = False
            return True
        # A name with a star is compared as far as it goes.
        return (value[: len(wanted)] == wanted) == (operator == 0)

    def _looked_up(self, data: "dict[int, bytes]") -> bool:
        key = self._key(data)
        if key is None or 3 in data:
            self._sure = False
            return True
        return (self._walk.found(_text(data.get(1, b"")), key) is not None) != bool(_number(data.get(5, b"")))

    def _key(self, data: "dict[int, bytes]") -> "bytes | None":
        """What is looked up; None where it is not known, as where it is several registers side by side."""
        key = self._registers.get(data.get(2, b""))
        if key is None or not self._walk.has_keys_of(_text(data.get(1, b"")), len(key)):
            return None
        return key

    def _masked(self, data: "dict[int, bytes]") -> "bytes | None":
        value = self._registers.get(data.get(1, b""))
        mask, turned = attributes(data.get(4, b"")).get(1, b""), attributes(data.get(5, b"")).get(1, b"")
        if value is None or not len(value) == len(mask) == len(turned):
            return None
        return bytes([one & bits ^ other for one, bits, other in zip(value, mask, turned)])


_DROPPED = nft.verdict(_DROP)
_ACCEPTED = nft.verdict(_ACCEPT)


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
