"""The translation template of the LuCI page: every text that its sources mark with _(), and its menu title.

Run as a script it writes the template anew.
"""

import json
import re
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "packaging" / "openwrt" / "luci-app-privacy-agent"
TEMPLATE = APP / "po" / "templates" / "privacy-agent.pot"
HEAD = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8"\n'

# _('one text') or _('one ' + 'text'); a text of ours holds no quotation mark of its own kind.
_CALL = re.compile(r"_\(\s*('[^']*'(?:\s*\+\s*'[^']*')*)")


def texts_of(source: str) -> list[str]:
    """Texts of a JavaScript source in their order."""
    return ["".join(re.findall(r"'([^']*)'", parts)) for parts in _CALL.findall(source)]


def collect(app: Path) -> dict[str, list[str]]:
    """Text → where it stands, in the order of first use."""
    found: dict[str, list[str]] = {}
    for path in sorted(app.glob("htdocs/**/*.js")):
        for number, line in enumerate(_joined(path.read_text()), 1):
            for text in texts_of(line):
                found.setdefault(text, []).append(f"{path.relative_to(app).as_posix()}:{number}")
    for path in sorted(app.glob("root/usr/share/luci/menu.d/*.json")):
        for entry in json.loads(path.read_text()).values():
            found.setdefault(entry["title"], []).append(f"{path.relative_to(app).as_posix()}:3")
    return found


def _joined(source: str) -> list[str]:
    """Lines, with a call that goes on in the next line put together on its first one."""
    lines = source.split("\n")
    for number in range(len(lines) - 2, -1, -1):
        if re.search(r"_\(\s*'[^']*'\s*\+\s*$", lines[number]):
            lines[number] += lines[number + 1].strip()
    return lines


def template(app: Path) -> str:
    parts = [HEAD]
    for text, places in collect(app).items():
        parts.append("".join(f"#: {place}\n" for place in places) + f"msgid {json.dumps(text, ensure_ascii=False)}\n")
        parts[-1] += 'msgstr ""\n'
    return "\n".join(parts)


if __name__ == "__main__":
    TEMPLATE.parent.mkdir(parents=True, exist_ok=True)
    TEMPLATE.write_text(template(APP))
