"""Headless Chromium by Playwright: the system's browser, a fresh profile, loopback only."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# How long a page is waited for before a test fails: nobody loses by more, and a busy machine needs it.
PATIENCE_MS = 20_000
PHONE = {"width": 390, "height": 844}
SMALL = {"width": 320, "height": 640}
DESKTOP = {"width": 1280, "height": 860}
SHOTS = Path(__file__).resolve().parent.parent.parent / "build" / "screenshots"


def missing() -> str:
    """Why there is no browser here, or ""."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "Playwright for Python is not installed"
    return "" if os.path.exists(CHROMIUM) else f"{CHROMIUM} is not installed (Debian: chromium)"


@contextlib.contextmanager
def chromium() -> Iterator:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def watched(context):
    """A new page of the context; what its script or the browser complains of is in its list `trouble`."""
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.trouble = []
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.on("console", lambda said: page.trouble.append(said.text) if said.type == "error" else None)
    return page


def settle(page) -> None:
    """Waits for what moves or fades in to be there; what moves for ever is left out."""
    page.evaluate(
        """() => Promise.allSettled(document.getAnimations()
            .filter((one) => one.effect.getComputedTiming().endTime !== Infinity).map((one) => one.finished))"""
    )


def shoot(page, name: str) -> None:
    """A picture of the whole page at its present width, into build/screenshots."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    settle(page)
    page.screenshot(path=SHOTS / f"{name}-{page.viewport_size['width']}.png", full_page=True)


def shoot_part(part, name: str) -> None:
    """A picture of one element, all of it."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page = part.page
    settle(page)
    size = page.viewport_size
    page.set_viewport_size({"width": size["width"], "height": 2400})
    part.screenshot(path=SHOTS / f"{name}-{size['width']}.png")
    page.set_viewport_size(size)


def clear_shots() -> None:
    shutil.rmtree(SHOTS, ignore_errors=True)
