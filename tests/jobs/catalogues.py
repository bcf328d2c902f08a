"""The catalogues of the page, in whatever languages there are."""

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "agent" / "jobs" / "web" / "static" / "text"
OTHER = ROOT / "agent" / "platform" / "texts"
LUCI = ROOT / "packaging" / "openwrt" / "luci-app-privacy-agent" / "po"
# Whom LuCI's folder is of, where it writes a language in another way.
LUCI_NAMES = {"pt-br": "pt_BR", "zh-cn": "zh_Hans"}

LANGUAGES = sorted(path.stem for path in PAGE.glob("*.json"))
OTHERS = [language for language in LANGUAGES if language != "en"]


@cache
def page(language: str) -> dict[str, str | dict[str, str]]:
    words: dict[str, str | dict[str, str]] = json.loads((PAGE / f"{language}.json").read_text())
    return words


def forms(text: str | dict[str, str]) -> list[str]:
    return list(text.values()) if isinstance(text, dict) else [text]


def names(text: str | dict[str, str]) -> set[str]:
    """What is filled in, as {n}: in all its forms together, since "one device" needs no number."""
    return {name for form in forms(text) for name in re.findall(r"\{\w+\}", form)}


@cache
def plural_forms(language: str) -> set[str] | None:
    """Those that whole numbers of a household have in a language, by the browser's own rules; None without node."""
    node = shutil.which("node")
    if not node:
        return None
    code = (
        f"const rules = new Intl.PluralRules('{language}');"
        "console.log([...new Set([...Array(2001).keys()].map((n) => rules.select(n)))].join(' '))"
    )
    return set(subprocess.run([node, "-e", code], capture_output=True, text=True, check=True).stdout.split())
