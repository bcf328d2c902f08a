"""What names and DNS cost: `python3 tests/bench/names_dns.py [FILE]`, FILE made by tools/build-suffixes.

Prints microseconds of CPU time a call (the best of five runs) and what the compiled list adds to the memory.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from agent.core import dns, names  # noqa: E402

RUNS, CALLS = 5, 20_000
QUERY = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\2en\x09wikipedia\3org\0\0\1\0\1"
EDNS = QUERY[:11] + b"\1" + QUERY[12:] + b"\0\0\x29\4\xd0\0\0\0\0\0\x0c\0\x0a\0\x08abcdefgh"
ANSWER = (
    EDNS[:2]
    + b"\x81\x80\0\1\0\2\0\0\0\1"
    + QUERY[12:]
    + b"\xc0\x0c\0\5\0\1\0\0\1\x2c\0\x11\4dyna\x09wikimedia\xc0\x19"
    + b"\xc0\x2e\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4\0\0\x29\2\0\0\0\0\0\0\0"
)


def anonymous_kb() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))


def cost_us(action: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(RUNS):
        begun = time.process_time()
        for _ in range(CALLS):
            action()
        best = min(best, time.process_time() - begun)
    return best / CALLS * 1e6


def report(title: str, action: Callable[[], object]) -> None:
    print(f"{title:<40}{cost_us(action):6.2f} us")


def suffixes(path: Path) -> None:
    names.PublicSuffixes(names.compile_suffixes(["com"])).registrable(b"www.example.com")
    before = anonymous_kb()
    data = path.read_bytes()
    public = names.PublicSuffixes(data)
    print(f"{path.name}: {len(data)} bytes, {anonymous_kb() - before} kB of memory")
    for name in (b"www.example.com", b"en.wikipedia.org", b"www.example.co.uk", b"a.b.s3.eu-west-1.amazonaws.com"):
        report("registrable " + name.decode(), lambda name=name: public.registrable(name))


def messages() -> None:
    question, answer = dns.peek(EDNS), dns.walk(ANSWER)
    settled = dns.normalised(ANSWER, question, answer)
    report("parse www.example.com", lambda: names.parse(b"www.example.com"))
    report("peek", lambda: dns.peek(QUERY))
    report("peek with EDNS", lambda: dns.peek(EDNS))
    report("cache_key", lambda: dns.cache_key(EDNS, question))
    report("forwarded", lambda: dns.forwarded(EDNS, question, 7))
    report("answers", lambda: dns.answers(ANSWER, EDNS, question.end))
    report("walk (CNAME, A, OPT)", lambda: dns.walk(ANSWER))
    report("settled", lambda: dns.normalised(ANSWER, question, answer))
    report("restored", lambda: dns.readdressed(settled, EDNS, question))
    report("aged", lambda: dns.aged(settled, 1))
    report("blocked", lambda: dns.blocked(EDNS, question, dns.NULL, 10, "Phishing: a list"))


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "suffixes.bin"
    suffixes(path)
    messages()


if __name__ == "__main__":
    main()
