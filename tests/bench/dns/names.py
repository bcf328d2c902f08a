"""Makes the names of the benchmark: a block list of a million domains and four mixes of queries, with a fixed seed.

blocked  names on the list or below one, at random: hardly any is asked twice
cached   a thousand allowed names, again and again
fresh    allowed names, each asked once
zipf     a household's evening: 70 % of the thousand, 15 % of five thousand listed names, both by Zipf's law (exponent
         0.95), and 15 % asked for the first time
"""

import bisect
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

SEED = 20261123
LISTED, HOT, HOT_LISTED, FRESH = 1_000_000, 1_000, 5_000, 1_400_000
ZIPF_LINES, ZIPF_EXPONENT = 1_000_000, 0.95
BLOCKED_LINES = 200_000
DONE = "complete-5"  # changes whenever what is made here does

SYLLABLES = [a + b for a in "bcdfghjklmnprstvwz" for b in "aeiou"]
WORDS = "ads click pixel stat data cloud media shop game bet video push cdn track tag promo news pay login mail".split()
ENDINGS = ["com"] * 12 + ["net", "net", "org", "info", "xyz", "ru", "de", "co.uk", "top", "online", "com.br", "fr"]
SUBDOMAINS = "www ads track cdn img api go m log static login secure".split()


class Maker:
    """Random names; `made` keeps them unique."""

    def __init__(self) -> None:
        self.random = random.Random(SEED)
        self.made: set[str] = set()

    def site(self) -> str:
        word = "".join(self.random.choices(SYLLABLES, k=self.random.randint(3, 6)))
        if self.random.random() < 0.4:
            word = self.random.choice(WORDS) + self.random.choice(("", "-")) + word
        return word + "." + self.random.choice(ENDINGS)

    def listed(self) -> str:
        if self.random.random() < 0.4:
            return self.site()
        return self.random.choice(SUBDOMAINS) + str(self.random.randint(1, 40)) + "." + self.site()

    def fresh(self) -> str:
        """A name below a site that is not listed."""
        site = self.site()
        while site in self.made:
            site = self.site()
        return self.random.choice(("www", "api", "cdn", "m")) + "." + site

    def unique(self, make: Callable[[], str], count: int) -> list[str]:
        found: list[str] = []
        while len(found) < count:
            name = make()
            if name not in self.made:
                self.made.add(name)
                found.append(name)
        return found

    def zipf(self, names: list[str]) -> Iterator[str]:
        weights = list(itertools.accumulate((rank + 1) ** -ZIPF_EXPONENT for rank in range(len(names))))
        while True:
            yield names[bisect.bisect(weights, self.random.random() * weights[-1])]


def make(folder: Path) -> None:
    """Writes the files into `folder`, unless they are there."""
    if (folder / DONE).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    maker = Maker()
    listed = maker.unique(maker.listed, LISTED)
    fresh = maker.unique(maker.fresh, FRESH)
    hot, hot_listed = fresh[:HOT], listed[:HOT_LISTED]
    fresh = fresh[HOT:]
    choose = maker.random.choice
    _write(folder / "hosts", ("0.0.0.0 " + name for name in listed))
    _write(folder / "dnsmasq-list.conf", ("local=/" + name + "/" for name in listed))
    _write(folder / "blocked", (choose(("", "", "www.", "a.b.")) + choose(listed) + " A" for _ in range(BLOCKED_LINES)))
    _write(folder / "cached", (choose(hot) + " A" for _ in range(50 * HOT)))
    _write(folder / "warm", (name + " A" for name in hot))
    _write(folder / "zipf", _zipf(maker, hot, hot_listed, fresh[-ZIPF_LINES // 5 :]))
    _write(folder / "fresh", (name + " A" for name in fresh[: -ZIPF_LINES // 5]))
    (folder / DONE).touch()


def _zipf(maker: Maker, hot: list[str], listed: list[str], fresh: list[str]) -> Iterator[str]:
    often, refused, new = maker.zipf(hot), maker.zipf(listed), iter(fresh)
    for _ in range(ZIPF_LINES):
        draw = maker.random.random()
        yield next(often if draw < 0.7 else refused if draw < 0.85 else new) + " A"


def _write(path: Path, lines: Iterable[str]) -> None:
    with open(path, "w") as file:
        file.writelines(line + "\n" for line in lines)
