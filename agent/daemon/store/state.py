"""state.db: devices, people, the consent ledger, the household's rules, removals. On flash, durable at each commit."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from agent.control.messages import Row
from agent.core.consent import LedgerRow
from agent.core.content import Content
from agent.core.model import BadInput, Device, NotFound, Person, Sentence
from agent.core.policy import OwnRule
from agent.daemon.clock import STEP_S
from agent.daemon.store import content_rows
from agent.daemon.store.content_rows import ContentRows
from agent.daemon.store.database import Database, StorageError, WithMeta
from agent.daemon.store.ledger import Ledger
from agent.daemon.store.limit_rules import LimitRules, forget
from agent.daemon.store.owners import DEVICE, PERSON, Owner
from agent.daemon.store.removals import Removals
from agent.daemon.store.requests import Requests
from agent.daemon.store.scrubbing import scrub
from agent.daemon.store.sql import sqlite3
from agent.daemon.store.state_schema import MIGRATIONS

MYPY = False
if MYPY:  # not worth its memory
    from typing import Any

SLOTS = 255  # what the kernel's mark has room for; slot 0 means "no device"

RULES = "SELECT id, name, action, scope, owner, until, created, made FROM rules ORDER BY id"
DEVICES = "SELECT " + ", ".join(Device.__slots__).replace("person_id", "person") + " FROM devices ORDER BY label"


class State(WithMeta):
    """The authority on which devices were added and, by its ledger, on what is on. `sha256` is `bytes -> bytes`.

    Every method that changes something commits before it returns, or raises StorageError. `instead`: see Database.
    """

    def __init__(self, path: str, sha256: Callable[[bytes], bytes], instead: str | Sentence = "") -> None:
        self.db = Database(path, MIGRATIONS, "FULL", True, instead)
        try:
            self.ledger = Ledger(self.db, sha256)
            self.limits = LimitRules(self.db, self.ledger)
        except BaseException:
            self.db.close()
            raise
        self.requests = Requests(self.db)
        self.removals = Removals(self.db)
        self._seen: dict[str, list[Any]] = {}
        self.content = ContentRows(self.db, self._rows)

    def clear(self) -> None:
        """What was replaced or removed stays in no unused part of the file; it is small. StorageError."""
        for _ in scrub(self.db):
            continue

    # people and devices

    def devices(self) -> list[Device]:
        return [Device(*row) for row in self._rows(DEVICES)]

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
        raise NotFound(Sentence("no device {}", device_id))

    def persons(self) -> list[Person]:
        rows = self.db.sql.execute("SELECT id, name, grp, birth_month FROM persons ORDER BY name").fetchall()
        return [Person(*row) for row in rows]

    def person(self, person_id: int) -> Person:
        """BadInput when there is no person of that id."""
        for found in self.persons():
            if found.id == person_id:
                return found
        raise NotFound(Sentence("no person {}", person_id))

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
        if _taken(label, [(found.id, found.label) for found in self.devices()]):
            raise BadInput("a device with that name, MAC or address was added already")
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
        raise BadInput(Sentence("no room: at most {} devices can be added", SLOTS))

    def change(self, table: str, row_id: int, values: Row, note: tuple[list[str], str, str, int, str]) -> None:
        """Change columns of a device or person; `note` is (enrolments, action, actor, at, detail) for the ledger."""
        known = [(found.id, found.label) for found in self.devices()]
        if table == "persons":
            known = [(found.id, found.name) for found in self.persons()]
        name = values.get("label", values.get("name"))
        if isinstance(name, str) and _taken(name, known, row_id):
            raise BadInput("that name is taken already, or there is no such person")
        enrolments, action, actor, at, detail = note
        made = self.ledger.chain([(enrolment, "", action, 0, detail) for enrolment in enrolments], actor, at)
        columns = ", ".join(name + "=?" for name in values)
        try:
            with self.db.transaction() as sql:
                if table == "devices" and "person" in values:
                    # What somebody asked for is shown at their device, and to nobody whom it goes to.
                    other = "SELECT id FROM devices WHERE id=? AND person IS NOT NULL AND person IS NOT ?"
                    sql.execute("DELETE FROM requests WHERE device IN (" + other + ")", (row_id, values["person"]))
                sql.execute("UPDATE " + table + " SET " + columns + " WHERE id=?", (*values.values(), row_id))
                self.ledger.insert(sql, made)
        except sqlite3.IntegrityError as error:
            raise BadInput("that name is taken already, or there is no such person") from error
        self.ledger.take(made)
        self.clear()

    def add_person(self, name: str, group: str, birth_month: str | None) -> Person:
        if _taken(name, [(found.id, found.name) for found in self.persons()]):
            raise BadInput("there is a person of that name already")
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
            of_theirs = "device IN (SELECT id FROM devices WHERE person=?)"
            sql.execute("DELETE FROM requests WHERE person=? OR " + of_theirs, (person_id, person_id))
            sql.execute("UPDATE devices SET person=NULL WHERE person=?", (person_id,))
            sql.execute("DELETE FROM rules WHERE scope='person' AND owner=?", (person_id,))
            content_rows.erase(sql, (PERSON, person_id))
            forget(sql, (PERSON, person_id))
            sql.execute("DELETE FROM persons WHERE id=?", (person_id,))
        self.ledger.take(list(told))
        self.limits.load()

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
            content_rows.erase(sql, (DEVICE, device.id))
            forget(sql, (DEVICE, device.id))
            sql.execute("DELETE FROM devices WHERE id=?", (device.id,))
            self.ledger.insert(sql, made)
        self.ledger.take(made)
        self.limits.load()

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
                raise NotFound(Sentence("no rule {}", rule_id))

    def set_rules_right(self, by: int, jump: int, began: int, upto: int, frame: int) -> None:
        """The clock was set: rules of these ages whose wall time minus age was `frame` are `by` later. What was made
        for a time counts by age; its wall times are for display."""
        which = "made BETWEEN ? AND ? AND ABS(created - made - ?) <= ?"
        query = "UPDATE rules SET until = until + ?, created = created + ?, made = made + ? WHERE " + which
        with self.db.transaction() as sql:
            sql.execute(query, (by, by, jump, began, upto, frame, STEP_S))

    # small things

    def boot(self, boot_id: str, at: int) -> None:
        """Commit this start. Whoever can't, must not record."""
        with self.db.transaction() as sql:
            sql.execute("INSERT INTO boots(at, boot) VALUES (?,?)", (at, boot_id))
            sql.execute("DELETE FROM boots WHERE id <= (SELECT MAX(id) FROM boots) - 50")

    def web(self, key: str) -> str | None:
        row = self.db.sql.execute("SELECT value FROM web WHERE key=?", (key,)).fetchone()
        return str(row[0]) if row else None

    def web_values(self) -> dict[str, str]:
        return dict(self.db.sql.execute("SELECT key, value FROM web ORDER BY key").fetchall())

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


def answered(sql: sqlite3.Connection, request_id: int, answer: str, at: int) -> None:
    """Within a transaction: what was asked for has its answer."""
    sql.execute("UPDATE requests SET state='answered', answer=?, answered_at=? WHERE id=?", (answer, at, request_id))


def _taken(name: str, known: list[tuple[int, str]], own: int = 0) -> bool:
    """By another row; by its letters alone nobody tells Tom from tom."""
    return any(row_id != own and other.casefold() == name.casefold() for row_id, other in known)
