"""The weekly file from the household to a server of its own, which is real, and on to Debian's age."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core import week_file
from agent.jobs import report as job
from agent.jobs.upload import DONE, LATER, NEVER, UploadLimits, put
from tests.daemon.reporting import Straight, Weeks
from tests.jobs.bad_server import Authority
from tests.promises.household import Home

SHORT = UploadLimits(0.5, 2.0)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


class Storage(http.server.ThreadingHTTPServer):
    """WebDAV as far as PUT goes: files below a folder, for who signs in; `answer` is what it says instead."""

    daemon_threads = True

    def __init__(self, folder: Path, context: ssl.SSLContext) -> None:
        self.folder, self.answer, self.asked = folder, 0, []
        super().__init__(("127.0.0.1", 0), Put)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us hangs up."""

    @property
    def address(self) -> str:
        return f"https://localhost:{self.server_address[1]}/"


class Put(http.server.BaseHTTPRequestHandler):
    server: Storage

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers)))
        if self.server.answer:
            self.send_response(self.server.answer)
        elif self.headers["Authorization"] != "Basic " + base64.b64encode("ada:geheim ü".encode()).decode():
            self.send_response(401)
        else:
            path = self.server.folder / self.path.lstrip("/").partition("?")[0]
            new = not path.exists()
            path.write_bytes(body)
            self.send_response(201 if new else 204)
        self.end_headers()

    def log_message(self, format: str, *words: object) -> None:
        """Nothing."""


@pytest.fixture
def storage(tmp_path: Path, authority: Authority) -> Iterator[Storage]:
    (tmp_path / "stored").mkdir()
    made = Storage(tmp_path / "stored", authority.context("good"))
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(str(tmp_path))
    made.start()
    yield made
    made.crash()


def test_a_familys_week_is_opened_by_real_age(
    home: Home, storage: Storage, authority: Authority, tmp_path: Path
) -> None:
    if shutil.which("age") is None or shutil.which("age-keygen") is None:
        pytest.skip("not here: age (apt-get install age)")
    key = tmp_path / "key"
    subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", key], check=True, capture_output=True, text=True).stdout.strip()
    home.ask("person.add", name="Mia Unmistakable", group="child")
    weeks = Weeks(home.household)
    target = {"address": storage.address, "recipient": public, "user": "ada", "password": "geheim ü"}
    target["authority"] = authority.file.read_text()
    home.ask("week_file.turn_on", target=target, agree=home.ask("week_file.status")["notice"])
    client = Straight(home)
    for number in range(1, 4):
        assert home.household.week_file.tick()
        job.files(client)
        if number > 1:
            assert len(storage.asked) == number - 1, "it goes at a time of its own"
            age = home.household.week_file.outbox.send_age()
            weeks.on(age - home.household.clock.age())
            job.files(client)
        rows = home.ask("week_file.list")["items"]
        assert [row["state"] for row in rows] == ["sent"] * number, rows
        weeks.on(8 * 86400)
    files = sorted(storage.folder.iterdir())
    assert [path.name[:7] for path in files] == ["week-20"] * 3 and len({path.stat().st_size for path in files}) == 1
    for path in files:
        assert b"Unmistakable" not in path.read_bytes()
        opened = subprocess.run(["age", "-d", "-i", key, path], check=True, capture_output=True).stdout
        found = json.loads(opened)
        assert found["format"] == week_file.FORMAT and len(opened) in week_file.SIZES
        assert [one["name"] for one in found["items"]] == ["Mia Unmistakable"]
    heads = [sorted(headers) for _, headers in storage.asked]
    assert heads == [["Authorization", "Connection", "Content-Length", "Content-Type", "Host", "User-Agent"]] * 3


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(200, DONE), (201, DONE), (204, DONE), (301, LATER), (401, NEVER), (403, NEVER), (404, NEVER), (405, NEVER)]
    + [(409, NEVER), (413, NEVER), (423, LATER), (429, LATER), (500, LATER), (503, LATER), (507, LATER)],
)
def test_what_a_servers_reply_means(storage: Storage, authority: Authority, answer: int, kind: str) -> None:
    storage.answer = answer
    found = put(storage.address + "x?a=b", b"x", authority.file.read_text(), limits=SHORT)
    assert found.kind == kind and (kind == DONE or str(answer) in found.message or answer == 301)
    assert storage.asked[-1][0] == "/x?a=b"


def test_a_server_with_a_certificate_of_its_own_is_trusted_where_that_is_pinned(
    tmp_path: Path, authority: Authority
) -> None:
    """As a NAS makes it for itself; another one's is not."""
    own = authority.context("own", signed=False)
    server = Storage(tmp_path, own)
    try:
        server.answer = 201
        assert put(server.address, b"x", (authority.folder / "own.pem").read_text(), limits=SHORT).kind == DONE
        for pinned in (authority.file.read_text(), ""):
            found = put(server.address, b"x", pinned, limits=SHORT)
            assert found.kind == LATER and "certificate" in found.message
        assert len(server.asked) == 1
    finally:
        with contextlib.suppress(OSError):
            server.shutdown()
            server.server_close()


def test_addresses_that_lead_nowhere() -> None:
    assert put("https://localhost:1/", b"x", limits=SHORT).kind == LATER
    assert put("http://localhost/", b"x", limits=SHORT).kind == NEVER
    assert put("https://bücher.invalid/", b"x", limits=SHORT).kind == LATER
