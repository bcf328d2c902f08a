"""A household's life on a file set: the command line, the daemon, each job, LuCI's plugin, the package's scripts.

Each step is a function that raises when something does not work; servers and browser are this machine's own Python.
"""

import contextlib
import json
import os
import pwd
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from agent.client import ControlClient, Unreachable
from tests.authority import authority
from tests.daemon.reporting import Operator
from tests.jobs.bad_server import Authority, BadServer, names, text
from tests.jobs.web_peer import Client as Browser
from tests.openwrt.fileset import ROOT, FileSet
from tests.ports import free_port

PLUGIN = ROOT / "packaging/openwrt/luci-app-privacy-agent/root/usr/libexec/rpcd/privacy-agent"
SOCKET = "/var/run/privacy-agent/control.sock"  # as the plugin has it
RECEIVE = ROOT / "tests/qemu/guest/usr/bin/receive"
TABLET = "127.0.0.2"
PASSWORD = "four plain words together"
LATER_S = 8 * 86400
# A report goes 30 to 40 s after it is due on a quiet machine, and each look is an interpreter's start.
PATIENCE_S = 300.0
LOADED_S = 60  # once the job has ended


class Broken(Exception):
    """A step did not work; with what the process said."""


def expect(fact: object, told: object) -> None:
    if not fact:
        raise Broken(told)


def until(fact: Callable[[], object], sentence: str, patience_s: float = PATIENCE_S) -> None:
    end = time.monotonic() + patience_s
    while not fact():
        expect(time.monotonic() < end, sentence)
        time.sleep(0.05)


