"""Pictures of the phone page and the command line, for README: `python -m tests.pictures.make [FOLDER]`.

At any hour they show an afternoon: the last one at AFTERNOON in ZONE. Look at each before it is committed: what it
shows is that day's, but nobody compares it with another's.
"""

import html
import os
import subprocess
import sys
import tempfile
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.jobs import browser
from tests.jobs.lived_in import ROOT, Served
from tests.jobs.web_peer import PASSWORD
from tests.pictures.png import shrunk

HERE = Path(__file__).resolve().parent
VIEWS = ("start", "overview", "history", "protection", "privacy", "devices", "account", "me")
OPEN = ("start", "me")  # what anybody sees
SCHEMES = ("light", "dark")
ZONE, AFTERNOON = "Europe/Berlin", time(17, 40)
COMMAND_LINE = "command-line"
COMMANDS = (
    ("history", "Mia's tablet", "--limit", "6"),
    ("explain", "login.bank.example", "--device", "Mia's tablet"),
    ("off", "Mia's tablet", "history"),
    ("audit",),
)
TERMINAL = """<!doctype html><meta charset="utf-8"><style>body{margin:0;padding:14px;background:#14191f;color:#dfe6ee}
pre{font:13px/1.45 "DejaVu Sans Mono",monospace;margin:0;white-space:pre-wrap}b{color:#8fd3a8}</style><pre>%s</pre>"""


def names() -> list[str]:
    return sorted([f"{view}-{scheme}.png" for view in VIEWS for scheme in SCHEMES] + [COMMAND_LINE + ".png"])


def last_afternoon(now: datetime) -> datetime:
    """Today's once it is over, else yesterday's: what lies ahead of the router's clock it would not show."""
    at = datetime.combine(now.astimezone(ZoneInfo(ZONE)), AFTERNOON, ZoneInfo(ZONE))
    return at if at <= now else at - timedelta(days=1)


def make(folder: Path, views: tuple[str, ...] = VIEWS, schemes: tuple[str, ...] = SCHEMES) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, browser.chromium() as chromium:
        listed = Path(home) / "phishing-list.txt"
        listed.write_text("login.bank.example\nparcel-tracking.example\n")
        at = last_afternoon(datetime.now(ZoneInfo(ZONE)))
        os.utime(listed, (at.timestamp() - 3600,) * 2)
        served = Served(Path(home), "--unreported", "--list", f"phishing={listed}", "--at", str(at.timestamp()))
        try:
            pages(chromium, served, folder, views, schemes, at)
            terminal(chromium, str(served.socket), folder)
        finally:
            served.stop()


def pages(
    chromium, served: Served, folder: Path, views: tuple[str, ...], schemes: tuple[str, ...], at: datetime
) -> None:
    served.ask("notice.read", version=served.ask("notice")["version"])
    served.ask("settings.set", key="readers", value=["Anna"])
    own = served.ask("device.add", label="Mia's phone", address="127.0.0.1", person_id=1)["id"]
    for feature in ("history", "protection"):
        served.ask("on", device_id=own, feature=feature, agree=1)
    start = f"http://127.0.0.1:{served.port}"
    cookies = None
    for view in views:
        if view not in OPEN and cookies is None:
            cookies = signed_in(chromium, start, served.code)
        for scheme in schemes:
            path = "/" + ("" if view in ("start", "overview") else view)
            show(chromium, start + path, f"{view}-{scheme}", scheme, folder, None if view in OPEN else cookies, at)


def signed_in(chromium, start: str, code: str) -> dict:
    """The cookies of a browser that did the first run."""
    context = chromium.new_context(locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(browser.PATIENCE_MS)
    page.goto(start + "/")
    page.get_by_label("Setup code").fill(code)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("New password").press("Enter")
    page.get_by_role("navigation").wait_for()
    state = context.storage_state()
    context.close()
    return state


def show(chromium, address: str, name: str, scheme: str, folder: Path, cookies: dict | None, at: datetime) -> None:
    """What a phone's screen shows first, not the whole length of a page."""
    context = chromium.new_context(
        viewport=browser.PHONE, locale="en-GB", timezone_id=ZONE, color_scheme=scheme, storage_state=cookies
    )
    page = context.new_page()
    page.set_default_timeout(browser.PATIENCE_MS)
    page.clock.set_fixed_time(at)
    page.goto(address)
    page.locator("h1").wait_for()
    browser.settle(page)
    (folder / f"{name}.png").write_bytes(shrunk(page.screenshot()))
    context.close()


def terminal(chromium, socket: str, folder: Path) -> None:
    """A few commands and what they print, as a terminal of 80 columns shows it."""
    shown = []
    for words in COMMANDS:
        environment = os.environ | {"PRIVACY_AGENT_SOCKET": socket, "COLUMNS": "80", "TZ": ZONE}
        done = subprocess.run(
            [sys.executable, "-m", "agent", *words], cwd=ROOT, env=environment, capture_output=True, text=True
        )
        typed = " ".join(f'"{word}"' if " " in word else word for word in words)
        shown.append(f"<b>$ privacy-agent {html.escape(typed)}</b>\n{html.escape(done.stdout + done.stderr)}")
    context = chromium.new_context(viewport={"width": 680, "height": 200})
    page = context.new_page()
    page.set_content(TERMINAL % "\n".join(shown))
    (folder / (COMMAND_LINE + ".png")).write_bytes(shrunk(page.screenshot(full_page=True)))
    context.close()


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
