"""What a first and a second look cost: requests, bytes on the wire, and time on a slow line, counted by the browser."""

import pytest

from tests.jobs import browser
from tests.jobs.lived_in import Served

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
REQUESTS_MAX = 12
BYTES_MAX = 90_000


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("speed"))
    yield served
    served.stop()


class Wire:
    """Counts what a page loads, as the browser's network domain tells it."""

    def __init__(self, page) -> None:
        self.names: list[str] = []
        self.bytes = 0
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.requestWillBeSent", lambda event: self.names.append(event["request"]["url"]))
        session.on("Network.loadingFinished", lambda event: self._add(event["encodedDataLength"]))
        self.session = session

    def _add(self, count: float) -> None:
        self.bytes += int(count)

    def restart(self) -> None:
        self.names, self.bytes = [], 0


def looked(page, served, wire: Wire) -> None:
    wire.restart()
    page.goto(f"http://127.0.0.1:{served.port}/")
    page.locator(".person").first.wait_for()
    page.wait_for_timeout(500)  # whatever still comes is counted as well


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_the_first_look_is_few_requests_and_the_second_fewer(served, locale):
    with browser.chromium() as chromium:
        context = chromium.new_context(viewport=browser.PHONE, locale=locale, service_workers="block")
        page = context.new_page()
        page.set_default_timeout(browser.PATIENCE_MS)
        page.goto(f"http://127.0.0.1:{served.port}/")
        served.sign_in(page)
        page.locator("h1").wait_for()
        wire = Wire(page)
        wire.session.send("Network.clearBrowserCache")
        looked(page, served, wire)
        print(f"{locale} first: {len(wire.names)} requests, {wire.bytes} bytes")
        assert len(wire.names) <= REQUESTS_MAX, wire.names
        assert wire.bytes <= BYTES_MAX
        first = wire.bytes
        looked(page, served, wire)
        print(f"{locale} second: {len(wire.names)} requests, {wire.bytes} bytes")
        assert wire.bytes <= first / 4


def test_no_view_asks_twice_for_the_same(served):
    """Nor when its event stream stands, which is told what was missed meanwhile."""
    served.ask("device.add", label="This phone", address="127.0.0.1", person_id=2)
    with browser.chromium() as chromium:
        page = chromium.new_context(viewport=browser.PHONE, service_workers="block").new_page()
        page.set_default_timeout(browser.PATIENCE_MS)
        page.goto(f"http://127.0.0.1:{served.port}/")
        served.sign_in(page)
        wire = Wire(page)
        for view in ("/", "/history", "/protection", "/privacy", "/devices", "/account", "/me"):
            wire.restart()
            with page.expect_response("**/events?asked=*"):
                page.goto(f"http://127.0.0.1:{served.port}{view}")
            page.locator("h1").wait_for()
            page.wait_for_timeout(500)  # whatever still comes is counted as well
            asked = [name for name in wire.names if "/api/" in name]
            assert asked and sorted(asked) == sorted(set(asked)), view
