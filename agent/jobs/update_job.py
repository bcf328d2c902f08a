"""The feeds job: fetches the household's lists, judges them, compiles them, and offers the set to the daemon.

Started by the daemon with a control connection, a folder for texts and an open file for the finished set. Killed at any
moment, it leaves texts and set as they were or as they are to be; the next run goes on where this one ended.
"""

import os
import socket
import sys
import time
from collections.abc import Callable

from agent.client import ControlClient, ControlError, Unreachable
from agent.control.messages import Row
from agent.core.feed_schedule import PAUSE_MAX_S, Feed, doubt, pause_s
from agent.core.match import split_authority
from agent.core.model import BadInput, Sentence, packed, said_by, spoken, unpacked
from agent.core.names import PublicSuffixes
from agent.core.syntaxes import url_key
from agent.jobs.compile import CompileResult, Source, compile_lists
from agent.jobs.feedstore import CURRENT, Entry, NoRoom, Store, Text
from agent.jobs.fetch import SAID_MAX, UNFORESEEN, Failed, Fetched, FetchLimits, fetch
from agent.jobs.guarded import read_guarded
from agent.jobs.knownsites import read_shared
from agent.jobs.starter import starter_lists
from agent.platform.gzip_text import text_size
from agent.platform.rulefile import open_ruleset

SET = "set.bin"
TELL_S = 0.5  # between two words on the progress
COPY_BYTES = 1 << 18
# Compiling spills and writes some 30 bytes a rule, and a rule has some 20 bytes of text.
COMPILE_FACTOR = 2
CUT_OFF_MAX = 2  # a switched-off protection or a restart may hit the same list once more by chance
OUT_OF_MEMORY = "memory is short: choose fewer or shorter lists"
# For so long the whole set of before a reboot protects better than a new one that lacks a list: names live for days.
LOST_S = 3 * 86400

FEED_TEXTS = ("id", "name", "address", "syntax", "category")


class FetchPlan:
    """What the daemon wants: see `Feeds.plan` in the daemon."""

    def __init__(self, row: Row) -> None:
        self.feeds = [_feed(of) for of in _rows(row["feeds"])]
        self.fetch = row["fetch"] is True
        self.forced = row["forced"] is True
        self.number = _int(row["number"])
        self.fetched = {str(of["id"]): _int(of.get("fetched")) for of in _rows(row["in_use"])}
        self.protecting = row.get("protecting", bool(row["in_use"])) is True  # by what is in use meanwhile
        self.in_use = {str(of["id"]): str(of["version"]) for of in _rows(row["in_use"])}
        self.decisions = {str(of["id"]): of for of in _rows(row["decisions"])}
        self.suffixes_file = str(row["suffixes_file"])
        self.popular_file = str(row["popular_file"])
        self.shared_file = str(row["shared_file"])
        self.starter_dir = str(row.get("starter_dir", ""))


