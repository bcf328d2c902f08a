"""Around the agent: does the daemon answer, is the clock set, is there room, are the lists fresh, is the port free."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterator

from agent.client import ControlClient, ControlError, Unreachable
from agent.control.messages import Row
from agent.core.model import LIMITS, USAGE
from agent.core.settings import Settings
from agent.jobs.doctor.finding import FAILURE, NOTE, OK, WARNING, Finding

# No clock that was ever set says less: the project did not exist.
EARLIEST = 1735689600  # 2025-01-01
MEGABYTE = 1 << 20
DAY_S = 86400
LISTS_DAYS_MAX = 7  # phishing names live for days
DNS_HEX = ":0035 "
ANY_NAME = "example.org"  # whose internet is off does not go by names


class DaemonStatus:
    """What the daemon says of itself; `status` is None when it does not answer, and `on` too.

    Of `on`, those in `times_only` have nothing on but limits and minutes, and may be steered or not. `held`: whose
    internet is to be off, by the schedule asked anew once the clock is right, or because nobody knows them.
    """

    def __init__(self, path: str) -> None:
        self.status: Row | None = None
        self.on: dict[bytes, str] | None = None
        self.times_only: frozenset[bytes] = frozenset()
        self.held: dict[bytes, str] = {}
        self.trouble = ""
        try:
            client = ControlClient(path)
        except Unreachable as error:
            self.trouble = str(error)
            return
        try:
            self.status = client.call("status")
            rows = [row for row in client.items("device.list") if _is_on(row)]
            self.on = dict(_on(row) for row in rows)
            self.held = dict(_on(row) for row in rows if self._to_be_held(client, row))
            self.times_only = frozenset([_on(row)[0] for row in rows if _names_on(row) <= {LIMITS, USAGE}])
            self.times_only -= self.held.keys()
            unknown = [row for row in client.items("device.new") if row.get("held")]
            self.held.update((_mac(row), str(row["mac"])) for row in unknown)
        except (Unreachable, ControlError) as error:
            self.trouble = str(error)
        finally:
            client.close()

    def _to_be_held(self, client: ControlClient, row: Row) -> bool:
        """Not by what the daemon put into force, but by the rules as they are now: what is compared is the kernel's."""
        if LIMITS not in _names_on(row) or not (self.status or {}).get("clock_set"):
            return _is_held(row)
        return _is_held(client.call("explain", name=ANY_NAME, device_id=row["id"]))

    def unseen(self) -> list[str]:
        """Labels of those that are on, and that the daemon does not see where their MAC says."""
        rows = self.part("kernel").get("unseen")
        return sorted(str(row["label"]) for row in rows) if isinstance(rows, list) else []

    def part(self, name: str) -> Row:
        found = (self.status or {}).get(name)
        return found if isinstance(found, dict) else {}


def _is_on(row: Row) -> bool:
    return bool(row["mac"]) and bool(_names_on(row))


def _names_on(row: Row) -> set[str]:
    features = row["features"]
    return {name for name, feature in features.items() if feature["on"]} if isinstance(features, dict) else set()


def _is_held(row: Row) -> bool:
    internet = row.get("internet")
    return isinstance(internet, dict) and internet.get("held") is True


def _on(row: Row) -> tuple[bytes, str]:
    return _mac(row), str(row["label"])


def _mac(row: Row) -> bytes:
    return bytes.fromhex(str(row["mac"]).replace(":", ""))


def daemon(told: DaemonStatus, path: str) -> Iterator[Finding]:
    if told.status is None:
        sentence = f"The daemon does not answer on {path}: {told.trouble}."
        yield Finding(FAILURE, "daemon", sentence, "service privacy-agent start, then: logread -e privacy-agent")
        return
    yield Finding(OK, "daemon", "The daemon answers.")
    kernel = told.part("kernel")
    if kernel.get("state") == "refused":
        yield Finding(
            FAILURE, "daemon", str(kernel.get("message")), "The findings about the kernel say what is missing."
        )
    storage = told.part("storage")
    if storage.get("state") != "ok":
        yield Finding(FAILURE, "storage", f"Storage trouble: {storage.get('message')}", "Free some space.")


def clock(told: DaemonStatus) -> Finding:
    is_set = bool(told.status["clock_set"]) if told.status else time.time() > EARLIEST
    if is_set and time.time() > EARLIEST:
        return Finding(OK, "clock", "The clock is set.")
    sentence = "The clock is not set: times in the history are wrong, and ages count in running time."
    return Finding(WARNING, "clock", sentence, "Check NTP: service sysntpd restart")


def lists(told: DaemonStatus) -> Finding:
    found = told.part("lists")
    loaded = found.get("loaded_at")
    if not found.get("rules") or found.get("state") == "none":
        return Finding(WARNING, "lists", "No block list is loaded: nothing is blocked.", "privacy-agent lists update")
    days = int((time.time() - loaded) / DAY_S) if isinstance(loaded, (int, float)) else 0
    if found.get("state") == "stale" or days > LISTS_DAYS_MAX:
        return Finding(WARNING, "lists", f"The block lists are {days} days old.", "Check that updates get through.")
    return Finding(OK, "lists", f"{found['rules']} rules are loaded, {days} day(s) old.")


def storage(settings: Settings) -> Iterator[Finding]:
    for name, needed in (("state_dir", 2 * MEGABYTE), ("run_dir", 8 * MEGABYTE)):
        path = settings.text(name)
        while not os.path.isdir(path):
            path = os.path.dirname(path)
        room = os.statvfs(path)
        free = room.f_bavail * room.f_frsize
        sentence = f"{free / MEGABYTE:.1f} MB are free in {settings.text(name)}"
        if free < needed // 4:
            yield Finding(FAILURE, "storage", sentence + ": what is switched on can't be written.", "Free some space.")
        elif free < needed:
            yield Finding(WARNING, "storage", sentence + ", which is little.", "Free some space.")
        else:
            yield Finding(OK, "storage", sentence + ".")


def port(settings: Settings) -> Finding:
    """Only while no daemon runs: whether somebody else has its port."""
    number = settings.number("agent_port")
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as sock:
            try:
                sock.bind(("0.0.0.0", number))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    sentence = f"Port {number} is taken by another program."
                    return Finding(FAILURE, "port", sentence, "Choose another agent_port and dns_listen.")
    return Finding(OK, "port", f"Port {number} is free.")


def resolver() -> Finding:
    """Whether the router answers DNS without the agent, for that is what a dead agent leaves."""
    for table in ("udp", "udp6"):
        try:
            with open(f"/proc/net/{table}", encoding="ascii") as file:
                if any(DNS_HEX in line[:60] for line in file):
                    return Finding(OK, "resolver", "The router's own resolver listens on port 53.")
        except OSError:
            continue
    sentence = "Nobody listens on port 53 of the router: without the agent, devices have no DNS."
    return Finding(NOTE, "resolver", sentence, "service dnsmasq start")
