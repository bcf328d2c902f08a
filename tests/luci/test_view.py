"""LuCI's page in Chromium: the view and the rpcd plugin as they are, the real daemon behind them.

LuCI itself is not here: `harness.js` stands for what the view uses of it, and this file for rpcd and its access lists.
"""

import gzip
import http.server
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agent.jobs.web import bundle
from agent.jobs.web.static import FOLDER
from tests.jobs import browser
from tests.jobs.daemon import Daemon
from tests.jobs.lived_in import Served

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")

HERE = Path(__file__).parent
APP = HERE.parents[1] / "packaging" / "openwrt" / "luci-app-privacy-agent"
VIEW = APP / "htdocs" / "luci-static" / "resources" / "view" / "privacy-agent.js"
PLUGIN = APP / "root" / "usr" / "libexec" / "rpcd" / "privacy-agent"
ACL = APP / "root" / "usr" / "share" / "rpcd" / "acl.d" / "luci-app-privacy-agent.json"
LIB = Path(FOLDER) / "js" / "lib"
FILES = {f"/lib/{path.name}": path for path in LIB.glob("*.js")}
FILES |= {"/": HERE / "harness.html", "/harness.js": HERE / "harness.js", "/view.js": VIEW}
TYPES = {".html": "text/html", ".js": "text/javascript"}
NOT_FOUND, DENIED, NO_DATA = 4, 6, 5  # ubus


TEXTS = 'os.path.join(os.path.dirname(os.__file__), "site-packages/agent/jobs/web/static/text")'


def packed_texts(folder: Path) -> Path:
    """As the package installs them."""
    for path, text in bundle.texts(FOLDER).items():
        (folder / f"{Path(path).name}.gz").write_bytes(gzip.compress(text.encode()))
    return folder


