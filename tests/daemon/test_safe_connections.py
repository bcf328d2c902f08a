"""A connection to a host that has a safe form leads to the addresses of that form or is reset, and nobody is told."""

import struct
import sys
from collections.abc import Callable

import pytest

from agent.core.marks import DEFAULT
from agent.core.nft.inspection import DONE, MAGIC, REFUSED
from agent.core.policy import OwnRule, Policy, View
from agent.core.safesearch import GOOGLE, YANDEX, YOUTUBE_MODES
from agent.daemon.clients import Clients, DeviceView
from agent.daemon.connections.inspector import Inspector
from agent.daemon.safe_addresses import ADDRESSES_MAX, KEPT_S, SafeAddresses
from tests.core.test_flows import tcp, v4, v6
from tests.core.test_tls_hello import message, records, server_name

FORCED = bytes([216, 239, 38, 120])
HERE = bytes([192, 0, 2, 2])  # where the packets of `v4` go
HERE6 = b"\x20\x01" + bytes(13) + b"\x02"
RESET, GOES_ON = DEFAULT.state(REFUSED), DEFAULT.state(DONE)


def hello(name: str) -> bytes:
    return records(message(server_name(name.encode())))


def get(host: str) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


class Told:
    """Everything that anybody could be told."""

    def __init__(self) -> None:
        self.all: list[object] = []

    def allowed(self, *what: object) -> None:
        self.all.append(what)

    refused = allowed


class Web:
    """Connections of a device with these modes."""

    def __init__(self, view: View | None, policy: Policy | None = None) -> None:
        self.now = 0.0
        self.told = Told()
        self.clients = Clients(DEFAULT, lambda address: None)
        self.safe = SafeAddresses(lambda: self.now)
        self.judge = Inspector(
            self.clients,
            self.told,  # type: ignore[arg-type]
            Policy(None, []) if policy is None else policy,
            lambda: self.now,
            self.told.allowed,
            lambda *packet: True,
            safe=self.safe,
        )
        self.use(view)
        self.port = 1024

    def use(self, view: View | None) -> None:
        self.clients.replace([(DeviceView(1, 1, view, 1), None, None)])

    def opens(self, data: bytes, build: Callable[[bytes], bytes] = v4) -> int | None:
        self.port += 1
        packet = bytearray(build(tcp(data)))
        struct.pack_into(">H", packet, 40 if build is v6 else 20, self.port)
        mark = DEFAULT.pack(1, 1)
        source = mark.to_bytes(4, sys.byteorder) + MAGIC
        found = self.judge.judge((1, 0, source, bytes(packet)))
        return None if found is None else found & DEFAULT.tag_mask


ON, STRICT = View((), "on"), View((), "strict")


def test_only_the_safe_form_is_reached() -> None:
    web = Web(ON)
    assert web.opens(hello("www.google.com")) == RESET, "nothing was answered yet: an address that the device brought"
    assert web.opens(hello("www.google.com"), v6) == RESET
    web.safe.note(GOOGLE.target, [HERE])
    assert web.opens(hello("www.google.com")) == GOES_ON
    assert web.opens(hello("WWW.Google.de")) == GOES_ON
    assert web.opens(hello("www.google.com"), v6) == RESET
    web.safe.note(GOOGLE.target, [HERE6])
    assert web.opens(hello("www.google.com"), v6) == GOES_ON
    assert web.opens(hello("www.bing.com")) == RESET, "another operator's safe form is not this one's"


@pytest.mark.parametrize(
    "name", ["google.com", "mail.google.com", "a.www.google.com", "www.youtube.com", "other.example"]
)
def test_other_names_go_on(name: str) -> None:
    assert Web(ON).opens(hello(name)) == GOES_ON
    assert Web(View((), "off", "off")).opens(hello("www.google.com")) == GOES_ON


def test_each_mode_of_youtube_has_its_own() -> None:
    for mode, other in (("moderate", "strict"), ("strict", "moderate")):
        web = Web(View((), "off", mode))
        web.safe.note(YOUTUBE_MODES[other].target, [HERE])
        assert web.opens(hello("www.youtube.com")) == RESET
        web.safe.note(YOUTUBE_MODES[mode].target, [HERE])
        assert web.opens(hello("youtubei.googleapis.com")) == GOES_ON


def test_plain_requests_and_yandex() -> None:
    web = Web(ON)
    assert web.opens(get("www.google.com")) == RESET
    assert web.opens(get("ya.ru")) == RESET
    assert web.safe.holds(YANDEX, YANDEX.address)
    assert web.safe.holds(YANDEX, bytes([0, 0x64, 0xFF, 0x9B]) + bytes(8) + YANDEX.address)
    assert not web.safe.holds(YANDEX, HERE)


def test_nothing_is_told_and_nothing_counted() -> None:
    web = Web(STRICT)
    assert web.opens(hello("www.google.com")) == RESET
    assert web.opens(hello("www.startpage.com")) == RESET
    assert web.judge.counters()["connections_refused"] == 0
    web.judge.flush()
    assert web.told.all == []


def test_a_rule_that_allows_the_host_opens_no_other_form_of_it() -> None:
    allowed = [OwnRule(1, b"google.com", "allow", "household", 0, None, 0)]
    web = Web(View((("household", 0),), "on"), Policy(None, allowed))
    assert web.opens(hello("www.google.com")) == RESET


def test_what_is_open_ends_when_it_is_switched_on_and_stays_when_it_leads_to_the_safe_form() -> None:
    web = Web(View(()))
    assert web.opens(hello("www.google.com")) == GOES_ON
    assert web.opens(hello("fine.example")) == GOES_ON
    assert web.judge.review() == []
    web.use(ON)
    assert len(web.judge.review()) == 1
    web.safe.note(GOOGLE.target, [HERE])
    web.use(View(()))
    assert web.opens(hello("www.google.com")) == GOES_ON
    assert web.judge.review() == []
    web.use(ON)
    assert web.judge.review() == []


def test_addresses_are_known_for_a_day_and_are_few() -> None:
    web = Web(ON)
    web.safe.note(GOOGLE.target, [HERE, FORCED])
    web.now = KEPT_S - 1
    assert web.opens(hello("www.google.com")) == GOES_ON
    web.safe.note(GOOGLE.target, [FORCED])
    web.now = KEPT_S
    assert web.opens(hello("www.google.com")) == RESET
    assert web.safe.holds(GOOGLE, FORCED)
    for number in range(2 * ADDRESSES_MAX):
        web.safe.note(b"strict.bing.com", [struct.pack(">I", number)])
        web.safe.note(GOOGLE.target, [FORCED])
    assert len(web.safe) == ADDRESSES_MAX
    assert web.safe.holds(GOOGLE, FORCED), "what is answered again and again stays"
