"""Wrong blocks and coverage of the lists by category: `python -m tests.bench.categories`, with the shared data."""

import lzma
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from agent.core.check_hosts import CHECKS, read_needed  # noqa: E402
from agent.core.list_masks import filtering  # noqa: E402
from agent.core.policy import Policy, View  # noqa: E402
from agent.jobs.compile import Source, compile_lists  # noqa: E402
from agent.jobs.guarded import read_guarded  # noqa: E402
from agent.platform.rulefile import open_ruleset  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
TABLES = ROOT / "blocklists"
DEFAULTS = {  # those of feeds.json's defaults that the shared data has
    "adult": "sinfonietta-porn",
    "gambling": "ut1-gambling",
    "dating": "ut1-dating",
    "drugs": "ut1-drogue",
    "weapons": "ut1-dangerous_material",
    "vpn": "ut1-vpn",
    "stalkerware": "ut1-stalkerware",
}
CHOICES = {"games": "ut1-games", "social": "ut1-social_networks", "chat": "ut1-chat", "video": "ut1-audio-video"}
PLUMBING = ("connectivity-check-more", "v2fly-connectivity-check", "v2fly-category-ntp", "v2fly-category-cas")
MORE_PLUMBING = ("v2fly-apple-update", "emergency-calls")
LEARNING = (".edu", ".ac.uk", ".edu.au", ".ac.jp", ".edu.br", ".ac.in", ".edu.tr")


def words(path: Path) -> list[str]:
    text = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    lines = [line.split("#")[0].strip() for line in text.decode().splitlines()]
    return [line.split()[0].split(",")[-1].lstrip("=") for line in lines if line and not line.startswith("[")]


def measured() -> dict[str, dict[str, list[str]]]:
    """By category, the names of each kind that it blocks; printed as well."""
    blocked = {}
    lists = {**DEFAULTS, **CHOICES}
    needed = CHECKS | frozenset(read_needed((TABLES / "needed-hosts.txt").read_text().splitlines()))
    helplines = words(TABLES / "helplines.txt")
    tables = [str(TABLES / name) for name in ("shared-hosts.txt", "needed-hosts.txt", "popular.txt")]
    popular = [name for file in ("opendns-top10k", "umbrella-top20k") for name in words(DATA / f"benign/{file}.txt.xz")]
    plumbing = [name for file in (*PLUMBING, *MORE_PLUMBING) for name in words(DATA / f"parental/never/{file}.txt.xz")]
    asked = {
        "helplines": helplines,
        "plumbing": sorted({*plumbing, *[name.decode() for name in needed]}),
        "well-known": words(TABLES / "popular.txt"),
        "schools": [name for name in popular if name.endswith(LEARNING)],
        "banks": [name for name in popular if "bank" in name],
        "popular": popular,
    }
    with tempfile.TemporaryDirectory() as folder:
        sources = []
        for category, file in lists.items():
            path = Path(folder, file)
            path.write_bytes(lzma.decompress((DATA / f"parental/{file}.txt.xz").read_bytes()))
            sources.append(Source(str(path), file, category=category, syntax="domains"))
        compile_lists(sources, str(Path(folder, "set")), guarded=read_guarded(*tables, []))
        found = open_ruleset(str(Path(folder, "set")))
        policy = Policy(found, [], [name.encode() for name in helplines], needed=needed)
        bare = Policy(found, [])
        print("category list names " + " ".join(f"{what}({len(names)})" for what, names in asked.items()))
        for index, (category, file) in enumerate(lists.items()):
            view = View((), filtering=filtering(found.lists, [category], []), protecting=0)
            hits = {
                what: [name for name in names if "." in name and policy.decide(view, name.encode()).blocked]
                for what, names in asked.items()
            }
            blocked[category] = hits
            without = [name for name in [*helplines, *asked["plumbing"]] if bare.decide(view, name.encode()).blocked]
            told = " ".join(f"{len(of)}" for of in hits.values())
            print(category, file, found.lists[index]["count"], told, f"(kept open: {len(without)})")
            print("   ", *[name for what in ("plumbing", "well-known", "schools", "banks") for name in hits[what][:8]])
        found.close()
    return blocked


if __name__ == "__main__":
    measured()
