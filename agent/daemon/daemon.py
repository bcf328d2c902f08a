"""The daemon: built, started, run, stopped. Reads as a list."""

import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial

from agent.core import settings as settings_table
from agent.core.addresses import parse_endpoint
from agent.core.history import DAY_S
from agent.core.model import BadInput
from agent.core.settings import Settings
from agent.daemon import bootstrap, locks
from agent.daemon.control import ControlServer
from agent.daemon.faults import STRICT
from agent.daemon.guard import EX_CONFIG, EX_UNAVAILABLE
from agent.daemon.household import Household
from agent.daemon.jobs import Identity, WebJob, python_command
from agent.daemon.kernel.neighbours import Neighbours
from agent.daemon.kernel.switch import Switch
from agent.daemon.kernel.switch_sync import SwitchSync
from agent.daemon.log import say
from agent.daemon.loop import Loop, Repeat
from agent.daemon.operations.switches import end_for_guests
from agent.daemon.runtime.dns_service import DnsService
from agent.daemon.runtime.hold_service import HoldService
from agent.daemon.runtime.list_updates import ListUpdates
from agent.daemon.runtime.report_job import ReportJob
from agent.daemon.sight import Sight
from agent.daemon.store.database import StorageError, storing
from agent.daemon.store.erasing import snapshot, tidy
from agent.platform import lastwords

FLUSH_S = 1.0  # a batch a second: a loss of power takes RAM anyway, and off commits what waits
TELL_S = 5.0  # an open page asks anew each time
RETENTION_S = 60.0
KERNEL_S = 2.0
RULES_S = 5.0
SAVE_S = 6 * 3600.0  # the age clock on flash: what a power cut can take from it
BIRTHDAYS_S = 3600.0
DUE_S = 60.0  # what takes effect a day after it was decided
GUESTS_S = 10.0
RESTART_S = 0.2
RETRY_BOOT_S = 5.0
SAVE_OFF_S = 2.0  # an off that storage refused; a commit that fails wears flash hardly less than one that succeeds
RETRY_WEB_S = 10.0  # a LAN address may come later than the daemon
STOP_SNAPSHOT_S = 8.0  # the guard waits 10 s before it ends the daemon for good
REMOVALS_AGE_S = 31 * DAY_S  # after the longest retention no snapshot holds the rows any more


STORAGE_BACK = "the storage can be used again: starting again"
EX_TEMPFAIL = 75  # sysexits.h: the guard starts the daemon again


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
    step: Callable[[str], None] = lambda name: None,
) -> int:
    """Run until told to stop or the guard has gone; returns the exit code. For `step` see Toggles."""
    loop = Loop()
    loop.heartbeat(heartbeat)
    loop.add(heartbeat, loop.stop)
    try:
        settings = read(path, overrides)
        locks.hold(settings)
        daemon = Daemon(settings, loop, netlink, step)
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
    return daemon.code


def cannot_start(error: Exception) -> None:
    say(f"cannot start: {error}")
    lastwords.leave(f"cannot start: {error}")