class UpdateRun:
    """One run. `tell(op, **arguments)` speaks to the daemon, `finished(path)` takes the compiled file, `step(name)` is
    called at each point after which a crash would leave something else; for tests."""

    def __init__(
        self,
        plan: FetchPlan,
        store: Store,
        tell: Callable[..., object],
        finished: Callable[[str], None],
        step: Callable[[str], None] = lambda name: None,
        limits: FetchLimits | None = None,
    ) -> None:
        self._plan = plan
        self._store = store
        store.make_room = lambda: tell("feeds.room")  # the set that is there only to go back to is given up
        self._tell = tell
        self._finished = finished
        self._step = step
        self._limits = limits
        self._told = 0.0
        self._accepted: set[str] = set()
        self.message: str | Sentence = ""

    def run(self) -> bool:
        """Whether a new set was offered."""
        offered = False
        try:
            self._store.only([feed.id for feed in self._plan.feeds])
            self._decisions()
            if self._plan.fetch:
                for feed in sorted(self._plan.feeds, key=self._was_cut_off):
                    self._fetch(feed)
            offered = self._compile()
            self._store.save_memory()
        except NoRoom as error:
            self.message = said_by(error)
        except MemoryError:
            self.message = OUT_OF_MEMORY
        rows = [_outcome(feed.id, self._store.entry(feed.id)) for feed in self._plan.feeds]
        self._tell("feeds.outcome", items=rows, offered=offered, **spoken("message", self.message))
        return offered

    def _decisions(self) -> None:
        for id, decision in sorted(self._plan.decisions.items()):
            entry = self._store.entry(id)
            if entry.next is None or entry.next.version != decision["version"]:
                continue
            if decision["accept"] is True:
                self._accepted.add(id)
                entry.held = ""
            else:
                entry.rejected = entry.next.version
                self._store.drop_next(id)
        self._step("decided")

    # fetching

    def _was_cut_off(self, feed: Feed) -> bool:
        """Those come last: whatever ended the job while it fetched one, the others have their turn before."""
        entry = self._store.entry(feed.id)
        return entry.begun == self._plan.number != entry.update

    def _fetch(self, feed: Feed) -> None:
        entry, now = self._store.entry(feed.id), int(time.time())
        if entry.update == self._plan.number:
            return  # by an earlier run of this update, which was cut off
        if now < entry.asked_until or (now < entry.not_before and not self._plan.forced):
            return
        self._fetch_now(feed, entry, now)

    def _fetch_dropped(self) -> None:
        """Something has changed: texts that went to save memory are needed once more."""
        for feed in self._plan.feeds:
            entry = self._store.entry(feed.id)
            if entry.dropped and (entry.next is None or entry.held):
                entry.etag = entry.modified = ""
                self._fetch_now(feed, entry, int(time.time()))

    def _fetch_now(self, feed: Feed, entry: Entry, now: int) -> None:
        self._progress("fetch", feed, 0, 0, True)
        again = self._was_cut_off(feed)
        entry.begun, entry.cut_off = self._plan.number, entry.cut_off + 1 if again else 0
        self._store.save()
        self._step("begun")
        try:
            if entry.cut_off >= CUT_OFF_MAX:
                raise Failed("its download has ended the update again and again")
            self._receive(feed, entry, now)
            entry.failures = entry.not_before = entry.asked_until = 0
            entry.message = entry.message if entry.rejected else ""
        except MemoryError:
            _failed(entry, OUT_OF_MEMORY, now, self._plan.protecting)
        except Failed as error:
            _failed(entry, said_by(error), now, self._plan.protecting, error.reached)
            if isinstance(error, NoRoom):
                self.message = said_by(error)  # it may concern all; a shorter list may still fit
            entry.asked_until = now + self._wait_s(entry, error) if error.wait_s else 0
        finally:
            self._store.drop_part(feed.id)
        entry.checked, entry.update = now, self._plan.number
        self._store.save()
        self._step("fetched")

    def _wait_s(self, entry: Entry, error: Failed) -> int:
        """What a server asked for; an hour at most while nothing of its list is there to protect anybody."""
        wait_s = error.wait_s or 0
        return wait_s if entry.current or self._plan.protecting else min(wait_s, PAUSE_MAX_S)

    def _receive(self, feed: Feed, entry: Entry, now: int) -> None:
        got = Fetched(False, "", "")

        def download(write: Callable[[bytes], None]) -> bool:
            nonlocal got
            known = (entry.etag, entry.modified)
            got = fetch(
                feed.address,
                write,
                *known,
                self._limits,
                lambda done, total: self._progress("fetch", feed, done, total),
            )
            return got.changed

        hash = self._store.receive(feed.id, download)
        self._step("received")
        if hash is None:
            if not (entry.current or entry.next or entry.rejected):
                raise Failed("the server says that a list did not change that was never had")
            return
        entry.etag, entry.modified = got.etag, got.modified
        if entry.dropped and entry.current and hash == entry.current.hash:
            self._store.bring_back(feed.id)
        if hash in [text.hash for text in (entry.current, entry.next) if text]:
            return
        if entry.rejected.endswith(hash):
            return
        version = time.strftime("%Y-%m-%d", time.gmtime(now)) + "." + hash
        self._store.keep_next(feed.id, Text(version, now))
        self._step("kept")

    # compiling and judging

    def _compile(self) -> bool:
        """Compile what is there, without what must wait; a text that is no list goes."""
        if self._plan.in_use and self._versions() == self._plan.in_use:
            self._promote(self._sources())
            return False
        self._fetch_dropped()
        while True:
            sources = self._sources()
            lost = self._lost(sources)
            if lost:
                self.message = Sentence("not to be had again: {}; the set in use stays", ", ".join(lost))
                return False
            if not sources:
                return self._starter()
            if {source.id: source.version for source in sources} == self._plan.in_use:
                self._promote(sources)
                return False
            self._store.require(COMPILE_FACTOR * sum(text_size(source.path) for source in sources))
            try:
                report = self._compiled(sources)
            except BadInput as error:
                self._refuse(str(error), sources)
                continue
            except OSError as error:
                raise NoRoom(Sentence("the lists can't be compiled: {}", error.strerror)) from error
            self._step("compiled")
            if self._judge(report, sources):
                self._finish(sources)
                return True

    def _starter(self) -> bool:
        """Until a list can be had, or when none is chosen any more: the names that come with the agent, for trying."""
        if self._plan.feeds:
            self.message = self.message or "no list could be had yet"
        sources = starter_lists(self._plan.starter_dir)
        there = {source.id: source.version for source in sources}
        if there == self._plan.in_use or (self._plan.feeds and (self._plan.in_use or not sources)):
            return False
        self._compiled(sources)
        self._finish(sources)
        return True

    def _lost(self, sources: list[Source]) -> list[str]:
        """The lists of the set in use whose texts went with a reboot: without them less would be blocked than now."""
        there = {source.id for source in sources}
        since = time.time() - LOST_S
        return [
            feed.id
            for feed in self._plan.feeds
            if self._plan.protecting and feed.id not in there and self._plan.fetched.get(feed.id, 0) > since
        ]

    def _versions(self) -> dict[str, str]:
        """What a new set would hold of each list, whether its text is there or was dropped."""
        entries = {feed.id: self._store.entry(feed.id) for feed in self._plan.feeds}
        texts = {id: entry.next if entry.next and not entry.held else entry.current for id, entry in entries.items()}
        return {id: text.version for id, text in texts.items() if text}

    def _sources(self) -> list[Source]:
        found = []
        for feed in self._plan.feeds:
            entry = self._store.entry(feed.id)
            waiting = entry.next if not entry.held else None
            text = waiting or entry.current
            if text and (waiting or not entry.dropped):
                path = self._store.path(feed.id + (".next" if waiting else CURRENT))
                found.append(
                    Source(path, feed.id, feed.name, text.version, feed.category, feed.syntax or None, text.fetched)
                )
        return found

    def _compiled(self, sources: list[Source]) -> CompileResult:
        def progress(done: int, total: int) -> None:
            self._progress("compile", None, done, total)

        suffixes = _suffixes(self._plan.suffixes_file)
        shared = read_shared(self._plan.shared_file, self._plan.popular_file, suffixes)
        plan = self._plan
        needed = os.path.join(os.path.dirname(plan.shared_file), "needed-hosts.txt")
        own = [key for feed in plan.feeds if (key := _host(feed.address))]
        guarded = read_guarded(plan.shared_file, needed, plan.popular_file, own)
        return compile_lists(sources, self._store.path(SET), None, suffixes, progress, shared, guarded)

    def _refuse(self, message: str, sources: list[Source]) -> None:
        """The compiler names the list that is none: its text goes, and what was in use before stays in use."""
        id, _, why = message.partition(": ")
        (source,) = [source for source in sources if source.id == id]
        entry = self._store.entry(id)
        _failed(entry, why, int(time.time()))
        if source.path.endswith(".next"):
            entry.rejected = source.version
            self._store.drop_next(id)
        else:
            entry.current = None
            self._store.save()

    def _judge(self, report: CompileResult, sources: list[Source]) -> bool:
        """Whether all may be taken into use; what may not is held."""
        self._progress("check", None, 0, 0, True)
        feeds = {feed.id: feed for feed in self._plan.feeds}
        self._verify()
        good = True
        for of, source in zip(report.lists, sources, strict=True):
            entry = self._store.entry(of.id)
            text = entry.next if source.path.endswith(".next") else entry.current
            if text is not None:
                text.rules, text.skipped = of.read, of.skipped
            if text is not entry.next:
                continue
            before = entry.current.rules if entry.current else None
            why = doubt(of.read, before, feeds[of.id].rules, of.guarded)
            if why and of.id not in self._accepted:
                entry.held, good = packed(why), False
        self._store.save()
        self._step("judged")
        return good

    def _verify(self) -> None:
        ruleset = open_ruleset(self._store.path(SET))
        try:
            ruleset.verify()
        finally:
            ruleset.close()

    def _finish(self, sources: list[Source]) -> None:
        self._progress("swap", None, 0, 0, True)
        try:
            self._finished(self._store.path(SET))
        except OSError as error:
            raise NoRoom(Sentence("the compiled lists can't be written: {}", error.strerror)) from error
        finally:
            os.unlink(self._store.path(SET))
        self._step("written")
        self._promote(sources)

    def _promote(self, sources: list[Source]) -> None:
        for source in sources:
            if source.path.endswith(".next"):
                self._store.promote(source.id)
                self._step("promoted")

    def _progress(self, step: str, feed: Feed | None, done: int, total: int, at_once: bool = False) -> None:
        now = time.monotonic()
        if at_once or now - self._told >= TELL_S:
            self._told = now
            self._tell("feeds.progress", step=step, done=done, total=total, list_id=feed.id if feed else None)


