"""The folder of downloaded list texts, and what is known of each. Every change is one rename.

`ID.gz` is the text in use, `ID.next` a newer one that waits to be judged or decided over, `ID.part` a download under
way, all packed: on a router the folder is in memory. `state.json` is written after a text is in place: a text that it
does not know is thrown away.
"""

import contextlib
import json
import os
from collections.abc import Callable

from agent.control.messages import Row
from agent.core.model import BadInput, Sentence
from agent.jobs.fetch import Failed
from agent.platform.gzip_text import TextWriter, text_hash
from agent.platform.memory import available_bytes

STATE = "state.json"
CURRENT = ".gz"
# Stay away from the last megabytes: on a router this is memory that other programs need, too.
RESERVE_BYTES = 8 << 20
CHECK_BYTES = 1 << 20
# A router of 128 MB has some 40 MB to be had while this job runs, one of 256 MB more than 100.
SHORT_BYTES = 48 << 20


class NoRoom(Failed):
    """The folder's file system is full, or nearly."""


class Text:
    """What is known of a feed's text: `version` is the date and a hash of the content, `rules` what was read of it,
    `skipped` how many lines were not, by reason."""

    def __init__(self, version: str, fetched: int, rules: int = 0, skipped: dict[str, int] | None = None) -> None:
        self.version = version
        self.fetched = fetched
        self.rules = rules
        self.skipped = skipped or {}

    @property
    def hash(self) -> str:
        return self.version.rpartition(".")[2]


class Entry:
    """What is known of one feed. `etag` and `modified` belong to the text that came last, also a refused one."""

    def __init__(self) -> None:
        self.etag = ""
        self.modified = ""
        self.current: Text | None = None
        self.next: Text | None = None
        self.dropped = False  # the text in use went to save memory; it is compiled, and fetched again when it is needed
        self.held = ""  # why `next` waits for the household
        self.rejected = ""  # the version that the household refused
        self.checked = 0
        self.update = 0  # the number of the update that checked it last
        self.begun = 0  # the number of the update that began to fetch it last
        self.cut_off = 0  # how often that one ended while it did
        self.failures = 0
        self.not_before = 0  # our own pause after failures
        self.asked_until = 0  # the server wants to be left alone until then
        self.message = ""  # packed, as `held` is


