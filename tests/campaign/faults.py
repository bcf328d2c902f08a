"""What can happen to a household, by name. Each does its harm, waits as long as it lasts, and undoes what has to be."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from agent.client import ControlError, Unreachable
from tests.campaign.house import WEB_PORT, House, send
from tests.campaign.surroundings import NEIGHBOUR_S, SURROUNDINGS
from tests.jobs.bad_server import names
from tests.lab.lab import FIREWALL, ROUTER4
from tests.lab.resident import ROOT

HANG_S = 2.5  # the guard gives up after 1.5
SECOND_S = 15.0


class Broken(Exception):
    """A fault did not meet what the design says: its sentence."""


def nothing(house: House, rng: random.Random) -> None:
    """For comparison: what the machine alone does to the figures."""
    time.sleep(rng.uniform(0.0, 0.5))


def kill_daemon(house: House, rng: random.Random) -> None:
    if pid := house.daemon:
        send(pid, signal.SIGKILL)


def kill_guard(house: House, rng: random.Random) -> None:
    send(house.guard, signal.SIGKILL)
    house.resident.process.wait(10)


def kill_both(house: House, rng: random.Random) -> None:
    pids = [house.guard, house.daemon or house.guard]
    rng.shuffle(pids)
    for pid in pids:
        send(pid, signal.SIGKILL)
        time.sleep(rng.choice((0.0, 0.0, 0.003)))
    house.resident.process.wait(10)


def power_cut(house: House, rng: random.Random) -> None:
    """What is in RAM is gone; or a restart in order, which saves what is to be saved first."""
    if rng.randrange(2):
        kill_both(house, rng)
    else:
        house.stop()
    for path in (house.folder / "run").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def kill_jobs(house: House, rng: random.Random) -> None:
    """List update and web page begin; at a random instant one or all of the processes below the daemon are killed."""
    call(house, "lists.update")
    web = web_link(house)
    end = time.monotonic() + rng.uniform(0.0, 0.6)
    found: list[int] = []
    while time.monotonic() < end or not found:
        found = house.descendants()
        if time.monotonic() > end + 1:
            break
        time.sleep(0.005)
    for pid in found if rng.randrange(2) else rng.sample(found, min(1, len(found))):
        send(pid, signal.SIGKILL)
    web.close()


def stop_daemon(house: House, rng: random.Random) -> None:
    pid = house.daemon
    if pid is None:
        return
    send(pid, signal.SIGSTOP)
    time.sleep(rng.choice((rng.uniform(0.0, 1.0), HANG_S)))
    if house.daemon == pid:
        send(pid, signal.SIGCONT)


def stop_guard(house: House, rng: random.Random) -> None:
    pid = house.guard
    send(pid, signal.SIGSTOP)
    time.sleep(rng.uniform(0.0, 1.5))
    send(pid, signal.SIGCONT)


def lock_database(house: House, rng: random.Random) -> None:
    path = house.folder / rng.choice(("state/state.db", "run/history.db"))
    sql = sqlite3.connect(path, isolation_level=None, timeout=0.2)
    how, hold_s = rng.choice(("read", "IMMEDIATE", "EXCLUSIVE")), rng.uniform(0.1, 2.5)
    cursor = sql.cursor()
    with contextlib.suppress(sqlite3.Error):
        if how == "read":
            cursor.execute("SELECT * FROM sqlite_master").fetchone()
        else:
            cursor.execute("BEGIN " + how)
        time.sleep(hold_s)
    cursor.close()
    sql.close()


def full_disk(house: House, rng: random.Random) -> None:
    path = house.folder / rng.choice(("state", "run")) / "filling"
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65536))
    try:
        time.sleep(rng.uniform(0.1, 1.5))
        if rng.randrange(3) == 0 and (pid := house.daemon):
            send(pid, signal.SIGKILL)
            time.sleep(1.0)
    finally:
        path.unlink(missing_ok=True)


def read_only_disk(house: House, rng: random.Random) -> None:
    """As after an error of the medium; then the router is restarted, and the flash works again."""
    if house.flash is None:
        return
    house.flash.remount("abort")
    time.sleep(rng.uniform(0.1, 1.5))
    house.stop()
    # A reader of the moment (the oracle's, a toggler's) may still have a file open.
    for _ in range(50):
        with contextlib.suppress(subprocess.CalledProcessError):
            house.flash.repair()
            return
        time.sleep(0.1)
    raise RuntimeError("the campaign's own flash is still in use")


def corrupt_rules(house: House, rng: random.Random) -> None:
    for path in (house.folder / "run" / "rules.bin", house.folder / "state" / "rules.bin"):
        if path.exists():
            spoil(path, rng)
    after = rng.choice(("kill", "reload", "hup", "nothing"))
    if after == "kill":
        kill_daemon(house, rng)
    elif after == "reload":
        call(house, "lists.reload")
    elif after == "hup":
        send(house.guard, signal.SIGHUP)
    call(house, "explain", name="bad17.example")


def corrupt_history(house: House, rng: random.Random) -> None:
    """Pages of the database in RAM, found at the next start; where it says so, the file is moved away as it says."""
    kill_both(house, rng)
    if not (path := house.folder / "run" / "history.db").exists():
        return
    spoil(path, rng)
    client = house.ready()
    time.sleep(rng.uniform(0.0, 1.0))
    try:
        sound = client.call("audit")["ok"]  # rows that the harm made another's are found, too
    except ControlError as refusal:
        if "is damaged: move it away" not in str(refusal):
            raise Broken(f"a damaged history is told as {refusal}") from refusal
        sound = False
    finally:
        client.close()
    if not sound:
        kill_both(house, rng)
        path.unlink(missing_ok=True)


def spoil(path: Path, rng: random.Random) -> None:
    """Bytes changed in place, torn, or another file in its place."""
    how, size = rng.choice(("bytes", "torn", "empty", "other")), path.stat().st_size
    if how == "bytes":
        with path.open("r+b") as file:
            for _ in range(20):
                file.seek(rng.randrange(max(1, size)))
                file.write(rng.randbytes(4))
    elif how == "torn":
        os.truncate(path, rng.randrange(max(1, size)))
    elif how == "empty":
        os.truncate(path, 0)
    else:
        other = path.with_suffix(".other")
        other.write_bytes(rng.randbytes(5000))
        other.rename(path)


def upstream(mode: str) -> Callable[[House, random.Random], None]:
    def fault(house: House, rng: random.Random) -> None:
        house.tell_upstream(f"slow {rng.uniform(0.3, 3.0):.2f}" if mode == "slow" else mode)
        time.sleep(rng.uniform(0.2, 2.5))
        house.tell_upstream("well")

    return fault


SETTINGS: tuple[dict[str, object], ...] = (
    {"blocked_answer": "nxdomain"},
    {"rebind_protection": False},
    {"lists_hours": 1, "lists_auto": False},
    {"keep_lists": "never"},
    {"upstream": []},
    {"upstream": ["127.0.0.1:1"]},
    {"no_such_setting": 1},
    {"upstream": "not a list"},
)


def settings(house: House, rng: random.Random) -> None:
    path = house.resident.settings
    right = path.read_text()
    text = json.dumps({**json.loads(right), **rng.choice(SETTINGS)})
    path.write_text(rng.choice((text, text, text, text[: rng.randrange(len(text))], "")))
    send(house.guard, signal.SIGHUP)
    time.sleep(rng.uniform(0.0, 1.0))
    path.write_text(right)
    send(house.guard, signal.SIGHUP)


ODD = ("²", "\ud800", 2**64, -1, "", "x" * 70000, None, True, [], {}, [[]] * 50, 1e308, "\0", "../../etc/passwd")


def bad_control(house: House, rng: random.Random) -> None:
    from agent.control.operations import OPERATIONS

    # Not those whose right use changes what the oracle knows.
    ops = [op for op in OPERATIONS if op.partition(".")[0] not in ("on", "off", "resume", "me", "device", "restore")]
    for _ in range(20):
        op = rng.choice(ops)
        asked = {"op": op, **{name: rng.choice(ODD) for name in OPERATIONS[op].arguments}}
        if op in ("delete", "pause", "statistics.opt_in", "statistics.operator_set", "settings.set"):
            asked["all"], asked["device_id"], asked["key"] = "²", "²", "²"
        line = json.dumps(asked).encode()
        junk = rng.choice(
            (line + b"\n", line[: rng.randrange(1, len(line))], b"[" * 50000 + b"\n", rng.randbytes(3000))
        )
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(0.3)
            link.connect(str(house.folder / "run" / "control.sock"))
            link.sendall(junk)
            if rng.randrange(2):
                link.recv(4096)


def bad_dns(house: House, rng: random.Random) -> None:
    space, port = rng.choice(((house.space(0), 53), (house.space(1), 53), (house.lab.router, 5391)))
    server = "127.0.0.1" if port == 5391 else ROUTER4
    with contextlib.suppress(OSError):
        datagrams = space.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        with datagrams:
            for _ in range(60):
                datagrams.sendto(bad_query(rng), (server, port))
                time.sleep(0.002)
        for _ in range(5):
            with space.inside(lambda: socket.create_connection((server, port), 1)) as link:
                link.sendall(rng.choice((b"\0\x0c", b"\xff\xff", b"\0\0" * 500, b"")) + bad_query(rng))


def bad_query(rng: random.Random) -> bytes:
    head = rng.randbytes(2) + rng.choice((b"\1\0", b"\x81\x80", rng.randbytes(2)))
    counts = rng.choice((b"\0\1" + bytes(6), b"\xff\xff" * 4, b"\0\2" + bytes(6), bytes(8)))
    name = rng.choice(
        (b"\xc0\x0c", b"\x3f" + b"a" * 20, b"\x05\xff\xfe\0.\x01\0", b"\x01a" * 127 + b"\0", rng.randbytes(30))
    )
    return head + counts + name + rng.choice((b"\0\1\0\1", b"\0\xff\0\xff", b"\0", b""))


def bad_web(house: House, rng: random.Random) -> None:
    for _ in range(8):
        junk = rng.choice(
            (
                rng.randbytes(2000),
                b"GET / HTTP/1.1\r\nHost: openwrt.lan\r\nContent-Length: -1\r\n\r\n",
                b"POST /api/off HTTP/1.1\r\nHost: openwrt.lan\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n",
                b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n",
                b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: openwrt.lan\r\n\r\n",
                b"GET /api/status HTTP/1.1\r\nHost: openwrt.lan\r\nCookie: " + rng.randbytes(200) + b"\r\n\r\n",
                b"\x16\x03\x01\xff\xff" + rng.randbytes(300),
                b"GET / HTTP/1.1\r\n",
            )
        )
        link = web_link(house)
        with contextlib.suppress(OSError), link:
            link.sendall(junk)
            link.recv(4096)


def web_link(house: House) -> socket.socket:
    """A connection to the page, or a socket that has none."""
    link = house.lab.router.inside(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    link.settimeout(0.2)
    with contextlib.suppress(OSError):
        link.connect((ROUTER4, WEB_PORT))
    return link


def bad_backup(house: House, rng: random.Random) -> None:
    """The household's own backup with a value spoiled, rows left out or doubled, in parts or without an end."""
    try:
        client = house.client()
    except (Unreachable, OSError):
        return
    with contextlib.suppress(ControlError, Unreachable, OSError):
        rows = list(client.items("backup"))
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(rows))
            row = json.loads(json.dumps(rows[at]))
            how = rng.randrange(4)
            if how == 0 and isinstance(row.get("row"), list) and row["row"]:
                row["row"][rng.randrange(len(row["row"]))] = rng.choice(ODD)
            elif how == 1:
                row["kind"] = rng.choice(("epoch", "visit", "meta", "ledger", "²", ""))
            elif how == 2:
                rows.append(rows[at])
            rows[at] = row
        client.call("restore", part="first", rows=rows[:20])
        for start in range(20, len(rows), 20):
            client.call("restore", part="more", rows=rows[start : start + 20])
        if rng.randrange(4):
            client.call("restore", part="last", rows=[])
    client.close()


