"""P4 of what is told inside the house: a word reaches the address that the household named, no name and no more does,
and none of it leaves by the WAN, whatever the routes say."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.client import ControlError
from tests.lab.lab import ALICE4, ALICE_MAC, Lab
from tests.lab.resident import Resident
from tests.promises.test_p4_nothing_leaves import Capture

ROOT = Path(__file__).resolve().parent.parent.parent
LABEL = "Unmistakable Tablet"
TELL = (
    "import sys, json; from agent.core.house_url import read; from agent.jobs.house_call import tell;"
    " print(tell(read(sys.argv[1]), 'request', ['br-lan']))"
)


class Listener:
    """A program in the house: its posts, and what it answers."""

    def __init__(self, lab: Lab, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") -> None:
        self.answer = answer
        self.posts: list[bytes] = []
        self.heard = threading.Event()
        self.listening = lab.spaces["alice"].socket(socket.AF_INET, socket.SOCK_STREAM, 30.0)
        self.listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listening.bind((ALICE4, 0))
        self.listening.listen(4)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            while True:
                link, _ = self.listening.accept()
                with link:
                    link.settimeout(10)
                    self.posts.append(link.recv(4096))
                    link.sendall(self.answer)
                self.heard.set()
        except OSError:
            return


@pytest.fixture
def resident(lab: Lab, tmp_path: Path) -> Iterator[Resident]:
    made = Resident(lab, tmp_path)
    yield made
    for space in lab.spaces.values():
        space.close_sockets()
    assert made.stop() == 0, made.said()


def test_a_request_is_told_to_the_house_without_a_name(lab: Lab, resident: Resident, tmp_path: Path) -> None:
    device = resident.add(LABEL, ALICE_MAC)
    listener = Listener(lab, b"HTTP/1.1 302 Found\r\nLocation: http://203.0.113.10/\r\nContent-Length: 0\r\n\r\n")
    resident.call("settings.set", key="notice_url", value=f"http://{ALICE4}:{listener.port}/hook", actor="cli")
    capture = Capture(lab, tmp_path / "wan.pcap")
    resident.call("request.add", device_id=device, kind="exception", text="please", target="secret.example")
    assert listener.heard.wait(30), resident.said()
    frames = list(capture.packets())
    head, _, body = listener.posts[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook HTTP/1.1\r\n") and json.loads(body) == {"what": "request"}
    for word in (LABEL.encode(), b"secret", b"please", b"privacy", b"agent", ALICE_MAC.encode()):
        assert word not in listener.posts[0], word
    assert not [frame for frame in frames if b"POST" in frame or b"\xcb\x00\x71\x0a" in frame[30:34]], "not followed"


@pytest.mark.parametrize("host", ["10.77.0.1", "192.168.60.12", "169.254.9.9"])
def test_what_is_not_behind_the_home_network_gets_no_packet(lab: Lab, tmp_path: Path, host: str) -> None:
    """Private networks elsewhere: of a provider, of guests, of a tunnel; the router has a default route."""
    capture = Capture(lab, tmp_path / "wan.pcap")
    command = [sys.executable, "-c", TELL, f"http://{host}/"]
    done = lab.router.start(command, cwd=ROOT, stdout=subprocess.PIPE)
    out, _ = done.communicate(timeout=60)
    assert out.strip() == b"False"
    assert not [frame for frame in capture.packets() if socket.inet_aton(host) in frame]


def test_an_address_outside_is_refused(resident: Resident) -> None:
    for url in ("http://8.8.8.8/", "http://nas.lan/", "https://192.168.50.10/", "http://192.168.50.10@203.0.113.10/"):
        with pytest.raises(ControlError):
            resident.call("settings.set", key="notice_url", value=url, actor="cli")
