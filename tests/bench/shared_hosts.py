"""URL lists on hosts that carry much else, both sides: `python -m tests.bench.shared_hosts`.

Stopped: malicious URLs of ../shared/data/urls whose connection is refused. Wrong: hosts of ../shared/data/benign that
are refused. Beside it what DNS alone can do with the same lists: refuse each URL's host as a whole, or leave URLs out.
"""

import lzma
import sys
import tempfile
from pathlib import Path

from agent.core.model import BadInput
from agent.core.names import is_address, parse
from agent.core.policy import Policy
from agent.core.request import read
from agent.jobs.compile import compile_lists
from agent.jobs.reading import Source
from agent.platform.rulefile import open_ruleset

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LISTS = ("urls/phishing-database-new-links.txt.xz", "urls/urlhaus-paths-and-ip-hosts.txt.xz")
BENIGN = ("benign/umbrella-top20k.txt.xz", "benign/opendns-top10k.txt.xz")


def lines(path: str) -> list[str]:
    with lzma.open(DATA / path, "rt") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def pages() -> list[tuple[bytes, bytes, bytes]]:
    """Host, authority and target of each URL, as its request would be read."""
    found = []
    for text in [line for path in LISTS for line in lines(path)]:
        url = text.split("://", 1)[-1].split("#")[0]
        try:
            request = read(b"GET http://" + url.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        except BadInput:
            continue
        if request is not None and request.host and not is_address(request.host) and len(request.target) > 1:
            found.append((request.host, request.authority or b"", request.target))
    return found


def share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({part / whole:.1%})"


def main() -> int:
    if not DATA.exists():
        print(f"skipped: not here: {DATA}")
        return 0
    known = pages()
    benign = sorted({parse(name) for path in BENIGN for name in lines(path)})
    with tempfile.TemporaryDirectory() as folder:
        text, target = Path(folder) / "urls.txt", str(Path(folder) / "rules.bin")
        text.write_bytes(b"".join(b"http://" + authority + page + b"\n" for _, authority, page in known))
        compile_lists([Source(str(text), "urls", "URLs", "1", "malware")], target)
        policy = Policy(open_ruleset(target), [])
        plain = sum(policy.reach((), host, None, (authority, page)).blocked for host, authority, page in known)
        secret = sum(policy.reach((), host, None).blocked for host, _, _ in known)
        wrong = sum(policy.reach((), host, None, (host, b"/")).blocked for host in benign)
    hosts = {host for host, _, _ in known}
    print(
        f"this agent, plain HTTP: stopped {share(plain, len(known))}; benign hosts refused {share(wrong, len(benign))}"
    )
    print(f"this agent, HTTPS:      stopped {share(secret, len(known))}; benign hosts refused 0")
    print(f"DNS, hosts of all URLs: stopped 100%; benign hosts refused {share(len(hosts & set(benign)), len(benign))}")
    print("DNS, URLs left out:     stopped 0; benign hosts refused 0")
    return 0


if __name__ == "__main__":
    sys.exit(main())
