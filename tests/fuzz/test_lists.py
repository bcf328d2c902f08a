"""Lists under mutated bytes: values or BadInput, and soon. Longer with PRIVACY_AGENT_FUZZ_SECONDS=600."""

import lzma
import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import BytesIO
from pathlib import Path

from agent.core.listrules import ListRule
from agent.core.model import BadInput, Value
from agent.core.rules import SYNTAXES, detect
from agent.core.ruleset import Ruleset
from agent.core.rulewriter import ListMeta, build
from agent.jobs.fast_lines import plain_names
from agent.platform.hashing import sha256
from tests.core.whole import parse_line
from tests.fuzz.work import bounded

SECONDS = float(os.environ.get("PRIVACY_AGENT_FUZZ_SECONDS", "2"))
LISTS = Path(__file__).parents[3] / "shared" / "data" / "lists"
WORST_S = 0.5  # CPU time of one text of some kilobytes, on a slow and busy machine

SEEDS = [
    b"0.0.0.0 phish.example # x\n127.0.0.1 localhost\n::1 a.example b.example\n",
    b"!\n||phish.example^$important,dnstype=A|~AAAA,denyallow=a.b|c.d\n@@|a.b^$badfilter\n||*b.c.example/d?e=f^$all\n",
    b"address=/a.example/b.example/0.0.0.0\nlocal=/*.c.example/\nserver=/d.example/1.2.3.4#53\n",
    b'local-zone: "a.example" always_nxdomain\nlocal-data: "b.example A 0.0.0.0"\nzone "c.example" { type master; };\n',
    b"$ORIGIN rpz.test.\na.example.rpz.test. 60 IN CNAME .\n*.b.test CNAME rpz-passthru.\n32.1.2.3.4.rpz-ip CNAME .\n",
    b"http://u:p@a.example:8080/b?c=d#e\nhttps://[2001:db8::1]:444/x\n203.0.113.0/24\n2001:db8::/32\n1.2.3.4-1.2.3.9\n",
]


def seeds() -> list[bytes]:
    found = list(SEEDS)
    for path in sorted(LISTS.glob("urlhaus*.xz")):
        with lzma.open(path) as file:
            found.append(file.read(1500))
    return found


def mutated(seed: bytes, chance: random.Random) -> bytes:
    text = bytearray(seed)
    for _ in range(chance.choice((1, 2, 4, 16))):
        at = chance.randrange(len(text) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            text[at : at + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            text[at:at] = chance.choice(
                (b"||", b"@@", b"$", b",", b"=", b"/", b"*", b"^", b"\n", b"\r", b".", b"\\", b"[")
            )
        elif kind == 2:
            del text[at : at + chance.randrange(20)]
        elif kind == 3:
            text[at:at] = text[at : at + chance.randrange(60)] * chance.choice((1, 2, 40))
        else:
            text[at:at] = b"a." * chance.randrange(200)
    return bytes(text)


def loop(check: Callable[[bytes], None], texts: list[bytes]) -> None:
    chance = random.Random(5)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        text = mutated(chance.choice(texts), chance)
        bounded(partial(check, text), WORST_S, text)


def test_texts_are_values_or_bad_input() -> None:
    def check(text: bytes) -> None:
        for syntax in SYNTAXES:
            for line in text.split(b"\n"):
                assert all(isinstance(value, Value) for value in parse_line(line, syntax)), line
            names, _, rest = plain_names(text, syntax)
            assert len(names) + len(rest) <= text.count(b"\n") + 1
        with suppress(BadInput):
            detect(text)

    loop(check, seeds())


def test_files_are_read_or_bad_input() -> None:
    file = BytesIO()
    build(file, [(ListMeta("l", "L", "1", "c"), [ListRule(b"a.example")])], b"0123456789abcdef", sha256)
    whole = file.getvalue()

    def check(text: bytes) -> None:
        try:
            Ruleset(BytesIO(text), sha256).verify()
        except BadInput:
            return
        assert text == whole

    loop(check, [whole])
