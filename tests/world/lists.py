"""A real daemon with a local HTTPS server of lists, that is switched off and on again as a router is."""

import contextlib
import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.client import ControlClient
from tests.jobs.bad_server import Authority, BadServer, names, validated
from tests.promises.running import Running

WAIT_S = 60.0


def until(fact: Callable[[], object], wait_s: float = WAIT_S) -> None:
    """Wait for something to be so; AssertionError when it does not come to be."""
    end = time.monotonic() + wait_s
    while not fact():
        assert time.monotonic() < end, "it does not come to be"
        time.sleep(0.05)


class House:
    """Protection is on for the tablet. `start` and `power_cut` as often as wanted; the server is there all the time,
    and does not answer while `down`."""

    def __init__(self, folder: Path, authority: Authority, lists: tuple[str, ...] = ("one", "two")) -> None:
        self.folder = folder
        self.authority = authority
        self.server = BadServer(authority.context("good"))
        self.data = folder / "data"
        self.data.mkdir()
        feeds = [
            {"id": id, "address": self.server.address("/" + id), "category": "phishing", "default": True}
            for id in lists
        ]
        (self.data / "feeds.json").write_text(json.dumps({"format": 1, "feeds": feeds}))
        (self.data / "popular.txt").write_text("a.example\nb.example\nc.example\n")
        for id in lists:
            self.serve(id, 3000)
        self.running: Running | None = None
        self.inside: tuple[str, ...] = ()
        self.client: ControlClient

    def serve(self, id: str, count: int) -> None:
        self.server.pages["/" + id] = validated(names(count, id), f'"{count}"')

    def start(self, **settings: object) -> ControlClient:
        with environment(SSL_CERT_FILE=str(self.authority.file)):
            self.running = Running(self.folder, self.inside, data_dir=str(self.data), **settings)
        self.client = self.running.client()
        if not self.client.call("device.list")["items"]:
            self.client.call("device.add", label="tablet", address="127.0.0.2")
            self.client.call("on", device_id=1, feature="protection", agree=1)
        return self.client

    def stop(self) -> None:
        if self.running:
            self.client.close()
            self.running.stop()
            self.running = None

    def power_cut(self) -> None:
        """As when the router is unplugged: what was in memory is gone."""
        self.stop()
        shutil.rmtree(self.folder / "run")

    def hang_up(self) -> None:
        """SIGHUP to the guard, which the init script sends when an interface comes up."""
        assert self.running
        self.running.guard.send_signal(signal.SIGHUP)

    def blocks(self, name: str) -> bool:
        return self.client.call("explain", name=name)["verdict"] == "block"

    def updated(self) -> dict:
        """An update by hand, to its end."""
        self.client.call("lists.update")
        until(lambda: not self.client.call("lists.progress")["running"])
        return self.client.call("lists.progress")

    def feed(self, id: str) -> dict:
        (row,) = [row for row in self.client.call("lists")["feeds"] if row["id"] == id]
        return row

    def kept(self) -> dict:
        found: dict = self.client.call("lists")["kept"]
        return found

    def close(self) -> None:
        self.stop()
        if not self.server.closing:
            self.server.close()


@contextlib.contextmanager
def environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that the job's user can reach: pytest's own belong to one user alone."""
    folder = Path(tempfile.mkdtemp(prefix="privacy-agent-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def house(authority: Authority, *lists: str) -> Iterator[House]:
    with open_folder() as folder:
        made = House(folder, authority, lists or ("one", "two"))
        try:
            yield made
        finally:
            made.close()
