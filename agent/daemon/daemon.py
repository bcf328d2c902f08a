"""The daemon: built, started, run, stopped. Reads as a list."""

import os
import time
from collections.abc import Callable, Generator
from functools import partial

from agent.core import settings as settings_table
from agent.core.history import DAY_S
from agent.core.model import BadInput, Sentence, said_by
from agent.core.settings import Settings
from agent.daemon import bootstrap, locks
from agent.daemon.erasing import snapshot, tidy
from agent.daemon.guard import EX_CONFIG, EX_UNAVAILABLE
from agent.daemon.household import Household
from agent.daemon.limits.keeper import TURN_S
from agent.daemon.log import say
from agent.daemon.loop import Loop, Repeat
from agent.daemon.operations.switches import end_for_guests
from agent.daemon.pace import Pace
from agent.daemon.runtime.live_edges import LiveEdges
from agent.daemon.runtime.web_job import WebJob, web_job
from agent.daemon.store import joining
from agent.daemon.store.database import StorageError, storing
from agent.platform import lastwords
from agent.platform.cmodules import signal, socket

FLUSH_S = 1.0  # a batch a second: a loss of power takes RAM anyway, and off commits what waits
TELL_S = 5.0  # an open page asks anew each time
RETENTION_S = 60.0
KERNEL_S = 2.0
MINUTE_S = 60.0  # of use: what is counted is asked for once in it
RULES_S = 5.0
SAVE_S = 6 * 3600.0  # the age clock on flash: what a power cut can take from it
BIRTHDAYS_S = 3600.0
DUE_S = 60.0  # what takes effect a day after it was decided
GUESTS_S = 10.0
NOTICES_S = 2.0
ARRIVALS_S = 3.0  # a device that is protected at once has hardly begun
RETRY_BOOT_S = 5.0
SAVE_OFF_S = 2.0  # an off that storage refused; a commit that fails wears flash hardly less than one that succeeds
RETRY_WEB_S = 10.0  # a LAN address may come later than the daemon
STOP_SNAPSHOT_S = 8.0  # the guard waits 10 s before it ends the daemon for good
LOCKED_DAYS = 30  # no record may be older
REMOVALS_AGE_S = 31 * DAY_S  # after the longest retention no snapshot holds the rows any more


STORAGE_BACK = "the storage can be used again: starting again"


def read(path: str, overrides: str) -> Settings:
    """The settings of a file ("-": none) with a JSON object of overrides; BadInput."""
    text = ""
    if path != "-":
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeError) as error:
            raise BadInput(f"the settings file {path} can't be read: {error}") from error
    return settings_table.read(text, settings_table.parse(overrides))


def serve(
    path: str,
    overrides: str,
    heartbeat: int,
    netlink: socket.socket | None,
    pace: Pace | None = None,
) -> int:
    """Run until told to stop or the guard has gone; returns the exit code. `pace` is the product's if none is given."""
    loop = Loop()
    loop.heartbeat(heartbeat)
    loop.add(heartbeat, loop.stop)
    try:
        settings = read(path, overrides)
        locks.hold(settings)
        daemon = Daemon(settings, loop, netlink, pace or Pace())
    except locks.Taken as error:
        say(f"cannot start: {error}")  # in the log alone: the folder is the other's
        return EX_UNAVAILABLE
    except (StorageError, OSError, BadInput) as error:
        cannot_start(error)
        # What can't cure itself ends with a code of its own; for the rest, the guard tries again.
        return EX_CONFIG if isinstance(error, BadInput) else 1
    signal.signal(signal.SIGTERM, lambda number, frame: loop.stop())
    signal.signal(signal.SIGINT, lambda number, frame: loop.stop())
    signal.signal(signal.SIGHUP, lambda number, frame: loop.after(0, lambda: daemon.reload(path, overrides)))
    daemon.start()
    loop.run()
    daemon.stop()
    return daemon.edges.code


def cannot_start(error: Exception) -> None:
    say(f"cannot start: {error}")
    lastwords.leave(f"cannot start: {error}")


