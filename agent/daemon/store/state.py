"""state.db: devices, people, the consent ledger, the household's rules, removals. On flash, durable at each commit."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence

from agent.core.consent import LedgerRow
from agent.core.content import Content
from agent.core.model import BadInput, Device, NotFound, Person
from agent.core.policy import OwnRule
from agent.daemon.store import content_rows
from agent.daemon.store.content_rows import ContentRows, Owner
from agent.daemon.store.database import Database, StorageError, WithMeta
from agent.daemon.store.ledger import Ledger
from agent.daemon.store.scrubbing import scrub

MYPY = False
if MYPY:  # not worth its memory
    from typing import Any

SLOTS = 255  # what the kernel's mark has room for; slot 0 means "no device"

MIGRATIONS = (
    """
CREATE TABLE persons(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, grp TEXT NOT NULL,
  birth_month TEXT);
CREATE TABLE devices(id INTEGER PRIMARY KEY AUTOINCREMENT, enrolment TEXT UNIQUE NOT NULL, label TEXT UNIQUE NOT NULL,
  mac BLOB UNIQUE, address TEXT UNIQUE, person INTEGER REFERENCES persons(id), shared INTEGER NOT NULL,
  slot INTEGER UNIQUE NOT NULL);
CREATE TABLE ledger(seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, enrolment TEXT NOT NULL,
  feature TEXT NOT NULL, action TEXT NOT NULL, notice INTEGER NOT NULL, hash BLOB NOT NULL);
CREATE TABLE rules(id INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL, action TEXT NOT NULL, scope TEXT NOT NULL,
  owner INTEGER NOT NULL, until INTEGER, created INTEGER NOT NULL, UNIQUE(name, action, scope, owner));
CREATE TABLE removals(id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, device INTEGER NOT NULL,
  ids TEXT NOT NULL, age INTEGER NOT NULL);
CREATE TABLE requests(id INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL, kind TEXT NOT NULL,
  text TEXT NOT NULL, target TEXT, at INTEGER NOT NULL, state TEXT NOT NULL, answer TEXT, answered_at INTEGER);
