"""The web job's figures against a real daemon: start, first byte, size, a long history, and what DNS feels of it.

`python -m tests.bench.web` prints a table. Nothing else should be busy meanwhile.
"""

import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.jobs import browser
from tests.jobs.daemon import Daemon
from tests.jobs.lived_in import Served
from tests.jobs.web_peer import PASSWORD, Client

COLD, WARM, QUERIES, ROUNDS = 8, 60, 500, 25
VISITS = 100_000
LINE_BYTES_S, LATENCY_MS = 400_000 // 8, 100
SLOWER, LOOKS = 4, 5  # as a phone of 200 € is to a desk
SETTLE_MS = 4000


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        with_daemon(Path(folder) / "a")
        long_history(Path(folder) / "b")
        slow_phone(Path(folder) / "c")
    return 0


def say(what: str, value: str) -> None:
    print(f"{what:<58} {value}", flush=True)


def with_daemon(folder: Path) -> None:
    folder.mkdir()
    daemon = Daemon(folder)
    try:
        client = Client(daemon.web)
        cold, spent = [], []
        for _ in range(COLD):
            cold.append(first_byte(client, "/"))
            spent.append(int(Path(f"/proc/{job_pid(daemon)}/schedstat").read_text().split()[0]) / 1e6)
            end_job(daemon)
        say("first byte, job to be started, CPU / median", f"{middle(spent):.0f} / {middle(cold):.0f} ms")
        sign_in(client, daemon)
        for path in ("/", "/api/v1/session", "/api/v1/overview?since=0"):
            times = [first_byte(client, path) for _ in range(WARM)]
            say(f"first byte, warm, {path}, median / p95", f"{middle(times):.1f} / {sorted(times)[-4]:.1f} ms")
        say("web job's RSS, plain", f"{rss_mb(job_pid(daemon)):.1f} MB")
        secure = Client(daemon.web, tls=True)
        secure.ask("GET", "/api/v1/session")
        say("web job's RSS, after TLS", f"{rss_mb(job_pid(daemon)):.1f} MB")
        dns(daemon, client)
        say("web job's RSS, after all of it", f"{rss_mb(job_pid(daemon)):.1f} MB")
    finally:
        daemon.stop()


def slow_phone(folder: Path) -> None:
    """Until a person's card is there, as Chromium makes it on a line and a processor that it slows down itself: with
    nothing cached, then once more. The service worker is there as on any page that a browser trusts."""
    folder.mkdir()
    served = Served(folder)
    line = {
        "offline": False,
        "latency": LATENCY_MS,
        "downloadThroughput": LINE_BYTES_S,
        "uploadThroughput": LINE_BYTES_S,
    }
    try:
        with browser.chromium() as chromium:
            for locale in ("en-GB", "de-DE"):
                page = browser.watched(chromium.new_context(viewport=browser.PHONE, locale=locale))
                page.goto(f"http://127.0.0.1:{served.port}/")
                served.sign_in(page)
                page.locator(".person").first.wait_for()
                session = page.context.new_cdp_session(page)
                session.send("Network.enable")
                session.send("Network.emulateNetworkConditions", line)
                session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
                first, again = [], []
                for _ in range(LOOKS):
                    session.send("Network.clearBrowserCache")
                    origin = f"http://127.0.0.1:{served.port}"
                    session.send(
                        "Storage.clearDataForOrigin",
                        {"origin": origin, "storageTypes": "cache_storage,service_workers"},
                    )
                    first.append(look(page, served))
                    page.wait_for_timeout(SETTLE_MS)  # what is fetched ahead is there
                    again.append(look(page, served))
                said = f"{middle(first):.2f} / {middle(again):.2f} s"
                say(f"400 kbit/s, {LATENCY_MS} ms, CPU {SLOWER} times slower, {locale}: first look / again", said)
    finally:
        served.stop()


def look(page: Any, served: Served) -> float:
    started = time.perf_counter()
    page.goto(f"http://127.0.0.1:{served.port}/", wait_until="commit")
    page.locator(".person").first.wait_for()
    return time.perf_counter() - started


def sign_in(client: Client, daemon: Daemon) -> None:
    code = daemon.ask("setup.code")["code"]
    reply = client.ask("POST", "/api/v1/setup", {"code": code, "password": PASSWORD})
    assert reply.status == 201, reply.body
    device = daemon.ask("device.add", label="Tablet", address="127.0.0.2")
    for feature in ("history", "protection"):
        daemon.ask("on", device_id=device["id"], feature=feature, agree=1, actor="cli")


def first_byte(client: Client, path: str) -> float:
    started = time.perf_counter()
    with client.connect() as sock:
        sock.sendall(client.request("GET", path, None, {"Connection": "close"}))
        sock.recv(1)
        took = time.perf_counter() - started
        while sock.recv(65536):
            pass
    return took * 1000


def middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def job_pid(daemon: Daemon | Served) -> int:
    """The web job among the daemon's descendants."""
    waiting = [daemon.process.pid]
    while waiting:
        pid = waiting.pop()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        waiting += [int(child) for child in children]
        if b"agent.jobs.web" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise AssertionError("the web job does not run")


def rss_mb(pid: int) -> float:
    return int(next(x for x in open(f"/proc/{pid}/status") if x.startswith("VmRSS")).split()[1]) / 1024  # noqa: SIM115


def cpu_ms(running: Daemon | Served) -> float:
    """CPU time of the daemon and of the web job."""
    pids = (running.process.pid, job_pid(running))
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1e6


def end_job(daemon: Daemon) -> None:
    pid = job_pid(daemon)
    os.kill(pid, signal.SIGTERM)
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.02)
    time.sleep(0.8)


def dns(daemon: Daemon, client: Client) -> None:
    """p99 of cached answers, quiet and while the page is used hard, in short turns, because the machine is shared.

    The middle turn's p99 of each kind is compared: what else runs here hits single turns of both.
    """
    quiet: list[float] = []
    busy: list[float] = []
    middles: list[float] = []
    load = subprocess.Popen(
        ["nice", sys.executable, "-c", LOAD, str(daemon.web), json.dumps(client.cookies), client.csrf]
    )
    try:
        for _ in range(ROUNDS):
            for signal_number, times in ((signal.SIGSTOP, quiet), (signal.SIGCONT, busy)):
                load.send_signal(signal_number)
                time.sleep(0.05)
                slice_times = query_times(daemon)
                times.append(p99(slice_times))
                middles.append(middle(slice_times))
    finally:
        load.kill()
        load.wait()
    say("DNS p99 quiet / while the page is used hard", f"{middle(quiet):.2f} / {middle(busy):.2f} ms")
    say("DNS p99 ratio", f"{middle(busy) / middle(quiet):.2f}")
    say("DNS median ratio", f"{middle(middles[1::2]) / middle(middles[::2]):.2f}")


# Six requests a second, as two people make who click without a pause, with a password check every five seconds.
LOAD = """
import json, sys, time
from tests.jobs.web_peer import Client
client = Client(int(sys.argv[1]))
client.cookies, client.csrf = json.loads(sys.argv[2]), sys.argv[3]
PATHS = ("/api/v1/overview?since=0", "/api/v1/history?device_id=1", "/style.css", "/api/v1/attempts")
n = 0
while True:
    n += 1
    client.ask("GET", PATHS[n % 4])
    if n % 30 == 0:
        client.ask("POST", "/api/v1/session/confirm", {"password": "our seven blue lamps"})
    time.sleep(0.16)
"""


def query_times(daemon: Daemon) -> list[float]:
    question = b"\3www\7example\3org\0\0\1\0\1"
    times = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.2", 0))
        sock.connect(("127.0.0.1", daemon.dns))
        sock.settimeout(5)
        for _ in range(QUERIES):
            message = struct.pack(">HHHHHH", random.getrandbits(16), 0x0100, 1, 0, 0, 0) + question
            started = time.perf_counter()
            sock.send(message)
            sock.recv(4096)
            times.append((time.perf_counter() - started) * 1000)
            time.sleep(0.0008)
    return times


def p99(values: list[float]) -> float:
    return sorted(values)[len(values) * 99 // 100]


def long_history(folder: Path) -> None:
    folder.mkdir()
    served = Served(folder, "--visits", str(VISITS))
    try:
        client = Client(served.port)
        client.ask("POST", "/api/v1/setup", {"code": served.code, "password": PASSWORD})
        client.ask("GET", "/api/v1/session")
        now = int(time.time())
        device = next(one["id"] for one in served.ask("device.list")["items"] if one["features"]["history"]["on"])
        for name, path in (
            ("a day", f"/api/v1/history?device_id={device}&from={now - 86400}&to={now}&limit=200"),
            ("the newest page", f"/api/v1/history?device_id={device}&limit=200"),
            ("the week's heat map", f"/api/v1/history/days?device_id={device}&tz_offset=3600"),
            ("a search", f"/api/v1/history?device_id={device}&search=scratch&limit=200"),
            ("the overview", f"/api/v1/overview?since={now - now % 86400}"),
        ):
            before = cpu_ms(served)
            times = [first_byte(client, path) for _ in range(10)]
            spent = (cpu_ms(served) - before) / 10
            say(f"{VISITS} visits: {name}, CPU / median", f"{spent:.1f} / {middle(times):.0f} ms")
    finally:
        served.stop()


if __name__ == "__main__":
    assert threading.active_count() == 1
    sys.exit(main())
