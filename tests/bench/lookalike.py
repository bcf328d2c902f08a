"""Measures the look-alike guess on public names: `python tests/bench/lookalike.py [--show]`.

Split in time. Threshold, words and the table of well-known names were set on the older half: popular domains of 2014,
the most queried host names of December 2025, and a phishing list most of whose names are from before 2023. Reported is
the newer half: the sites of two crawls of August 2026 that are not in the older half, and phishing names that were
active until 2026 and are not on the older list. The public lists do not date single names, so the phishing split is
by list, and a name may be older than its list.
"""

import lzma
import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from agent.core.lookalike import HOSTING, SUSPECT, Lookalike, read_known  # noqa: E402
from agent.core.model import BadInput  # noqa: E402
from agent.core.names import PublicSuffixes, compile_suffixes, parse  # noqa: E402
from agent.core.names import suffixes as suffixes_of  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
SAMPLE = 7  # every seventh phishing name: a tenth of a million is plenty


def lines(path: str) -> list[str]:
    with lzma.open(DATA / path, "rt") as file:
        return [line.strip() for line in file if line.strip() and line[0] != "#"]


def names(texts: list[str]) -> set[bytes]:
    found = set()
    for text in texts:
        try:
            found.add(parse(text))
        except BadInput:
            continue
    return {name for name in found if b"." in name}


def suffixes() -> PublicSuffixes:
    found = []
    for line in (DATA / "psl" / "public_suffix_list.dat").read_text().splitlines():
        word = line.split()[0] if line.split() else ""
        found.append(word.encode("idna").decode() if word and not word.isascii() else word)
    return PublicSuffixes(compile_suffixes(found))


def visited(path: str) -> list[str]:
    return [found[1] for line in lines(path) if (found := re.search(r"Visiting \d+: (\S+)", line))]


def older() -> tuple[set[bytes], set[bytes]]:
    """Popular and phishing names to set the threshold on."""
    popular = names(lines("benign/opendns-top10k.txt.xz")) | names(lines("benign/umbrella-top20k.txt.xz"))
    return popular, names(lines("lists/blocklistproject-phishing.domains.txt.xz"))


def newer() -> tuple[set[bytes], set[bytes]]:
    popular = names(visited("visits/badger-sett-log-00.txt.xz")) | names(visited("visits/badger-sett-log-02.txt.xz"))
    before = older()
    bad = names(lines("lists/phishing-database-active-domains.txt.xz")) - before[1]
    return popular - before[0] - bad - before[1], bad


def measure(title: str, guesser: Lookalike, popular: set[bytes], bad: set[bytes], show: bool) -> dict[str, float]:
    fired: Counter[str] = Counter()
    scores: dict[str, list[int]] = {"popular": [], "bad": []}
    wrong = []
    bare = 0
    hosted = sum(any(of.decode() in HOSTING for of in suffixes_of(name) if of != name) for name in popular)
    for kind, found in (("popular", sorted(popular)), ("bad", sorted(bad)[::SAMPLE])):
        for name in found:
            guess = guesser.guess(name)
            scores[kind].append(guess.score)
            if kind == "bad" and guess.suspect:
                fired.update(guess.features)
                bare += not guess.like
            if kind == "popular" and guess.suspect:
                wrong.append((guess.score, name.decode(), guess.what, guess.features))
    print(f"{title}: {len(scores['popular'])} popular names, {len(scores['bad'])} phishing names")
    for threshold in range(36, 100, 6):
        false, recall = (sum(of >= threshold for of in scores[kind]) for kind in ("popular", "bad"))
        mark = " <- in use" if threshold == SUSPECT else ""
        print(f"  {threshold:3} points: {false:4} wrong, {100 * recall / len(scores['bad']):5.2f} % found{mark}")
    print(f"  at {SUSPECT} points imitates nobody: {bare} of what was found; popular names at free hosting: {hosted}")
    print("  features of what was found:", ", ".join(f"{name} {count}" for name, count in fired.most_common()))
    if show:
        for row in sorted(wrong, reverse=True):
            print("  wrong:", *row)
    return {
        "false": sum(of >= SUSPECT for of in scores["popular"]),
        "popular": len(scores["popular"]),
        "recall": sum(of >= SUSPECT for of in scores["bad"]) / len(scores["bad"]),
    }


def guesser() -> Lookalike:
    known = read_known((ROOT / "blocklists" / "popular.txt").read_text().splitlines())
    return Lookalike(known, suffixes().registrable)


def main() -> None:
    if not DATA.exists():
        print(f"skipped: not here: {DATA}")
        return
    show = "--show" in sys.argv
    made = guesser()
    measure("older (threshold set here)", made, *older(), show)
    if "--older" not in sys.argv:
        measure("newer (reported)", made, *newer(), show)


if __name__ == "__main__":
    main()