class Daemon:
    """The household and the parts with sockets. StorageError, OSError when they can't be made."""

    def __init__(self, settings: Settings, loop: Loop, netlink: socket.socket | None, pace: Pace) -> None:
        self.loop = loop
        self.settings = settings
        self.edges = LiveEdges(loop, settings, netlink, pace)
        self.household = bootstrap.build(settings, self.edges)
        self.edges.open(self.household)
        self.web: WebJob | None = None
        self._copying: Repeat | None = None
        self._flushing = False
        self._refused: dict[Callable[[], float | None], str | Sentence] = {}

    def start(self) -> None:
        """Open the gate, load the lists, and begin what repeats."""
        household, edges = self.household, self.edges
        household.begin()
        household.kept_lists.restore(household.feeds.file)
        self._tried(household.load_lists)
        if household.stale_snapshot:
            self.loop.task(tidy(household))
        if household.trouble:
            self.loop.after(RETRY_BOOT_S, self._retry_boot)
        if edges.neighbours.fileno() >= 0:
            self.loop.add(edges.neighbours.fileno(), edges.neighbours.read)
        self._serve_web()
        edges.updates.begin()
        edges.reporting.begin()
        for seconds, call in self._repeated():
            self.loop.every(seconds, partial(self._tried, call))
        self._keep()
        self._copies()
        household.in_force.also(settings_table.COPIES, self._copies)
        household.in_force.also(settings_table.POLICY, edges.check_connections)
        if edges.kernel:
            self.loop.stood = edges.check_kernel
            # In the first turn, which begins with a beat: before it the guard would not notice a silence.
            self.loop.after(0, edges.kernel.begin)
        if edges.holding:
            self.loop.after(0, edges.holding.holding.begin)
        if edges.counting:
            self.loop.after(0, edges.counting.begin)
        lastwords.clear()
        say("ready")

    def _serve_web(self) -> None:
        """The page is not worth a dead daemon: an address that is not there yet is tried again."""
        try:
            self.web = web_job(self.loop, self.settings, self.edges.control)
        except BadInput as error:
            say(f"the web page is not served: {error}")
        except OSError as error:
            say(f"the web page is not served yet: {error.strerror}; trying again")
            self.loop.after(RETRY_WEB_S, self._serve_web)

    def _repeated(self) -> list[tuple[float, Callable[[], None]]]:
        household = self.household
        return [
            (FLUSH_S, self._flush),
            (TELL_S, self._tell),
            (RETENTION_S, self._expire),
            (KERNEL_S, self.edges.check_kernel),
            (KERNEL_S, self.edges.check_holding),
            (KERNEL_S, self.edges.check_counting),
            (MINUTE_S, household.screen_time.minute),
            (KERNEL_S, self.edges.check_connections),
            (RULES_S, lambda: household.new_policy() if household.policies.rule_over() else None),
            (SAVE_S, self._save_clock),
            (SAVE_OFF_S, self._save_off),
            (BIRTHDAYS_S, household.people.birthdays),
            (DUE_S, household.people.due),
            (NOTICES_S, self.edges.messenger.check),
            (ARRIVALS_S, household.look_for_arrivals),
            (GUESTS_S, lambda: end_for_guests(household)),
        ]

    def _keep(self) -> None:
        """Whether somebody is to be held or freed; by the second, and closer where that is near."""
        wait_s: float | None = None
        try:
            wait_s = self._attempt(self.household.keeper.tick)
        finally:
            self.loop.after(wait_s or TURN_S, self._keep)

    def _tried(self, call: Callable[[], None]) -> None:
        self._attempt(call)

    def _attempt(self, call: Callable[[], float | None]) -> float | None:
        """What it gives. Storage that refuses is said until the same call succeeds; it is tried again the next time."""
        recorder = self.household.recorder
        try:
            given = call()
        except StorageError as error:
            self._refused[call] = recorder.trouble = said_by(error)
            return None
        if self._refused.pop(call, None) == recorder.trouble:
            recorder.trouble = ""
        return given

    def _tell(self) -> None:
        """Open pages hear that a device's history has grown, not what was contacted."""
        grown, self.household.recorder.grown = self.household.recorder.grown, set()
        for device_id in sorted(grown):
            self.edges.publish({"event": "history", "device_id": device_id})

    def _flush(self) -> None:
        # What was noted of queries and connections is recorded by their own timers.
        if not self._flushing:
            self._flushing = True
            self.loop.task(self._flush_in_pieces())

    def _flush_in_pieces(self) -> Generator[None, None, None]:
        try:
            yield from self.household.flush_in_pieces()
            self.household.snapshots.finished()
        except StorageError as error:
            self.household.recorder.trouble = said_by(error)
        finally:
            self._flushing = False

    def _expire(self) -> None:
        household = self.household
        if household.snapshots.locked and joining.over(household.state, household.clock.age(), LOCKED_DAYS):
            household.snapshots.drop()
        if bootstrap.expire(household):
            self.loop.after(0.05, partial(self._tried, self._expire))
        household.state.db.refill()
        household.records.db.refill()

    def _save_off(self) -> None:
        """What is off and not durable yet."""
        household = self.household
        try:
            if household.toggles.booted and household.toggles.save_again():
                household.announcements.noted()
                self.edges.publish({"event": "status"})
        except StorageError:
            if household.state.db.works_anew():
                self.edges.restart(STORAGE_BACK)

    def _copies(self) -> None:
        """Copies of the history, at the pace of now; the first at once where there is none yet."""
        if self._copying:
            self._copying.cancel()
        self._copying = self.loop.every(
            self.settings.number("snapshot_hours") * 3600.0, partial(self._tried, self._snapshot)
        )
        if self.household.snapshots.wanted and not self.household.snapshots.exists:
            self.loop.after(0, partial(self._tried, self._snapshot))

    def _snapshot(self) -> None:
        self.loop.task(snapshot(self.household))
        self._save_clock()

    def _save_clock(self) -> None:
        household = self.household
        household.state.put_meta("clock", household.clock.save())
        household.state.removals.drop(household.clock.age() - REMOVALS_AGE_S)

    def _retry_boot(self) -> None:
        household = self.household
        broken = [db for db in (household.state.db, household.records.db) if db.broken]
        # All of them: the history stands in for as long as the state can't be used, whatever its own file is like.
        if broken and all(db.works_anew() for db in broken):
            self.edges.restart(STORAGE_BACK)
            return
        try:
            household.begin()
        finally:
            if household.trouble:
                self.loop.after(RETRY_BOOT_S, self._retry_boot)

    def reload(self, path: str, overrides: str) -> None:
        """SIGHUP: settings that can change while running, and the compiled lists. A bad file leaves all as it was."""
        try:
            fresh = read(path, overrides)
        except BadInput as error:
            say(f"the settings were not read again: {error}")
            return
        # A value that can't be read from storage is as the file says until it can.
        self._tried(lambda: bootstrap.household_settings(fresh, self.household.state))
        changed = {name: value for name, value in fresh.values.items() if value != self.settings[name]}
        for name in [name for name in changed if not settings_table.is_live(name)]:
            say(f"setting {name} is as it was: it needs a restart")
            del changed[name]
        self._tried(lambda: self.household.in_force.put(changed, "settings"))
        self._tried(self.household.load_lists)
        # Also what the init script sends when an interface comes up.
        self.edges.updates.hurry()
        say("settings and lists read again")

    def stop(self) -> None:
        """In order: no more queries steered here, then what waits is written, then the last snapshot."""
        if self.web:
            self.web.stop()
        self.edges.close()
        household = self.household
        for call in (household.screen_time.save, household.flush, self._save_clock, self._last_snapshot):
            self._tried(call)
        household.records.db.close()
        if household.in_hand.unlocked:
            self._tried(lambda: put_together(household))
        household.state.db.close()
        if household.in_hand.replaced:
            try:
                put_in_place(household)
            except StorageError as error:
                say(f"the backup could not be brought back: {error}")
        say("stopped")

    def _last_snapshot(self) -> None:
        snapshots = self.household.snapshots
        end = time.monotonic() + STOP_SNAPSHOT_S
        while not snapshots.finished() and time.monotonic() < end:
            time.sleep(0.02)
        if not snapshots.start():
            return
        while not snapshots.finished() and time.monotonic() < end:
            time.sleep(0.02)


def put_together(household: Household) -> None:
    """The history of before the restart takes the place of the live one, with what was recorded since. StorageError."""
    joining.join(household.state, household.in_hand.unlocked, household.snapshots.live)
    household.snapshots.unlocked()


def put_in_place(household: Household) -> None:
    """The files of a backup take the places of those that were in use; what was noted of those goes."""
    household.snapshots.drop()
    household.anchor.clear()
    with storing(household.state.db.path):
        for new, old in household.in_hand.replaced:
            os.replace(new, old)