class Life:
    """The household in `folder`, which every user may enter, with the servers that its jobs talk to."""

    def __init__(self, files: FileSet, folder: Path) -> None:
        self.files = files
        self.folder = folder
        self.state, self.run_dir = folder / "state", folder / "run"
        self.trusted = Authority(folder)
        self.server = BadServer(self.trusted.context("good"))
        self.server.pages["/list"] = text(names(3000, "fetched"))
        self.receiver, self.web, dns, upstream = free_port(), free_port(), free_port(), free_port()
        self.responder = subprocess.Popen(
            [sys.executable, str(ROOT / "tools/responder.py"), "127.0.0.1", str(upstream)]
        )
        self.daemon: subprocess.Popen[bytes] | None = None
        self.settings = folder / "settings.json"
        values = {
            "identity": "address",
            "state_dir": str(self.state),
            "run_dir": str(self.run_dir),
            "data_dir": str(self._data()),
            "suffixes_file": str(files.home / "usr/share/privacy-agent/suffixes.bin"),
            "dns_listen": [f"127.0.0.1:{dns}"],
            "web_listen": [f"127.0.0.1:{self.web}"],
            "upstream": [f"127.0.0.1:{upstream}"],
            "web_certificate": str(folder / "none"),
        }
        # A user each, as the package has them.
        values.update(web_user="nobody", jobs_user="daemon")
        if os.getuid():
            values.update(web_user=pwd.getpwuid(os.getuid()).pw_name, jobs_user=pwd.getpwuid(os.getuid()).pw_name)
        self.settings.write_text(json.dumps(values))

    def _data(self) -> Path:
        data = self.folder / "data"
        data.mkdir()
        feed = {"id": "one", "address": self.server.address("/list"), "category": "phishing", "default": True}
        (data / "feeds.json").write_text(json.dumps({"format": 1, "feeds": [feed]}))
        (data / "popular.txt").write_text("a.example\nb.example\nc.example\n")
        return data

    def environment(self) -> dict[str, str]:
        return {"SSL_CERT_FILE": str(self.trusted.file)}

    def cli(self, *words: str, code: int = 0) -> str:
        program = str(self.files.home / "usr/bin/privacy-agent")
        done = self.files.run(program, "--settings", str(self.settings), *words, env=self.environment())
        expect(done.returncode == code and "Traceback" not in done.stdout, f"privacy-agent {words}: {done.stdout}")
        return str(done.stdout)

    def asked(self, *words: str) -> Any:
        return json.loads(self.cli(*words, "--json"))

    def start(self) -> None:
        command = [str(self.files.program), str(self.files.home / "usr/bin/privacy-agent")]
        with open(self.folder / "log", "ab") as log:
            self.daemon = subprocess.Popen(
                [*command, "--settings", str(self.settings), "run"],
                env={"PATH": os.environ["PATH"], **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(lambda: self._answers() or self.daemon_ended(), "the daemon does not answer")
        expect(not self.daemon_ended(), self.log())

    def _answers(self) -> bool:
        try:
            with contextlib.closing(ControlClient(str(self.run_dir / "control.sock"))) as client:
                client.call("status")
        except Unreachable:
            return False
        return True

    def daemon_ended(self) -> bool:
        """Or it ends again and again, under its guard."""
        return self.daemon is None or self.daemon.poll() is not None or "Error: " in self.log()

    def stop(self) -> None:
        if self.daemon is not None:
            self.daemon.send_signal(signal.SIGTERM)
            self.daemon.wait(PATIENCE_S)
            self.daemon = None

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def close(self) -> None:
        self.stop()
        self.responder.terminate()
        self.responder.wait()
        self.server.close()


def command_line(life: Life) -> None:
    """Every command can be read, and the settings checked."""
    life.cli("--help")
    life.cli("run", "--check")
    life.cli("status", code=3)


def scripts(life: Life) -> None:
    """What the init script and sysupgrade run."""
    config = life.files.home / "etc/config/privacy-agent"
    turned = life.folder / "turned.json"
    for name, words in (
        ("settings-from-uci", (str(config), str(turned), str(life.settings), str(life.folder / "stale"))),
        ("copy-state", (str(life.state / "none.db"), str(life.folder / "copied.db"))),
    ):
        done = life.files.run(str(life.files.home / "usr/libexec/privacy-agent" / name), *words)
        expect(done.returncode == 0, f"{name}: {done.stdout}")
    expect(json.loads(turned.read_text())["interfaces"] == ["br-lan"], turned.read_text())


def household(life: Life) -> None:
    """The daemon with a device, people, rules of letters of any script, consent, and what is held of them."""
    life.start()
    life.cli("person", "add", "Mia", "child")
    life.cli("device", "add", "--address", TABLET, "--person", "Mia", "Tablet")
    life.cli("on", "Tablet", "history", "--agree", "1")
    life.cli("on", "Tablet", "protection", "--agree", "1")
    life.cli("block", "bücher.example", "--yes")
    expect("xn--bcher-kva.example" in life.cli("rule", "list"), "no rule of a name with an umlaut")
    life.cli("setting", "set", "history_days", "5")
    life.cli("explain", "www.bücher.example")
    for words in (
        ("history", "Tablet"),
        ("blocked",),
        ("activity",),
        ("audit",),
        ("device", "list"),
        ("lists",),
    ):
        life.asked(*words)
    for form in ("json", "csv"):
        life.cli("export", "Tablet", "--format", form, "--output", str(life.folder / f"taken.{form}"))
    life.cli("delete", "Tablet", "--yes")
    life.cli("pause")
    life.cli("resume", "--yes")


def lists(life: Life) -> None:
    """Compiled by hand, and fetched from a server over TLS and compiled by the job."""
    own = life.folder / "own.txt"
    own.write_text("typed.example\n")
    life.cli("lists", "compile", str(own), "--output", str(life.folder / "own.bin"))
    life.cli("lists", "update")  # waits for the job's end
    until(
        lambda: life.asked("explain", "fetched7.example")["verdict"] == "block", f"no list came: {life.log()}", LOADED_S
    )


def page(life: Life) -> None:
    """The web job: TLS with a certificate of its own, the first password, a session, a sealed backup."""
    code = life.asked("setup-code")["code"]
    browser = Browser(life.web, tls=True)
    expect(browser.ask("POST", "/api/v1/setup", {"code": code, "password": PASSWORD}).status == 201, life.log())
    for path in ("overview", "devices", "history?device_id=1", "lists", "ledger"):
        reply = browser.ask("GET", "/api/v1/" + path)
        expect(reply.status == 200, (path, reply.body, life.log()))
    expect(browser.ask("GET", "/").status == 200, life.log())
    browser.ask("POST", "/api/v1/session/confirm", {"password": PASSWORD})
    sealed = browser.ask("POST", "/api/v1/backup", {"passphrase": PASSWORD, "history": True})
    expect(sealed.status == 200 and sealed.body.startswith(b"privacy-agent backup"), (sealed.body[:200], life.log()))
    expect("web: " not in life.log(), life.log())


def plugin(life: Life) -> None:
    """LuCI's object in rpcd."""
    copied = life.folder / "plugin"
    copied.write_text(PLUGIN.read_text().replace(SOCKET, str(life.run_dir / "control.sock")))
    methods = json.loads(life.files.run("-I", "-S", str(copied), "list").stdout)
    for method in methods:
        done = life.files.run("-I", "-S", str(copied), "call", method, input="{}")
        expect(isinstance(json.loads(done.stdout), dict), f"{method}: {done.stdout}")
    expect(
        json.loads(life.files.run("-I", "-S", str(copied), "call", "status", input="{}").stdout)["health"], "no status"
    )


def reports(life: Life) -> None:
    """A report is made, sealed, and sent over TLS to a receiver with a root of its own."""
    authority(life.folder, "127.0.0.1")
    operator = Operator(f"https://127.0.0.1:{life.receiver}/", (life.folder / "ca.pem").read_text())
    came = life.folder / "came"
    words = [
        "127.0.0.1",
        str(life.receiver),
        *(str(life.folder / name) for name in ("server.pem", "server.key", "came")),
    ]
    with running([sys.executable, str(RECEIVE), *words]):
        (life.folder / "operator.json").write_text(json.dumps(operator.row))
        life.cli("statistics", "operator", str(life.folder / "operator.json"), "--yes")
        now = life.asked("statistics", "preview")
        life.cli("statistics", "opt-in", "--agree", str(now["notice"]), "--terms", now["terms"])
        for moment in ("next_at", "send_at"):
            later(life, int(life.asked("statistics", "preview")[moment] - time.time()) + 1)
            state = {"next_at": "sealed", "send_at": "sent"}[moment]
            until(lambda state=state: reported(life, state), f"no report is {state}: {life.log()}")
        until(came.exists, "nothing came")
    life.cli("statistics", "opt-out")


def reported(life: Life, state: str) -> bool:
    items = life.asked("statistics", "list")["items"]
    return bool(items) and items[-1]["state"] == state


@contextlib.contextmanager
def running(command: list[str]) -> Iterator[None]:
    with subprocess.Popen(command) as process:
        try:
            yield
        finally:
            process.terminate()


def later(life: Life, seconds: int) -> None:
    """The household's age goes on; no week has to pass."""
    life.stop()
    with contextlib.closing(sqlite3.connect(life.state / "state.db")) as database:
        (saved,) = database.execute("SELECT value FROM meta WHERE key = 'clock'").fetchone()
        age, _, rest = saved.partition(" ")
        moved = f"{int(age) + max(seconds, 0)} {rest}"
        database.execute("UPDATE meta SET value = ? WHERE key = 'clock'", (moved,))
        database.commit()
    life.start()


def end(life: Life) -> None:
    life.stop()
    expect("Traceback" not in life.log() and "Error" not in life.log(), life.log())


STEPS: tuple[Callable[[Life], None], ...] = (command_line, scripts, household, lists, page, plugin, reports, end)


def lived(files: FileSet, folder: Path) -> Iterator[str]:
    """The names of the steps that worked, one after the other."""
    life = Life(files, folder)
    try:
        for step in STEPS:
            step(life)
            yield step.__name__
    finally:
        life.close()
