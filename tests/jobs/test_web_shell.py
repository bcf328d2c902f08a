"""Installed on a phone: icons that are there, and a page that opens without the router and says since when it is away.

A browser runs the worker where it trusts the connection: here because it is this machine's own.
"""

import json
import re
import struct
import urllib.request

import pytest

from tests.jobs import browser
from tests.jobs.lived_in import Served
from tests.jobs.web_peer import wait_until

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("shell"))
    yield served
    served.stop()


def fetched(served, path: str):
    with urllib.request.urlopen(f"http://127.0.0.1:{served.port}{path}") as reply:
        return reply.headers, reply.read()


def test_the_manifest_names_icons_of_their_size(served):
    manifest = json.loads(fetched(served, "/app.webmanifest")[1])
    assert manifest["name"] == "Privacy Agent" and manifest["display"] == "standalone" and manifest["start_url"] == "/"
    sizes = set()
    for icon in manifest["icons"]:
        headers, data = fetched(served, icon["src"])
        assert headers["Content-Type"] == icon["type"]
        if icon["type"] == "image/png":
            width, height = struct.unpack(">II", data[16:24])
            assert icon["sizes"] == f"{width}x{height}"
            sizes.add((icon["sizes"], icon.get("purpose", "any")))
    assert sizes == {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}


def test_the_worker_is_asked_for_anew_each_time(served):
    headers, _ = fetched(served, "/sw.js")
    assert headers["Cache-Control"] == "no-cache" and headers["Content-Type"].startswith("text/javascript")


def test_it_opens_without_the_router(chromium, served):
    context = chromium.new_context(viewport=browser.PHONE, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(browser.PATIENCE_MS)
    page.goto(f"http://127.0.0.1:{served.port}/")
    served.sign_in(page)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()  # from now on the worker is asked, and keeps what it fetches
    page.locator("a.person").first.wait_for()
    kept = "caches.open('shell').then((one) => one.keys()).then((all) => all.map((one) => new URL(one.url).pathname))"
    wait_until(lambda: {"/"} < set(page.evaluate(kept)))
    assert not any(path.startswith("/api/") for path in page.evaluate(kept)), "nothing of the household is kept"
    context.set_offline(True)
    page.reload()
    page.get_by_text(re.compile(r"^Not connected since \d\d:\d\d")).wait_for()
    page.get_by_role("button", name="Retry").wait_for()
    browser.shoot(page, "shell-offline")
    context.set_offline(False)
    page.get_by_role("button", name="Retry").click()
    page.locator("a.person").first.wait_for()
    assert page.get_by_text("Not connected since").count() == 0
    context.close()