class Daemon:
    """The parts with sockets around the household. StorageError, OSError when they can't be made."""

    def __init__(
        self, settings: Settings, loop: Loop, netlink: socket.socket | None, step: Callable[[str], None]
    ) -> None:
        self.loop = loop
        self.settings = settings
        self.neighbours = Neighbours(settings.texts("interfaces"), settings.text("leases_file"))
        self.household = bootstrap.build(settings, step, self.neighbours.mac_of, lambda: loop.now)
        self.household.neighbours = self.neighbours
        self.household.faults, self.household.recorder.met = loop.faults.state, loop.faults.met
        for place in (
            self.household.state.db,
            self.household.records.db,
            self.household.anchor,
            self.household.snapshots,
        ):
            place.waiting = loop.at_disk
        self.kernel = _kernel(self.household, settings, netlink, self.neighbours)
        self.holding = _holding(self.household, settings, loop, self.kernel, self.neighbours)
        self.resolving = DnsService(loop, settings, self.household)
        if self.holding:
            self.resolving.spare_by(self.holding.admit)
        self.connecting = _connecting(self.household, settings, loop, self.kernel)
        self.control = _control(loop, settings, self.household)
        self.web: WebJob | None = None
        self.code = 0
        self.household.restart = self._restart
        self.feeding: ListUpdates | None = None
        self.reporting: ReportJob | None = None
        self._copying: Repeat | None = None

    def start(self) -> None:
        """Open the gate, load the lists, and begin what repeats."""
        household = self.household
        household.begin()
        household.kept_lists.restore(household.feeds.file)
        self._tried(lambda: bootstrap.load_lists(household))
        if household.stale_snapshot:
            self.loop.task(tidy(household))
        if household.trouble:
            self.loop.after(RETRY_BOOT_S, self._retry_boot)
        if self.neighbours.fileno() >= 0:
            self.loop.add(self.neighbours.fileno(), self.neighbours.read)
        self._serve_web()
        self.feeding = ListUpdates(
            self.loop, self.settings, household, self.control, job_command("agent.jobs.update_job")
        )
        self.reporting = ReportJob(self.loop, self.settings, household, self.control, job_command("agent.jobs.report"))
        for seconds, call in self._repeated():
            self.loop.every(seconds, partial(self._tried, call))
        self._copies()
        household.also(settings_table.COPIES, self._copies)
        household.also(settings_table.UPDATES, household.feeds.rescheduled)
        if self.connecting:
            household.also(settings_table.POLICY, self.connecting.check)
        if self.kernel:
            self.loop.stood = self.kernel.check
            # In the first turn, which begins with a beat: before it the guard would not notice a silence.
            self.loop.after(0, self.kernel.begin)
        if self.holding:
            self.loop.after(0, self.holding.holding.begin)
        lastwords.clear()
        say("ready")

    def _serve_web(self) -> None:
        """The page is not worth a dead daemon: an address that is not there yet is tried again."""
        try:
            self.web = _web(self.loop, self.settings, self.control)
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
            (KERNEL_S, self.kernel.check if self.kernel else lambda: None),
            (KERNEL_S, self.holding.check if self.holding else lambda: None),
            (KERNEL_S, self.connecting.check if self.connecting else lambda: None),
            (RULES_S, lambda: household.new_policy() if household.rule_over() else None),
            (SAVE_S, self._save_clock),
            (SAVE_OFF_S, self._save_off),
            (BIRTHDAYS_S, household.birthdays),
            (DUE_S, household.people.due),
            (GUESTS_S, lambda: end_for_guests(household)),
        ]

    def _tried(self, call: Callable[[], None]) -> None:
        """Storage that refuses is said, and tried again the next time."""
        try:
            call()
        except StorageError as error:
            self.household.recorder.trouble = str(error)

    def _tell(self) -> None:
        """Open pages hear that a device's history has grown, not what was contacted."""
        grown, self.household.recorder.grown = self.household.recorder.grown, set()
        for device_id in sorted(grown):
            self.household.publish({"event": "history", "device_id": device_id})

    def _flush(self) -> None:
        self.household.flush()
        self.household.snapshots.finished()

    def _expire(self) -> None:
        household = self.household
        if bootstrap.expire(household):
            self.loop.after(0.05, partial(self._tried, self._expire))
        household.state.db.refill()
        household.records.db.refill()

    def _save_off(self) -> None:
        """What is off and not durable yet."""
        household = self.household
        try:
            if household.toggles.booted and household.toggles.save_again():
                household.noted()
                household.publish({"event": "status"})
        except StorageError:
            if household.state.db.works_anew():
                self._restart(STORAGE_BACK)

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
            self._restart(STORAGE_BACK)
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
        self._tried(lambda: self.household.put_in_force(changed, "settings"))
        self._tried(lambda: bootstrap.load_lists(self.household))
        if self.feeding:
            # Also what the init script sends when an interface comes up.
            self.feeding.hurry()
        say("settings and lists read again")

    def stop(self) -> None:
        """In order: no more queries steered here, then what waits is written, then the last snapshot."""
        if self.kernel:
            self.kernel.close()
        if self.connecting:
            self.connecting.close()
        if self.holding:
            self.holding.close()
        self.resolving.close()
        if self.web:
            self.web.stop()
        if self.feeding:
            self.feeding.close()
        if self.reporting:
            self.reporting.end()
        self.control.close()
        self.neighbours.close()
        household = self.household
        for call in (household.flush, self._save_clock, self._last_snapshot):
            self._tried(call)
        household.records.db.close()
        household.state.db.close()
        if household.replaced:
            try:
                put_in_place(household)
            except StorageError as error:
                say(f"the backup could not be brought back: {error}")
        say("stopped")

    def _restart(self, reason: str) -> None:
        """End so that the guard starts the daemon again; a moment later, so that the reply goes out."""
        say(reason)
        self.code = EX_TEMPFAIL
        self.loop.after(RESTART_S, self.loop.stop)

    def _last_snapshot(self) -> None:
        snapshots = self.household.snapshots
        end = time.monotonic() + STOP_SNAPSHOT_S
        while not snapshots.finished() and time.monotonic() < end:
            time.sleep(0.02)
        if not snapshots.start():
            return
        while not snapshots.finished() and time.monotonic() < end:
            time.sleep(0.02)