def _failed(entry: Entry, message: str | Sentence, now: int, protecting: bool = True, reached: bool = True) -> None:
    entry.failures += 1
    chance = int.from_bytes(os.urandom(2), "big") / 65536
    entry.not_before = now + pause_s(entry.failures, chance, protecting, reached)
    entry.message = packed(message)


def _outcome(id: str, entry: Entry) -> Row:
    held = None
    if entry.next and entry.held:
        held = {"version": entry.next.version, "rules": entry.next.rules, **spoken("reason", unpacked(entry.held))}
    return {
        "id": id,
        "version": entry.current.version if entry.current else None,
        "fetched": entry.current.fetched if entry.current else None,
        "skipped": entry.current.skipped if entry.current else {},
        "checked": entry.checked,
        "failures": entry.failures,
        "next_at": max(entry.not_before, entry.asked_until),
        **spoken("message", unpacked(entry.message)),
        "held": held,
    }


def _feed(row: Row) -> Feed:
    id, name, address, syntax, category = [str(row[key] or "") for key in FEED_TEXTS]
    return Feed(id, name, address, syntax, category, "", "", True, _int(row["rules"]), "")


def _host(address: str) -> bytes | None:
    key = url_key(address.partition("://")[2].encode())
    return None if key is None else split_authority(key.split(b"/", 1)[0])[0]


