"""What became of each stay, and which rows nobody made."""

from collections import Counter
from typing import NamedTuple

from agent.core.history import GAP_S
from tests.bench.visits.crawl import Stay

SLACK_S = 2  # rows have whole seconds, and DNS is recorded half a second late


class Row(NamedTuple):
    """A row that says: somebody was at that site from then to then."""

    site: str
    first: float
    last: float


class Score(NamedTuple):
    stays: int
    rows: int
    one: int
    split: int
    missed: int
    merged: int
    invented: int

    @property
    def precision(self) -> float:
        """The share of rows that stand for a stay; of several rows for one stay only one does."""
        return (self.one + self.split) / max(self.rows, 1)

    @property
    def recall(self) -> float:
        return (self.one + self.split) / max(self.stays, 1)


def joined(pages: list[Stay]) -> list[Stay]:
    """Pages of one site within half an hour are one stay, as the history promises."""
    stays: list[Stay] = []
    last: dict[str, int] = {}
    for page in pages:
        found = [last[site] for site in page.sites if site in last and page.start - stays[last[site]].end <= GAP_S]
        if found:
            stay = stays[found[0]]
            stays[found[0]] = Stay(stay.start, max(stay.end, page.end), stay.sites | page.sites)
        else:
            stays.append(page)
        for site in page.sites:
            last[site] = found[0] if found else len(stays) - 1
    return stays


def score(stays: list[Stay], rows: list[Row]) -> Score:
    by_site: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        by_site.setdefault(row.site, []).append(number)
    stood_for: Counter[int] = Counter()
    one = split = missed = 0
    for stay in stays:
        near = [number for site in stay.sites for number in by_site.get(site, ()) if _within(rows[number], stay)]
        stood_for.update(near)
        one += len(near) == 1
        split += len(near) > 1
        missed += not near
    merged = sum(count > 1 for count in stood_for.values())
    return Score(len(stays), len(rows), one, split, missed, merged, len(rows) - len(stood_for))


def _within(row: Row, stay: Stay) -> bool:
    return row.first <= stay.end + SLACK_S and row.last >= stay.start - SLACK_S
