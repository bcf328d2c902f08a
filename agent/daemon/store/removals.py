"""What was deleted, so that no copy brings it back: ids only, never a name."""

from agent.daemon.store.database import Database, TableRow, keep, unkeep

UNFINISHED = "erasing"  # in meta


class RemovalRow(TableRow):
    """`ids` of rows of the table `kind`, as `snapshots.show_ids` writes them; `age` is the household's."""

    __slots__ = ("id", "kind", "device", "ids", "age")
    COLUMNS = "id, kind, device, ids, age"
    kind: str
    device: int
    ids: str


class Removals:
    """What changes something commits before it returns. StorageError."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, table: str, device: int, ids: str, age: int) -> None:
        """From here on it is to be finished, by the next start if need be: see `done`."""
        with self._db.transaction() as sql:
            query = "INSERT INTO removals(kind, device, ids, age) VALUES (?,?,?,?)"
            sql.execute(query, (table, device, ids, age))
            keep(sql, {UNFINISHED: "1"})

    @property
    def unfinished(self) -> bool:
        """Whether a removal was begun, and not all of it is known to be done."""
        return bool(self._db.sql.execute("SELECT 1 FROM meta WHERE key=?", (UNFINISHED,)).fetchone())

    def done(self) -> None:
        if self.unfinished:
            with self._db.transaction() as sql:
                unkeep(sql, [UNFINISHED])

    def rows(self) -> list[RemovalRow]:
        found = self._db.sql.execute(f"SELECT {RemovalRow.COLUMNS} FROM removals ORDER BY id")
        return [RemovalRow(*row) for row in found.fetchall()]

    def drop(self, older_than_age: int) -> None:
        with self._db.transaction() as sql:
            sql.execute("DELETE FROM removals WHERE age < ?", (older_than_age,))
