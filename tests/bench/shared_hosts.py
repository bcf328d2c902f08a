"""What lists of URLs stop, and what they refuse by mistake: `python -m tests.bench.shared_hosts`.

Stopped: malicious URLs of ../shared/data/urls whose connection is refused, over plain HTTP and over HTTPS, where only
the host is seen; also of URLs that are not on the list, from a list made of every other URL. Wrong: hosts of
../shared/data/benign that are refused. Beside it what DNS alone can do, as AdGuard Home and Pi-hole do it: refuse each
URL's host as a whole, or leave URLs out. blocklists/shared-hosts.txt was completed by the older half (URLs of 2022,
names of 2014), not by the newer one (URLs of 2026, names of 2025), whose overlap had been seen once before.

With files of popular names (`python -m tests.bench.shared_hosts FILE FILE …`, as tools/build-popular reads them) each
of them is asked about, with and without `www.`, once by the tables alone and once as a build with the others decides.
`--tables FOLDER` takes shared-hosts.txt and popular.txt from there: those of before a name was seen (`git show`).
"""

import argparse
import lzma
import runpy
import shutil
import sys
import tempfile
from pathlib import Path

from agent.core.model import BadInput
from agent.core.names import PublicSuffixes, compile_suffixes, is_address, parse
from agent.core.policy import Policy, View
from agent.core.sniffed_request import read
from agent.jobs.compile import compile_lists
from agent.jobs.knownsites import pack_popular, read_shared
from agent.jobs.list_reader import Source
from agent.platform.idna import to_ascii
from agent.platform.rulefile import open_ruleset

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
HALVES = {
    "older half": ("urls/urlhaus-paths-and-ip-hosts.txt.xz", "benign/opendns-top10k.txt.xz"),
    "newer half": ("urls/phishing-database-new-links.txt.xz", "benign/umbrella-top20k.txt.xz"),
}
TABLES = ("shared-hosts.txt", "popular.txt")
popular_hosts = runpy.run_path(str(ROOT / "tools" / "build-popular"))["hosts"]
MOST = 1_000_000  # names read of a file
Page = tuple[bytes, bytes, bytes]  # host, authority, target


def lines(path: str) -> list[str]:
    with lzma.open(DATA / path, "rt") as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def pages(path: str) -> list[Page]:
    """The URLs with a name and a path, as their request would be read."""
    found = []
    for text in lines(path):
        url = text.split("://", 1)[-1].split("#")[0]
        try:
            request = read(b"GET http://" + url.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        except BadInput:
            continue
        if request is not None and request.host and not is_address(request.host) and len(request.target) > 1:
            found.append((request.host, request.authority or b"", request.target))
    return found


def suffixes() -> PublicSuffixes:
    words = (DATA / "psl" / "public_suffix_list.dat").read_text().splitlines()
    rules = [line.split()[0] for line in words if line.strip() and not line.startswith("//")]
    return PublicSuffixes(compile_suffixes([to_ascii(rule) for rule in rules]))


def policy(
    folder: str,
    listed: list[Page],
    public: PublicSuffixes,
    popular: frozenset[bytes] = frozenset(),
    tables: Path = ROOT / "blocklists",
) -> Policy:
    text, target = Path(folder) / "urls.txt", str(Path(folder) / "rules.bin")
    text.write_bytes(b"".join(b"http://" + authority + page + b"\n" for _, authority, page in listed))
    for name in TABLES:
        shutil.copyfile(tables / name, Path(folder) / name)
    (Path(folder) / "popular-sites.bin").write_bytes(pack_popular(set(popular)))
    shared = read_shared(*[str(Path(folder) / name) for name in TABLES], public)
    assert shared is not None
    compile_lists([Source(str(text), "urls", "URLs", "1", "malware")], target, public_suffixes=public, shared=shared)
    return Policy(open_ruleset(target), [])


def share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({part / whole:.1%})"


def plain(of: Policy, known: list[Page]) -> str:
    return share(
        sum(of.reach(View(()), host, None, (authority, page)).blocked for host, authority, page in known), len(known)
    )


def secret(of: Policy, known: list[Page]) -> str:
    return share(sum(of.reach(View(()), host, None).blocked for host, _, _ in known), len(known))


def half(title: str, known: list[Page], benign: list[bytes], public: PublicSuffixes) -> None:
    listed, left_out = known[0::2], known[1::2]
    with tempfile.TemporaryDirectory() as folder:
        of = policy(folder, known, public)
        wrong = [host for host in benign if of.reach(View(()), host, None).blocked]
        print(f"{title}: {len(known):,} URLs, {len(benign):,} benign hosts")
        print(f"  this agent   plain HTTP {plain(of, known)}, HTTPS {secret(of, known)}")
        print(f"               benign refused {share(len(wrong), len(benign))}: {b' '.join(wrong).decode()}")
    with tempfile.TemporaryDirectory() as folder:
        of = policy(folder, listed, public)
        print(f"               URLs not listed: plain HTTP {plain(of, left_out)}, HTTPS {secret(of, left_out)}")
    hosts, half_of_them = {host for host, _, _ in known}, {host for host, _, _ in listed}
    caught = sum(host in half_of_them for host, _, _ in left_out)
    print(f"  DNS, all hosts refused: stopped 100%, URLs not listed {share(caught, len(left_out))}")
    print(f"               benign refused {share(len(hosts & set(benign)), len(benign))}")
    print("  DNS, URLs left out: stopped 0, benign refused 0")


def by_popularity(title: str, known: list[Page], files: list[Path], tables: Path, public: PublicSuffixes) -> None:
    """Each file's names, decided by the tables alone and by a build with the other files."""
    named = {
        path: frozenset(popular_hosts(path.read_text(encoding="utf-8").splitlines(), public, MOST)) for path in files
    }
    for path, names in named.items():
        others = frozenset[bytes]().union(*[of for other, of in named.items() if other != path])
        asked = sorted(names | {b"www." + name for name in names})
        for build in (frozenset[bytes](), others):
            with tempfile.TemporaryDirectory() as folder:
                of = policy(folder, known, public, build, tables)
                wrong = [host for host in asked if of.reach(View(()), host, None).blocked]
                print(f"{title}: {path.stem}, {len(build):,} popular: HTTPS {secret(of, known)}")
                print(f"               wrong {share(len(wrong), len(asked))}: {b' '.join(wrong[:40]).decode()}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("popular", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--tables", type=Path, default=ROOT / "blocklists")
    options = parser.parse_args()
    if not DATA.exists():
        print(f"skipped: not here: {DATA}")
        return 0
    public = suffixes()
    if options.popular:
        for title, (urls, _) in HALVES.items():
            by_popularity(title, pages(urls), options.popular, options.tables, public)
        return 0
    for title, (urls, names) in HALVES.items():
        half(title, pages(urls), sorted({parse(name) for name in lines(names)}), public)
    return 0


if __name__ == "__main__":
    sys.exit(main())
