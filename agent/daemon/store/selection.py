"""Which rows of history.db are meant: a table and a condition on its rows. Each method narrows it down to a new one."""

from collections.abc import Iterator

# The columns with the wall times of a row: when it began, and when it was last seen.
SPAN = {"visits": ("first", "last"), "attempts": ("at", "at"), "usage": ("at", "at + 86399")}
# What the history is asked for: all rows, what somebody opened, or the background that no such visit has pulled in.
SHOWN = {
    "all": "1",
    "visits": "background = 0",
    "apart": "background = 1 AND NOT EXISTS (SELECT 1 FROM visits c WHERE c.id = visits.cause AND c.background = 0)",
}
IDS_STEP = 4000  # looked through in a few milliseconds


class Selection:
    """Rows of `table` where `where` holds with its `values`; at first all."""

    def __init__(self, table: str, where: str = "1", values: tuple[object, ...] = ()) -> None:
        self.table = table
        self.where = where
        self.values = values

    def _narrowed(self, where: str, *values: object) -> "Selection":
        return Selection(self.table, f"({self.where}) AND ({where})", (*self.values, *values))

    def none(self) -> "Selection":
        return self._narrowed("0")

    # by whom they are about, as it was then

    def of_device(self, device: int) -> "Selection":
        return self._narrowed("device = ?", device)

    def of_person(self, person: int) -> "Selection":
        """Made of this person, on whatever device."""
        return self.made_of(person, 0)

    def made_of(self, person: int, shared: int) -> "Selection":
        return self._narrowed("epoch IN (SELECT epoch FROM epochs WHERE person = ? AND shared = ?)", person, shared)

    def read_by(self, reader: str, too: bool = True) -> "Selection":
        """Recorded under terms that name this reader; with `too` False all others."""
        told = "IN" if too else "NOT IN"
        return self._narrowed(f"epoch {told} (SELECT epoch FROM epochs WHERE reader = ?)", reader)

    def not_of(self, epochs: list[int]) -> "Selection":
        """They are few."""
        return self._narrowed(f"epoch NOT IN ({','.join(map(str, epochs))})") if epochs else self

    # by what they are

    def shown(self, what: str) -> "Selection":
        """See SHOWN."""
        return self._narrowed(SHOWN[what])

    def caused_by(self, visit: int) -> "Selection":
        return self._narrowed("cause = ?", visit)

    def matching(self, text: str) -> "Selection":
        return self._narrowed("instr(site, ?) OR instr(hosts, ?)", text, text)

    def by_lists(self) -> "Selection":
        """Blocked by a list, not by the household's own rules."""
        return self._narrowed("list != ''")

    # by time and number

    def since(self, at: int) -> "Selection":
        """Still going on at that wall time, or later: a long visit belongs to each hour that it spans."""
        return self._narrowed(f"{SPAN[self.table][1]} >= ?", at)

    def before(self, at: int) -> "Selection":
        return self._narrowed(f"{SPAN[self.table][0]} < ?", at)

    def younger(self, age: int) -> "Selection":
        return self._narrowed("age > ?", age)

    def aged(self, low: int, high: int) -> "Selection":
        """Of an age above `low`, up to `high`."""
        return self._narrowed("age > ? AND age <= ?", low, high)

    def seen_before(self, age: int, row_id: int) -> "Selection":
        """Last seen before that row, or with it and of a lower id."""
        return self._narrowed("age < ? OR (age = ? AND id < ?)", age, age, row_id)

    def on_day(self, day: int) -> "Selection":
        return self._narrowed("day = ?", day)

    def row(self, row_id: int) -> "Selection":
        return self._narrowed("id = ?", row_id)

    def between(self, low: int, high: int) -> "Selection":
        """With ids above `low`, up to `high`."""
        return self._narrowed("id > ? AND id <= ?", low, high)

    def after(self, row_id: int) -> "Selection":
        return self._narrowed("id > ?", row_id)


def spans(top: int, before: int = 0, first: int = 1) -> Iterator[tuple[int, int]]:
    """(low, high] pieces of the ids from `first` on and below `before` (0: all), the highest first: each is looked
    through in a few milliseconds."""
    high = min(top, before - 1) if before else top
    while high >= first:
        low = max(first - 1, high - IDS_STEP)
        yield low, high
        high = low
