"""A line that comes late, and servers that fail at first: what is missing is fetched as soon as it can be had."""

import time
from collections.abc import Iterator

import pytest

from tests.jobs.bad_server import Asked, Authority
from tests.world.lists import House, house, until


@pytest.fixture
def home(authority: Authority) -> Iterator[House]:
    with house(authority) as made:
        yield made


def busy(asked: Asked) -> None:
    asked.reply(b"", status="503 Service Unavailable")


def test_a_first_fetch_that_failed_is_tried_again_in_seconds(home: House) -> None:
    home.server.pages = {"/one": busy, "/two": busy}
    home.start()
    until(lambda: len(home.server.log) >= 4)
    home.serve("one", 3000)
    home.serve("two", 3000)
    began = time.monotonic()
    until(lambda: home.blocks("one7.example") and home.blocks("two7.example"))
    assert time.monotonic() - began < 45


def test_an_interface_that_comes_up_starts_a_fetch(home: House) -> None:
    home.server.pages = {"/one": busy, "/two": busy}
    home.start()
    # As after an hour without a line: the pauses have grown.
    until(lambda: home.feed("one")["failures"] >= 3)
    until(lambda: not home.client.call("lists.progress")["running"])
    home.serve("one", 3000)
    home.serve("two", 3000)
    for _ in range(3):
        home.hang_up()
    began = time.monotonic()
    until(lambda: home.blocks("one7.example"))
    assert time.monotonic() - began < 15
    # With all in order it starts nothing.
    asked = len(home.server.log)
    for _ in range(3):
        home.hang_up()
        time.sleep(1)
    assert len(home.server.log) == asked


def test_a_list_that_failed_alone_is_asked_for_when_the_line_is_back(home: House) -> None:
    home.server.pages["/two"] = busy
    home.start()
    home.updated()
    assert home.blocks("one7.example") and home.feed("two")["failures"] == 1
    home.serve("two", 3000)
    home.hang_up()
    until(lambda: home.blocks("two7.example"), 20)