def _rows(value: object) -> list[Row]:
    return value if isinstance(value, list) else []


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _suffixes(path: str) -> PublicSuffixes | None:
    try:
        with open(path, "rb") as file:
            return PublicSuffixes(file.read())
    except (OSError, BadInput):
        return None


def deliver(descriptor: int) -> Callable[[str], None]:
    """Copies the finished set into the file that the daemon opened, durably."""

    def copy(path: str) -> None:
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        with open(path, "rb") as file:
            while piece := file.read(COPY_BYTES):
                while piece:
                    piece = piece[os.write(descriptor, piece) :]
        os.fsync(descriptor)

    return copy


def main() -> int:
    client = ControlClient(socket.socket(fileno=int(os.environ["PRIVACY_AGENT_CONTROL_FD"])))
    try:
        plan = FetchPlan(client.call("feeds.plan"))
        store = Store(os.environ["PRIVACY_AGENT_LISTS_DIR"])
        UpdateRun(plan, store, client.call, deliver(int(os.environ["PRIVACY_AGENT_SET_FD"]))).run()
    except BadInput as error:
        client.call("feeds.outcome", items=[], offered=False, **spoken("message", said_by(error)))
    except UNFORESEEN as error:
        said = Sentence("something unforeseen: {}: {}", type(error).__name__, str(error)[:SAID_MAX])
        client.call("feeds.outcome", items=[], offered=False, **spoken("message", said))
        raise
    except (Unreachable, ControlError) as error:
        print(f"privacy-agent: feeds: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