class Router:
    """rpcd as far as one plugin needs it, and a web server before it. `socket` is the agent's."""

    def __init__(self, folder: Path, socket: Path) -> None:
        text = PLUGIN.read_text()
        assert text.count('SOCKET = "/var/run/privacy-agent/control.sock"') == 1
        self.plugin = folder / "plugin"
        assert text.count(TEXTS) == 1
        texts = packed_texts(folder)
        text = text.replace(TEXTS, f'"{texts}"')
        self.plugin.write_text(text.replace("/var/run/privacy-agent/control.sock", str(socket)))
        (rights,) = json.loads(ACL.read_text()).values()
        self.rights = {part: set(rights[part]["ubus"]["privacy-agent"]) for part in ("read", "write")}
        self.may = self.rights["read"] | self.rights["write"]
        self.present = True
        self.language = "en"
        router = self

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = FILES.get(self.path)
                data = (path.read_bytes() if path else b"").replace(b'lang="en"', f'lang="{router.language}"'.encode())
                self.answer(data, TYPES[path.suffix] if path else "text/plain")

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                self.answer(json.dumps(router.call(**asked)).encode(), "application/json")

            def answer(self, data: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *words: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.address = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def run(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", str(self.plugin), *words]
        return subprocess.run(command, input=given, capture_output=True, text=True, timeout=20, check=False)

    def call(self, object: str, method: str, params: dict[str, object]) -> list[object]:
        if object != "privacy-agent" or not self.present:
            return [NOT_FOUND]
        if method not in self.may:
            return [DENIED]
        run = self.run("call", method, given=json.dumps(params))
        return [0, json.loads(run.stdout)] if run.stdout else [NO_DATA]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    running = Daemon(tmp_path_factory.mktemp("luci"))
    yield running
    running.stop()


@pytest.fixture
def router(tmp_path, daemon):
    running = Router(tmp_path, daemon.socket)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """Devices known by their MAC, as holding needs: Mia's and Ben's."""
    running = Served(tmp_path_factory.mktemp("family"), "--moved")
    yield running
    running.stop()


@pytest.fixture
def home(tmp_path, family):
    running = Router(tmp_path, family.socket)
    yield running
    running.stop()


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport=browser.DESKTOP, locale="en-GB", timezone_id="Europe/Berlin")
    page = context.new_page()
    page.set_default_timeout(browser.PATIENCE_MS)
    trouble = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    yield page
    context.close()
    assert trouble == []


def show(page, router):
    page.goto(router.address)
    page.locator("body[data-ready]").wait_for()


def states(daemon, label):
    device = next(item for item in daemon.ask("device.list")["items"] if item["label"] == label)
    return {name: state["on"] for name, state in device["features"].items()}


def test_1_without_devices(page, router, daemon):
    show(page, router)
    page.get_by_role("row", name="Block lists not downloaded yet").wait_for()
    page.get_by_text("No devices yet. Nothing is recorded and nothing is blocked.").wait_for()
    assert (
        page.get_by_role("link", name="Add a device").get_attribute("href") == f"https://127.0.0.1:{daemon.web}/devices"
    )
    browser.shoot(page, "luci-1-empty")


def test_2_on_says_first_what_it_means(page, router, daemon):
    daemon.ask("device.add", label="Mia's tablet", address="127.0.0.2")
    daemon.ask("device.add", label="The television in the living room", address="127.0.0.3")
    show(page, router)
    row = page.locator("tr", has_text="Mia's tablet")
    row.get_by_role("button", name="Turn on").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("What it reads").wait_for()
    browser.shoot(page, "luci-2-asked")
    dialog.get_by_role("button", name="Cancel").click()
    assert not any(states(daemon, "Mia's tablet").values())
    row.get_by_role("button", name="Turn on").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Turn on").click()
    row.get_by_text("on since").wait_for()
    assert sum(states(daemon, "Mia's tablet").values()) == 1
    assert daemon.ask("activity", limit=200)["items"][-1]["actor"] == "luci"
    for size in (browser.DESKTOP, browser.PHONE):
        page.set_viewport_size(size)
        browser.shoot(page, "luci-2-on")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than a phone"


def test_3_off_says_what_remains(page, router, daemon):
    show(page, router)
    page.locator("tr", has_text="Mia's tablet").get_by_role("button", name="Turn off").click()
    page.get_by_text(re.compile("^Turned off\\. ")).wait_for()
    assert not any(states(daemon, "Mia's tablet").values())
    browser.shoot(page, "luci-3-off")


def test_4_a_setup_code_is_shown(page, router, daemon):
    show(page, router)
    page.get_by_role("button", name="New setup code").click()
    dialog = page.get_by_role("dialog")
    assert re.fullmatch("[a-z0-9]{10}", dialog.locator("strong").inner_text())
    code = dialog.locator("strong").inner_text()
    link = dialog.get_by_role("link", name="Open with this code")
    address = f"https://127.0.0.1:{daemon.web}/#setup={code}"
    assert link.get_attribute("href") == address
    # A phone gets there by its camera, or by a link that is sent to it.
    assert dialog.locator("[data-text]").get_attribute("data-text") == address
    assert dialog.locator("svg").bounding_box()["width"] > 100
    assert dialog.get_by_role("link", name=address).get_attribute("href") == address
    for size in (browser.DESKTOP, browser.PHONE):
        page.set_viewport_size(size)
        browser.shoot(page, "luci-4-code")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than a phone"


def test_4_a_setup_code_where_luci_draws_no_qr_codes(page, router):
    show(page, router)
    page.evaluate("hasQr = false")
    page.get_by_role("button", name="New setup code").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("link", name="Open with this code").wait_for()
    assert dialog.locator("svg").count() == 0 and dialog.get_by_text("camera").count() == 0


def test_5_the_page_follows_what_others_switch(page, router, daemon):
    show(page, router)
    device = next(item for item in daemon.ask("device.list")["items"] if item["label"] == "Mia's tablet")
    daemon.ask("on", device_id=device["id"], feature="history", agree=1)
    page.evaluate("pollNow()")
    page.locator("tr", has_text="Mia's tablet").get_by_text("on since").wait_for()
    assert page.evaluate("polled.map((entry) => entry.seconds)") == [10]


def test_6_the_way_to_the_agents_own_pages(page, router, daemon):
    show(page, router)
    link = page.get_by_role("link", name="Open Privacy Agent")
    assert link.get_attribute("href") == f"https://127.0.0.1:{daemon.web}/"


@pytest.mark.parametrize(
    ("web", "address"),
    [
        ({"port": 8443, "tls": True}, "https://127.0.0.1:8443/"),
        ({"port": 80, "tls": False}, "http://127.0.0.1:80/"),
        ({"port": None, "tls": True}, None),
    ],
)
def test_6_the_way_follows_scheme_and_port(page, router, web, address):
    answered = router.call

    def call(**asked):
        code, answer = answered(**asked)
        return [code, {**answer, "web": web} if asked["method"] == "status" else answer]

    router.call = call
    show(page, router)
    links = page.get_by_role("link", name="Open Privacy Agent")
    assert [link.get_attribute("href") for link in links.all()] == ([address] if address else [])


MARKUP = "<img src=x onerror='window.broken=1'>"


def with_markup(value):
    """Each text that the plugin returned begins with markup, but for the names that the view looks things up by."""
    if isinstance(value, dict):
        return {name: inner if name == "name" else with_markup(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_markup(inner) for inner in value]
    return MARKUP + value if isinstance(value, str) else value


def test_6_markup_in_any_answer_is_text(page, router, daemon):
    """LuCI's page is root's: what a device is called must never run there."""
    device = daemon.ask("device.add", label=MARKUP, address="127.0.0.9")
    answered = router.call
    router.call = lambda **asked: with_markup(answered(**asked))
    show(page, router)
    row = page.locator("tr", has_text=MARKUP + MARKUP)
    row.get_by_role("button", name="Turn on").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("What it reads").wait_for()
    assert dialog.locator("h4").inner_text().count(MARKUP) == 3
    page.get_by_role("dialog").get_by_role("button", name="Turn on").click()
    row.get_by_role("button", name="Turn off").click()
    page.get_by_text(re.compile("^Turned off\\. ")).wait_for()
    page.get_by_role("button", name="New setup code").click()
    assert page.get_by_role("dialog").locator("strong").inner_text().startswith(MARKUP)
    router.call = lambda **asked: [0, {"error": {"code": "x", "message": MARKUP}}]
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    row.get_by_role("button", name="Turn on").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Turn on").click()
    page.locator(".alert-message.warning", has_text=MARKUP).wait_for()
    show(page, router)
    page.get_by_text(MARKUP).wait_for()
    assert page.evaluate("document.images.length") == 0
    assert page.evaluate("window.broken") is None
    router.call = answered
    daemon.ask("device.remove", device_id=device["id"])


def internet_of(router, name):
    people = json.loads(router.run("call", "people").stdout)["items"]
    return next(one for one in people if one["name"] == name)


def test_6_internet_off_and_on_again(page, home, family):
    assert internet_of(home, "Mia") == {
        "id": internet_of(home, "Mia")["id"],
        "name": "Mia",
        "state": "on",
        "until": None,
    }
    show(page, home)
    row = page.locator("tr", has=page.get_by_role("button", name="Turn internet")).filter(has_text="Mia")
    for length, seconds in (("15 min", 900), ("30 min", 1800), ("1 hour", 3600), ("Until I end it", 86400)):
        row.get_by_role("button", name="Turn internet off").click()
        browser.shoot(page, "luci-6-how-long")
        page.get_by_role("dialog").get_by_role("button", name=length).click()
        row.get_by_text("Internet is off until").wait_for()
        (hold,) = family.ask("hold.list")["items"]
        assert abs(hold["until"] - hold["at"] - seconds) <= 1 and hold["by"] == "luci"
        mia = internet_of(home, "Mia")
        assert mia["state"] == "off" and abs(mia["until"] - hold["until"]) <= 1
        browser.shoot(page, "luci-6-internet-off")
        row.get_by_role("button", name="Turn internet on").click()
        row.get_by_role("button", name="Turn internet off").wait_for()
        assert family.ask("hold.list")["items"] == []


def test_6_internet_on_at_a_time_that_is_kept(page, home, family):
    """A window stays a rule; whoever is let through is free until it is over."""
    ben, everyday = internet_of(home, "Ben")["id"], "mon,tue,wed,thu,fri,sat,sun"
    for kind, words in (("bedtime", "Bedtime"), ("break", "Break"), ("homework", "Homework")):
        now = family.ask("limits.get", person_id=ben)["clock"]
        minute = (now["now"] + now["offset_min"] * 60) // 60
        begin, end = (f"{at % 1440 // 60:02}:{at % 60:02}" for at in (minute - 120, minute + 120))
        window = {"kind": kind, "days": everyday, "begin": begin, "end": end}
        family.ask("limits.set", person_id=ben, windows=[window])
        assert internet_of(home, "Ben")["state"] == kind
        show(page, home)
        row = page.locator("tr", has=page.get_by_role("button", name="Turn internet")).filter(has_text="Ben")
        row.get_by_text(f"{words} until").wait_for()
        row.get_by_role("button", name="Turn internet on").click()
        row.get_by_role("button", name="Turn internet off").wait_for()
        kept = family.ask("limits.get", person_id=ben)
        assert [one["kind"] for one in kept["windows"]] == [kind] and [one["kind"] for one in kept["exceptions"]] == [
            "free"
        ]
        family.ask("hold.add", person_id=ben, seconds=60)  # the last word: nobody is free any more
        family.ask("hold.end", person_id=ben)
        family.ask("limits.set", person_id=ben, windows=[])


def test_6_hold_by_device_and_what_it_does_not_take(home, family):
    device = family.ask("device.list")["items"][0]["id"]

    def told(method, **given):
        return json.loads(home.run("call", method, given=json.dumps(given)).stdout)

    (hold,) = told("hold", device=device, ended=True)["holds"]
    assert hold["device_id"] == device and hold["by"] == "luci"
    assert told("release", device=device)["ended"] == [hold["id"]]
    assert told("release", device=device)["error"]["code"] == "not_found"
    assert told("hold", device=device)["error"]["code"] == "bad_request"
    assert "error" in told("hold", all=True, seconds=900), "nobody is named: all is no argument here"


def test_6_markup_in_who_is_kept_off_is_text(page, home, family):
    mine = family.ask("person.add", name=MARKUP, group="child")["id"]
    device = family.ask("device.add", label="x", mac="3c:22:fb:00:00:31", person_id=mine)["id"]
    answered = home.call
    show(page, home)
    row = page.locator("tr", has=page.get_by_role("button", name="Turn internet")).filter(has_text=MARKUP)
    row.get_by_role("button", name="Turn internet off").click()
    dialog = page.get_by_role("dialog")
    assert MARKUP in dialog.locator("h4").inner_text()
    home.call = lambda **asked: with_markup(answered(**asked))
    dialog.get_by_role("button", name="15 min").click()
    row.get_by_text("Internet is off until").wait_for()
    home.call = lambda **asked: (
        [0, {"error": {"code": "x", "message": MARKUP}}] if asked["method"] == "release" else answered(**asked)
    )
    row.get_by_role("button", name="Turn internet on").click()
    page.locator(".alert-message.warning", has_text=MARKUP).wait_for()

    def odd(**asked):
        code, answer = answered(**asked)
        if asked["method"] == "people":
            answer = {"items": [{"id": MARKUP, "name": MARKUP, "state": MARKUP, "until": MARKUP}]}
        return [code, answer]

    home.call = odd
    show(page, home)
    page.locator("tr", has=page.get_by_role("button", name="Turn internet on")).filter(has_text=MARKUP).wait_for()
    assert page.evaluate("document.images.length") == 0
    assert page.evaluate("window.broken") is None
    home.call = answered
    family.ask("hold.end", person_id=mine)
    family.ask("device.remove", device_id=device)
    family.ask("person.remove", person_id=mine)


def test_6_requests_that_wait_are_told(page, home, family):
    show(page, home)
    page.get_by_text("Block lists").wait_for()
    assert not page.get_by_text("wait for an answer").count()
    device = next(row for row in family.ask("device.list")["items"] if row["person"])
    family.ask("request.add", device_id=device["id"], kind="time", seconds=900)
    show(page, home)
    page.get_by_role("row", name="Requests 1 wait for an answer").wait_for()


def test_7_without_the_right_to_write(page, router, daemon):
    router.may = router.rights["read"]
    show(page, router)
    page.get_by_role("button", name="New setup code").click()
    page.get_by_text("failed with ubus code 6").wait_for()
    assert {"hold", "release"} <= router.rights["write"] and "people" in router.rights["read"]
    browser.shoot(page, "luci-7-denied")


def test_8_an_agent_that_does_not_run(page, router, tmp_path):
    words = tmp_path / "last-words"
    words.write_text("cannot start: <b>no</b> space left\n")
    text = router.plugin.read_text().replace("/var/run/privacy-agent/last-words", str(words))
    router.plugin.write_text(text.replace("control.sock", "nobody.sock"))
    show(page, router)
    page.get_by_text("Privacy Agent is not running").wait_for()
    page.get_by_text("The reason: cannot start: <b>no</b> space left").wait_for()
    browser.shoot(page, "luci-8-stopped")


def test_8_an_rpcd_that_does_not_know_the_plugin_yet(page, router):
    router.present = False
    show(page, router)
    page.get_by_text("failed with ubus code 4").wait_for()


def test_the_access_list_is_the_plugins_methods_and_no_more(router):
    methods = json.loads(router.run("list").stdout)
    assert router.rights["read"] | router.rights["write"] == set(methods)
    assert not router.rights["read"] & router.rights["write"]
    declared = set(re.findall(r"declare\(\s*'(\w+)'", VIEW.read_text()))
    assert declared == set(methods)


def test_arguments_that_rpcd_would_never_send(router):
    assert router.run("call", "nonsense").returncode == 2
    assert json.loads(router.run("call", "status", given="[1]").stdout)["error"]["code"] == "bad_request"
    assert json.loads(router.run("call", "on", given="{}").stdout)["error"]["code"] == "bad_request"
    extra = json.dumps({"op": "backup.take", "actor": "nobody"})
    assert "health" in json.loads(router.run("call", "status", given=extra).stdout), "only known arguments pass"


def test_the_agents_own_words_come_in_luci_s_language(page, router, daemon):
    def told(method, **given):
        return json.loads(router.run("call", method, given=json.dumps(given)).stdout)

    plain, german = told("features")["items"], told("features", lang="de")["items"]
    assert (
        [item["name"] for item in plain]
        == [item["name"] for item in german]
        == ["history", "limits", "protection", "usage"]
    )
    for item, translated in zip(plain, german, strict=True):
        for part in ("title", "reads", "keeps", "sends"):
            assert translated[part] and translated[part] != item[part], part
    assert told("status", lang="de")["health"] != told("status")["health"]
    for other in ("en", "xx", "../de", "DE", None, 1, ""):
        assert told("features", lang=other)["items"] == plain
    router.language = "de"
    show(page, router)
    page.locator("th", has_text=german[0]["title"]).wait_for()


def test_the_manual_names_every_method_and_argument(router):
    text = (APP / "README.md").read_text()
    for method, arguments in json.loads(router.run("list").stdout).items():
        (chapter,) = re.findall(rf"^### {method}\n(.*?)(?=^### |\Z)", text, re.MULTILINE | re.DOTALL)
        assert f"ubus call privacy-agent {method}" in chapter, f"{method} has no example"
        for name in arguments:
            assert f"`{name}`" in chapter, f"{method} does not explain {name}"