CREATE TABLE boots(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, boot TEXT NOT NULL);
CREATE TABLE web(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TRIGGER ledger_grows_only BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_keeps_all BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
""",
    """
CREATE TABLE reports(id INTEGER PRIMARY KEY AUTOINCREMENT, report TEXT NOT NULL, period INTEGER NOT NULL,
  made INTEGER NOT NULL, epsilon INTEGER NOT NULL, notice INTEGER NOT NULL, state TEXT NOT NULL, plain TEXT, body TEXT,
  hash TEXT, send_age INTEGER NOT NULL, failures INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '',
  ended INTEGER);
""",
    # `change` is as in the ledger, `due` the household's age at which it takes effect, `at` that in wall time.
    """
ALTER TABLE ledger ADD COLUMN detail TEXT NOT NULL DEFAULT '';
CREATE TABLE holds(kind TEXT NOT NULL, key TEXT NOT NULL, change TEXT NOT NULL, due INTEGER NOT NULL,
  at INTEGER NOT NULL, proof INTEGER NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;
""",
    # The household's age when a rule for a time was made; NULL: it ends at a time of the wall clock.
    "ALTER TABLE rules ADD COLUMN made INTEGER;",
    # The word hold is taken by who is kept off the internet.
    """
ALTER TABLE holds RENAME TO delayed_changes;
UPDATE meta SET key='delayed change salt' WHERE key='hold salt';
""",
    content_rows.TABLE,
)

REQUEST_COLUMNS = "id, device, kind, text, target, at, state, answer, answered_at"
RequestRow = tuple[int, int, str, str, str | None, int, str, str | None, int | None]
RULES = "SELECT id, name, action, scope, owner, until, created, made FROM rules ORDER BY id"
DEVICE_COLUMNS = "id, enrolment, label, mac, address, person, shared, slot"


class State(WithMeta):
    """The authority on who is enrolled and, by its ledger, on what is on. `sha256` is `bytes -> bytes`.

    Every method that changes something commits before it returns, or raises StorageError. `instead`: see Database.
    """

    def __init__(self, path: str, sha256: Callable[[bytes], bytes], instead: str = "") -> None:
        self.db = Database(path, MIGRATIONS, "FULL", True, instead)
        try:
            self.ledger = Ledger(self.db, sha256)
        except BaseException:
            self.db.close()
            raise
        self._seen: dict[str, list[Any]] = {}
        self.content = ContentRows(self.db, self._rows)

    def clear(self) -> None:
        """What was replaced or removed stays in no unused part of the file; it is small. StorageError."""
        for _ in scrub(self.db):
            continue

    # people and devices

    def devices(self) -> list[Device]:
        rows = self._rows("SELECT " + DEVICE_COLUMNS + " FROM devices ORDER BY label")
        return [Device(r[0], r[1], r[2], r[3], r[4], r[5], bool(r[6]), r[7]) for r in rows]

    def _rows(self, query: str) -> list[Any]:
        """As last seen where they can't be read now: to turn something off must not need the storage."""
        try:
            self._seen[query] = self.db.sql.execute(query).fetchall()
        except StorageError:
            if query not in self._seen:
                raise
        return self._seen[query]

    def device(self, device_id: int) -> Device:
        """BadInput when there is no device of that id."""
        for found in self.devices():
            if found.id == device_id:
                return found
        raise NotFound("no device " + str(device_id))

    def persons(self) -> list[Person]:
        rows = self.db.sql.execute("SELECT id, name, grp, birth_month FROM persons ORDER BY name").fetchall()
        return [Person(*row) for row in rows]

    def person(self, person_id: int) -> Person:
        """BadInput when there is no person of that id."""
        for found in self.persons():
            if found.id == person_id:
                return found
        raise NotFound("no person " + str(person_id))

    def add_device(
        self,
        label: str,
        mac: bytes | None,
        address: str | None,
        person: int | None,
        shared: bool,
        actor: str,
        at: int,
    ) -> Device:
        """Enrol a device under a new random enrolment id, in the first free slot, with everything off."""
        enrolment = os.urandom(9).hex()
        made = self.ledger.chain([(enrolment, "", "enrol", 0)], actor, at)
        values = (enrolment, label, mac, address, person, int(shared), self._free_slot())
        try:
            with self.db.transaction() as sql:
                sql.execute(
                    "INSERT INTO devices(enrolment, label, mac, address, person, shared, slot) VALUES (?,?,?,?,?,?,?)",
                    values,
                )
                self.ledger.insert(sql, made)
        except sqlite3.IntegrityError as error:
            raise BadInput("a device with that name, MAC or address was added already") from error
        self.ledger.take(made)
        return next(found for found in self.devices() if found.enrolment == enrolment)

    def _free_slot(self) -> int:
        # The slot after the highest one in use comes first, so that a slot rests as long as possible between owners.
        used = {row[0] for row in self.db.sql.execute("SELECT slot FROM devices")}
        start = int(self.meta("last_slot", "0"))
        for step in range(1, SLOTS + 1):
            slot = (start + step - 1) % SLOTS + 1
            if slot not in used:
                self.put_meta("last_slot", str(slot))
                return slot
        raise BadInput("no room: at most " + str(SLOTS) + " devices can be added")

    def change(
        self, table: str, row_id: int, values: dict[str, object], note: tuple[list[str], str, str, int, str]
    ) -> None:
        """Change columns of a device or person; `note` is (enrolments, action, actor, at, detail) for the ledger."""
        enrolments, action, actor, at, detail = note
        made = self.ledger.chain([(enrolment, "", action, 0, detail) for enrolment in enrolments], actor, at)
        columns = ", ".join(name + "=?" for name in values)
        try:
            with self.db.transaction() as sql:
                sql.execute("UPDATE " + table + " SET " + columns + " WHERE id=?", (*values.values(), row_id))
                self.ledger.insert(sql, made)
        except sqlite3.IntegrityError as error:
            raise BadInput("that name is taken already, or there is no such person") from error
        self.ledger.take(made)
        self.clear()

    def add_person(self, name: str, group: str, birth_month: str | None) -> Person:
        try:
            with self.db.transaction() as sql:
                cursor = sql.execute(
                    "INSERT INTO persons(name, grp, birth_month) VALUES (?,?,?)", (name, group, birth_month)
                )
        except sqlite3.IntegrityError as error:
            raise BadInput("there is a person of that name already") from error
        return self.person(int(cursor.lastrowid or 0))

    def forget_person(self, person_id: int, told: Sequence[LedgerRow] = ()) -> None:
        """`told` are rows of `ledger.chain` about it."""
        with self.db.transaction() as sql:
            self.ledger.insert(sql, list(told))
            sql.execute("UPDATE devices SET person=NULL WHERE person=?", (person_id,))
            sql.execute("DELETE FROM rules WHERE scope='person' AND owner=?", (person_id,))
            content_rows.erase(sql, (content_rows.PERSON, person_id))
            sql.execute("DELETE FROM persons WHERE id=?", (person_id,))
        self.ledger.take(list(told))

    def reserve_persons(self, above: int) -> None:
        """Let new people have numbers above `above`, so that what was noted of a forgotten one never names them."""
        found = self.db.sql.execute("SELECT MAX(seq) FROM sqlite_sequence WHERE name='persons'").fetchone()[0]
        if found is None or found < above:
            with self.db.transaction() as sql:
                sql.execute("DELETE FROM sqlite_sequence WHERE name='persons'")
                sql.execute("INSERT INTO sqlite_sequence(name, seq) VALUES ('persons', ?)", (above,))

    def forget_device(self, device: Device, actor: str, at: int) -> None:
        """Delete the device's row with its MAC, label and own rules; its enrolment id stays in the ledger."""
        detail = f"person:{device.person_id}>none" if device.person_id else ""
        made = self.ledger.chain([(device.enrolment, "", "forget", 0, detail)], actor, at)
        with self.db.transaction() as sql:
            sql.execute("DELETE FROM rules WHERE scope='device' AND owner=?", (device.id,))
            sql.execute("DELETE FROM requests WHERE device=?", (device.id,))
            content_rows.erase(sql, (content_rows.DEVICE, device.id))
            sql.execute("DELETE FROM devices WHERE id=?", (device.id,))
            self.ledger.insert(sql, made)
        self.ledger.take(made)

    # the household's rules

    def put_content(self, owner: Owner, new: Content) -> None:
        with self.db.transaction() as sql:
            self.content.put(sql, owner, new)
        self.clear()

    def rules(self) -> list[OwnRule]:
        return [OwnRule(*row) for row in self._rows(RULES)]

    def add_rule(self, rule: OwnRule) -> OwnRule:
        """Add a rule; the opposite one for the same name and scope goes, an equal one is renewed."""
        (rule.id,) = self.add_rules([rule])
        return rule

    def add_rules(self, rules: list[OwnRule]) -> list[int]:
        """Add some at once, as `add_rule` does; the numbers they get."""
        numbers = []
        with self.db.transaction() as sql:
            for rule in rules:
                key = (rule.name, rule.scope, rule.owner)
                sql.execute("DELETE FROM rules WHERE name=? AND scope=? AND owner=?", key)
                cursor = sql.execute(
                    "INSERT INTO rules(name, scope, owner, action, until, created, made) VALUES (?,?,?,?,?,?,?)",
                    (*key, rule.action, rule.until, rule.created, rule.made),
                )
                numbers.append(int(cursor.lastrowid or 0))
        self.clear()
        return numbers

    def remove_rule(self, rule_id: int) -> None:
        with self.db.transaction() as sql:
            if sql.execute("DELETE FROM rules WHERE id=?", (rule_id,)).rowcount == 0:
                raise NotFound("no rule " + str(rule_id))

    # what the people behind the devices ask for

    def add_request(self, device: int, kind: str, text: str, target: str | None, at: int) -> RequestRow:
        with self.db.transaction() as sql:
            cursor = sql.execute(
                "INSERT INTO requests(device, kind, text, target, at, state) VALUES (?,?,?,?,?,'open')",
                (device, kind, text, target, at),
            )
        return self._request(int(cursor.lastrowid or 0))

    def answer_request(self, request_id: int, answer: str, at: int) -> RequestRow | None:
        """The answered request; None when there is none of that id."""
        with self.db.transaction() as sql:
            query = "UPDATE requests SET state='answered', answer=?, answered_at=? WHERE id=?"
            found = sql.execute(query, (answer, at, request_id)).rowcount
        return self._request(request_id) if found else None

    def _request(self, request_id: int) -> RequestRow:
        query = "SELECT " + REQUEST_COLUMNS + " FROM requests WHERE id=?"
        return tuple(self.db.sql.execute(query, (request_id,)).fetchone())

    def requests(self, device: int | None, state: str | None, after: int, limit: int) -> list[RequestRow]:
        """Of a device or all, open, answered or both, by id."""
        query = (
            f"SELECT {REQUEST_COLUMNS} FROM requests WHERE id > ? AND (? IS NULL OR device=?)"
            " AND (? IS NULL OR state=?) ORDER BY id LIMIT ?"
        )
        found: list[RequestRow] = self.db.sql.execute(query, (after, device, device, state, state, limit)).fetchall()
        return found

    def requests_since(self, device: int, since: int, until: int) -> int:
        query = "SELECT COUNT(*) FROM requests WHERE device=? AND at > ? AND at <= ?"
        return int(self.db.sql.execute(query, (device, since, until)).fetchone()[0])

    def open_requests(self) -> int:
        return int(self.db.sql.execute("SELECT COUNT(*) FROM requests WHERE state='open'").fetchone()[0])

    # removals: what was erased, so that no snapshot brings it back; ids only, never a name

    def add_removal(self, kind: str, device: int, ids: str, age: int) -> int:
        """From here on it is to be finished, by the next start if need be: see `removals_done`."""
        with self.db.transaction() as sql:
            cursor = sql.execute(
                "INSERT INTO removals(kind, device, ids, age) VALUES (?,?,?,?)", (kind, device, ids, age)
            )
            sql.execute("INSERT OR REPLACE INTO meta VALUES ('erasing', '1')")
        return int(cursor.lastrowid or 0)

    @property
    def erasing(self) -> bool:
        """Whether a removal was begun, and not all of it is known to be done."""
        return self.meta("erasing", "") != ""

    def removals_done(self) -> None:
        if self.erasing:
            with self.db.transaction() as sql:
                sql.execute("DELETE FROM meta WHERE key='erasing'")

    def removals(self) -> list[tuple[int, str, int, str, int]]:
        query = "SELECT id, kind, device, ids, age FROM removals ORDER BY id"
        found: list[tuple[int, str, int, str, int]] = self.db.sql.execute(query).fetchall()
        return found

    def drop_removals(self, older_than_age: int) -> None:
        with self.db.transaction() as sql:
            sql.execute("DELETE FROM removals WHERE age < ?", (older_than_age,))

    # small things

    def boot(self, boot_id: str, at: int) -> None:
        """Commit this start. Whoever can't, must not record."""
        with self.db.transaction() as sql:
            sql.execute("INSERT INTO boots(at, boot) VALUES (?,?)", (at, boot_id))
            sql.execute("DELETE FROM boots WHERE id <= (SELECT MAX(id) FROM boots) - 50")

    def web(self, key: str) -> str | None:
        row = self.db.sql.execute("SELECT value FROM web WHERE key=?", (key,)).fetchone()
        return str(row[0]) if row else None

    def web_count(self) -> int:
        return int(self.db.sql.execute("SELECT COUNT(*) FROM web").fetchone()[0])

    def put_web(self, key: str, value: str | None) -> None:
        """Keep an opaque value for the web job; None deletes it."""
        with self.db.transaction() as sql:
            if value is None:
                sql.execute("DELETE FROM web WHERE key=?", (key,))
            else:
                sql.execute("INSERT OR REPLACE INTO web VALUES (?,?)", (key, value))
        self.clear()