class Store:
    """`reserve_bytes` stay free. BadInput when the folder can't be used."""

    def __init__(
        self,
        folder: str,
        reserve_bytes: int = RESERVE_BYTES,
        available: Callable[[], int | None] = available_bytes,
    ) -> None:
        self._folder = folder
        self._available = available
        self.make_room: Callable[[], object] = lambda: None
        self._reserve = reserve_bytes
        self.entries: dict[str, Entry] = {}
        try:
            with open(self.path(STATE), encoding="ascii") as file:
                self.entries = {id: _entry(row) for id, row in json.load(file).items()}
        except FileNotFoundError:
            pass
        except (ValueError, TypeError, AttributeError):
            pass  # of another version or damaged: the texts come anew
        except OSError as error:
            raise BadInput(Sentence("{} can't be used: {}", folder, error.strerror)) from error
        self._tidy()

    def path(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def entry(self, id: str) -> Entry:
        return self.entries.setdefault(id, Entry())

    def only(self, ids: list[str]) -> None:
        """Texts of lists that nobody wants any more go: they lie in memory."""
        if set(self.entries) - set(ids):
            self.entries = {id: entry for id, entry in self.entries.items() if id in ids}
            self.save()
            self._tidy()

    def save_memory(self) -> None:
        """Where memory is short the texts go that are compiled: on a router this folder is memory."""
        memory = self._available()
        used = [entry for entry in self.entries.values() if entry.current and not entry.dropped]
        if memory is not None and memory < SHORT_BYTES and used:
            for entry in used:
                entry.dropped = True
            self.save()
            self._tidy()

    def bring_back(self, id: str) -> None:
        """The part file is the text in use, which was dropped."""
        os.rename(self.path(id + ".part"), self.path(id + CURRENT))
        self.entry(id).dropped = False
        self.save()

    def _tidy(self) -> None:
        """What a killed run left, and what somebody removed."""
        known = {STATE}
        for id, entry in self.entries.items():
            if entry.current and not entry.dropped and not os.path.exists(self.path(id + CURRENT)):
                entry.current = None
            if entry.next and self._hash_of(id + ".next") != entry.next.hash:
                # Killed while it took the current one's place: it has done so, or it is lost.
                if self._hash_of(id + CURRENT) == entry.next.hash:
                    entry.current, entry.dropped = entry.next, False
                entry.next, entry.held = None, ""
            if entry.current is None and entry.next is None and not entry.rejected:
                entry.etag = entry.modified = ""
            known |= {id + CURRENT} if entry.current and not entry.dropped else set()
            known |= {id + ".next"} if entry.next else set()
        for name in os.listdir(self._folder):
            if name not in known:
                self._remove(name)

    def _hash_of(self, name: str) -> str:
        try:
            return text_hash(self.path(name))
        except (FileNotFoundError, BadInput):
            return ""

    def save(self) -> None:
        rows = {id: _row(entry) for id, entry in sorted(self.entries.items())}
        try:
            with open(self.path(STATE + ".new"), "w", encoding="ascii") as file:
                json.dump(rows, file)
                file.flush()
                os.fsync(file.fileno())
            os.rename(self.path(STATE + ".new"), self.path(STATE))
        except OSError as error:
            raise NoRoom(Sentence("the lists' folder can't be written: {}", error.strerror)) from error

    def receive(self, id: str, download: Callable[[Callable[[bytes], None]], bool]) -> str | None:
        """Have `download(write)` fill the part file; the content's hash, or None when it says that nothing changed."""
        part = self.path(id + ".part")
        try:
            with open(part, "wb") as file:
                text = TextWriter(file)
                changed = download(self._writer(text.write))
                hash = text.finish()
                file.flush()
                os.fsync(file.fileno())
            return hash if changed else None
        except OSError as error:
            raise NoRoom(Sentence("no room for the list: {}", error.strerror)) from error

    def _writer(self, write: Callable[[bytes], object]) -> Callable[[bytes], None]:
        unchecked = CHECK_BYTES

        def careful(piece: bytes) -> None:
            nonlocal unchecked
            unchecked += len(piece)
            if unchecked >= CHECK_BYTES:
                unchecked = 0
                self.require(CHECK_BYTES)
            try:
                write(piece)
            except OSError as error:
                raise NoRoom(Sentence("no room for the list: {}", error.strerror)) from error

        return careful

    def require(self, size_bytes: int) -> None:
        """NoRoom unless so much can be written and the reserve stays, if need be after `make_room`."""
        try:
            self._require(size_bytes)
        except NoRoom:
            self.make_room()
            self._require(size_bytes)

    def _require(self, size_bytes: int) -> None:
        found = os.statvfs(self._folder)
        free = found.f_bavail * found.f_frsize
        if free < size_bytes + self._reserve:
            raise NoRoom(
                Sentence("storage is low: {} MB free for lists, {} MB must stay free", free >> 20, self._reserve >> 20)
            )
        memory = self._available()
        if memory is not None and memory < size_bytes + self._reserve:
            raise NoRoom(
                Sentence("memory is short: {} MB free, {} MB must stay free", memory >> 20, self._reserve >> 20)
            )

    def keep_next(self, id: str, text: Text) -> None:
        """The part file is the feed's next text."""
        os.rename(self.path(id + ".part"), self.path(id + ".next"))
        entry = self.entry(id)
        entry.next, entry.held = text, ""
        self.save()

    def drop_part(self, id: str) -> None:
        self._remove(id + ".part")

    def drop_next(self, id: str) -> None:
        entry = self.entry(id)
        entry.next, entry.held = None, ""
        self.save()
        self._remove(id + ".next")

    def promote(self, id: str) -> None:
        """The next text is the one in use; `_tidy` finishes what is cut off in between."""
        entry = self.entry(id)
        os.rename(self.path(id + ".next"), self.path(id + CURRENT))
        entry.current, entry.next, entry.held, entry.rejected = entry.next, None, "", ""
        entry.dropped = False
        self.save()

    def _remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            os.unlink(self.path(name))


def _row(entry: Entry) -> Row:
    row = dict(vars(entry))
    for key in ("current", "next"):
        row[key] = vars(row[key]) if row[key] else None
    return row


def _entry(row: Row) -> Entry:
    entry = Entry()
    for key, value in vars(entry).items():
        found = row.get(key)
        if key in ("current", "next"):
            setattr(entry, key, Text(**found) if isinstance(found, dict) else None)
        elif isinstance(found, type(value)):
            setattr(entry, key, found)
    return entry