def bad_list(house: House, rng: random.Random) -> None:
    house.serve(
        rng.choice(
            (
                rng.randbytes(100_000),
                b"||" + b"a" * 500_000 + b"^\n",
                b"\n".join(b"||%s^" % name for name in (b"a.example", b"com", b"who", b"*", b"local", b"127.0.0.1")),
                b"<html>" + b"not a list " * 1000,
                b"",
                names(30_000, "other"),
            )
        )
    )
    call(house, "lists.update")
    time.sleep(rng.uniform(0.3, 1.5))
    house.serve(names(3000))


def second_daemon(house: House, rng: random.Random) -> None:
    if house.daemon is None:
        return
    command = [sys.executable, "-m", "agent", "--settings", str(house.resident.settings), "run"]
    second = house.lab.router.start(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        code = second.wait(SECOND_S)
    except subprocess.TimeoutExpired:
        second.kill()
        second.wait()
        raise Broken("a second daemon on the same folders goes on running") from None
    finally:
        house.lab.router.processes.remove(second)
    if code == 0:
        raise Broken("a second daemon on the same folders says that all is well")


def flush_rules(house: House, rng: random.Random) -> None:
    """What `fw4 restart` of a careless hand does: all rules of everybody are gone for a moment."""
    house.lab.router.run(["nft", "flush", "ruleset"])
    time.sleep(rng.uniform(0.0, 0.3))
    house.lab.router.run(["nft", "-f", str(FIREWALL)])
    send(house.guard, signal.SIGHUP)


def link_down(house: House, rng: random.Random) -> None:
    device = rng.choice(house.devices[:2])
    index = house.lab.router.index("p-" + device.label)
    device.cut_until = time.monotonic() + 3600
    house.lab.router.ip.link("set", index=index, state="down")
    time.sleep(rng.uniform(0.0, 0.5))
    house.lab.router.ip.link("set", index=index, state="up")
    device.cut_until = time.monotonic() + NEIGHBOUR_S


def call(house: House, op: str, **arguments: object) -> None:
    """An operation whose answer does not matter."""
    with contextlib.suppress(Unreachable, OSError, ControlError):
        client = house.client()
        try:
            client.call(op, **arguments)
        finally:
            client.close()


FAULTS: dict[str, Callable[[House, random.Random], None]] = {
    "nothing": nothing,
    "kill-daemon": kill_daemon,
    "kill-guard": kill_guard,
    "kill-both": kill_both,
    "power-cut": power_cut,
    "kill-jobs": kill_jobs,
    "stop-daemon": stop_daemon,
    "stop-guard": stop_guard,
    "lock": lock_database,
    "full-disk": full_disk,
    "read-only-disk": read_only_disk,
    "corrupt-rules": corrupt_rules,
    "upstream-dead": upstream("dead"),
    "upstream-slow": upstream("slow"),
    "upstream-lies": upstream("lie"),
    "upstream-floods": upstream("flood"),
    "settings": settings,
    "bad-control": bad_control,
    "bad-dns": bad_dns,
    "bad-web": bad_web,
    "bad-backup": bad_backup,
    "bad-list": bad_list,
    "second-daemon": second_daemon,
    "flush-rules": flush_rules,
    "link-down": link_down,
    "corrupt-history": corrupt_history,
    **SURROUNDINGS,
}

__all__ = ["FAULTS", "Broken"]
