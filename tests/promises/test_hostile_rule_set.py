"""A compiled set of a taken-over update job, with checksums that fit: refused when it is opened, or it works."""

import copy
import json
import struct
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from agent.core.list_masks import filtering, protecting
from agent.core.model import BadInput
from agent.core.ruleset import HEAD, HEAD_SIZE, INDEX_SIZE, INDEX_START, Ruleset
from agent.platform.hashing import sha256
from tests.core.test_ruleset import compiled, rules

ODD = [None, -1, 0, 1, 1 << 64, 1.5, "", "²", "\ud800", [], [[]], {}, {"a": 1}, True, [999], [-1], [1.0], "[[", [None]]
LISTS = (rules(b"phish.example", b"both.example"), rules(b"other.example"))
DATA = compiled(*LISTS).getvalue()
NAMES = (b"phish.example", b"www.both.example", b"other.example", b"none.example")


def with_meta(raw: bytes) -> Ruleset:
    head = list(struct.unpack(HEAD, DATA[:HEAD_SIZE]))
    meta_at = head[6]
    head[5] = meta_at + len(raw)
    packed = struct.pack(HEAD, *head)
    sums = sha256(packed) + sha256(DATA[INDEX_START : INDEX_START + INDEX_SIZE]) + sha256(raw)
    return Ruleset(BytesIO(packed + sha256(sums) + DATA[INDEX_START:meta_at] + raw), sha256)


def meta() -> Any:
    return json.loads(DATA[struct.unpack(HEAD, DATA[:HEAD_SIZE])[6] :])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def use(found: Ruleset) -> None:
    for name in NAMES:
        match = found.find(name, 1)
        if match is not None:
            rule = found.rule(match)
            json.dumps([rule.list_name, rule.category]).encode()
            (rule.list_name or "").encode()
        found.matches(name)
    found.find_address(b"\1\2\3\4")
    found.find_page(b"phish.example", b"/")
    protecting(found.lists, [{}])
    filtering(found.lists, ["adult"], [{}])


def test_each_value_of_the_meta_block() -> None:
    good = meta()
    use(with_meta(json.dumps(good).encode()))
    for path in places(good):
        for odd in ODD:
            changed = copy.deepcopy(good)
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = odd
            try:
                found = with_meta(json.dumps(changed).encode())
            except BadInput:
                continue
            use(found)


@pytest.mark.parametrize("raw", [b"[" * 100_000, b"9" * 6000, b"null", b"[]", b"{}", b'"\xff"', b""])
def test_another_meta_block(raw: bytes) -> None:
    with pytest.raises(BadInput):
        with_meta(raw)
