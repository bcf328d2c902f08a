"""Reports as routers make them, for tests of the operator's side."""

import os
import random
from pathlib import Path

from agent.core import envelope, seal, summary
from agent.core.summary import Facts
from tools.collector import keys, opening, simulate

TOOLS = opening.primitives()
FACTS = Facts({"phishing": 2}, 1, 0, "ready", "0.1.0")


def report(public: bytes, period: int, facts: Facts, epsilon: int = 500, name: bytes = b"") -> bytes:
    """A sealed report's line."""
    name = name or os.urandom(16)
    answer = summary.noised(summary.answers(facts), epsilon, os.urandom)
    text = summary.render(name, period, answer)
    return envelope.make(TOOLS, public, os.urandom(32), text, 1, period, name.hex()).body()


def fleet(folder: Path, count: int, period: int, files: int = 4, epsilon: int = 500) -> tuple[list[dict], list[Path]]:
    """Files of so many households' reports, and the secret keys."""
    rows, public = keys.add([], period, 4)
    chance = random.Random(count)
    paths = [folder / f"{period}-{n}.jsonl" for n in range(files)]
    opened = [path.open("wb") for path in paths]
    for number in range(count):
        opened[number % files].write(report(public, period, simulate.household(chance), epsilon))
    for file in opened:
        file.close()
    return rows, paths


def sealed(public: bytes, period: int, plain: bytes) -> bytes:
    """A line whose seal is good and whose content is the attacker's."""
    name, key = os.urandom(16).hex(), envelope.key_id(public, TOOLS.sha256)
    aad = envelope.associated(summary.SCHEMA, 1, period, key, name)
    enc, hidden = seal.seal(TOOLS, public, os.urandom(32), envelope.INFO, aad, plain)
    return envelope.Envelope(summary.SCHEMA, 1, period, key, name, enc, hidden).body()


def spoil(paths: list[Path], public: bytes, period: int) -> int:
    """Add what an attacker or a broken disk may add to a fleet's files; how many good reports are among it."""
    good = [report(public, period, simulate.household(random.Random(n))) for n in range(3)]
    twice = []
    for answer in (summary.Answer("lists", 500, place) for place in (0, 1)):
        text = summary.render(bytes(range(16)), period, answer)
        twice.append(envelope.make(TOOLS, public, os.urandom(32), text, 1, period, bytes(range(16)).hex()).body())
    size = summary.PLAIN_BYTES
    lines = [
        b"",
        b"{",
        b"\xff" * 2047,
        b"[" * 2047,
        b'{"format":1}',
        b"x" * 3_000_000,
        good[0].rstrip(),  # without the blanks that make it constant
        good[1][:-1] + b"\r",
        good[2][:-1],
        good[2][:-1],  # replayed
        good[2][:900],  # cut off
        good[2][:-1].replace(b'"id":"', b'"id":"../'),
        good[2][:-1].replace(b'"period":', b'"period":-'),
        report(public, period - 100, simulate.household(random.Random(4)))[:-1],
        *[sealed(public, period, plain)[:-1] for plain in (b"[" * size, b"{" * size, b"\xff" * size, b" " * size)],
    ]
    paths[0].write_bytes(paths[0].read_bytes() + b"\n".join([*lines, twice[0]]))
    paths[1].write_bytes(paths[1].read_bytes() + twice[1] + good[0])
    return len(good)