def put_in_place(household: Household) -> None:
    """The files of a backup take the places of those that were in use; what was noted of those goes."""
    household.snapshots.drop()
    household.anchor.clear()
    with storing(household.state.db.path):
        for new, old in household.replaced:
            os.replace(new, old)


def _kernel(
    household: Household, settings: Settings, netlink: socket.socket | None, neighbours: Neighbours
) -> SwitchSync | None:
    if settings.text("identity") != "mark":
        return None
    layout = settings_table.mark_layout(settings)
    for name in layout.shared():
        say(f"the bits of marks that are set are also {name}'s by default: doctor tells whether it uses them here")
    switch = Switch(netlink, settings.texts("interfaces"), settings.number("agent_port"), layout)
    kernel = SwitchSync(switch, layout, neighbours)
    household.kernel = kernel.apply
    sight = Sight(neighbours, household.clock, kernel.covers)
    household.covered, household.sight = sight.covers, sight
    household.kernel_state = kernel.state
    return kernel


def _holding(
    household: Household, settings: Settings, loop: Loop, kernel: SwitchSync | None, neighbours: Neighbours
) -> HoldService | None:
    if kernel is None:
        return None
    service = HoldService(loop, settings, household, kernel, neighbours)
    household.kernel_state = lambda: {**kernel.state(), **service.state()}
    return service


def _connecting(household: Household, settings: Settings, loop: Loop, kernel: SwitchSync | None):  # type: ignore[no-untyped-def]
    """Where devices are known by the kernel's mark; elsewhere its code is not even loaded."""
    if kernel is None:
        return None
    from agent.daemon.runtime.inspection_service import InspectionService

    connecting = InspectionService(loop, settings, household, kernel)
    before = household.kernel_state
    household.kernel_state = lambda: {**before(), **connecting.state()}
    return connecting


def _control(loop: Loop, settings: Settings, household: Household) -> ControlServer:
    path = os.path.join(settings.text("run_dir"), "control.sock")
    try:
        return ControlServer(loop, household, path)
    except OSError as error:
        raise BadInput(f"setting run_dir: the socket {path} can't be made: {error.strerror or error}") from error


def _web(loop: Loop, settings: Settings, control: ControlServer) -> WebJob | None:
    if not settings.texts("web_listen"):
        return None
    identity = Identity(settings, "web_user")
    listeners = [_listener(endpoint) for endpoint in settings.texts("web_listen")]
    command = job_command("agent.jobs.web.__main__")
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    environment["PRIVACY_AGENT_WEB_HOSTS"] = ",".join(settings.texts("web_hosts"))
    for name in ("PRIVACY_AGENT_WEB_IDLE_S", "PRIVACY_AGENT_WEB_TLS", STRICT):
        if name in os.environ:
            environment[name] = os.environ[name]
    certificate = (settings.text("web_certificate"), settings.text("web_key"))
    return WebJob(loop, listeners, command, environment, identity, certificate, control.adopt)


def job_command(module: str) -> list[str]:
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return python_command(root, module)


def _listener(endpoint: str) -> socket.socket:
    address, port = parse_endpoint(endpoint)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"setting web_listen: {endpoint}: {error.strerror}") from error
    listener.setblocking(False)
    return listener
