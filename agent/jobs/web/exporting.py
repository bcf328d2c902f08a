"""Exports, streamed a page at a time: memory stays small whatever is held."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from agent.jobs.web.effects import Ask
from agent.jobs.web.http_types import JSON, WebRequest, WebResponse

MYPY = False
if MYPY:
    from typing import Any

PAGE = 100
# What a spreadsheet would run as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Piece = Callable[[], Awaitable[bytes]]


async def export(request: WebRequest, format: str = "json", table: str = "", **what: Any) -> WebResponse:
    """Everything held about a device, a person or all, as JSON or (one table of it) as CSV."""
    first = await Ask("export", what | {"limit": PAGE})
    name = "privacy-agent-export." + format
    headers = [("Content-Disposition", f'attachment; filename="{name}"'), ("Cache-Control", "no-store")]
    if format == "csv":
        return WebResponse(200, b"", "text/csv; charset=utf-8", headers, more=_csv(first, what, table or "visit"))
    return WebResponse(200, b'{"rows":[', JSON, headers, more=_json(first, what))


class _Pages:
    """The export's pages one after the other; the first is here already, so that a refusal is a clean one."""

    def __init__(self, first: dict[str, Any], what: dict[str, Any]) -> None:
        self._what = what
        self._page: dict[str, Any] | None = first

    async def next(self) -> list[dict[str, Any]] | None:
        page = self._page
        if page is None:
            return None
        after = page.get("next")
        if after:
            self._page = await Ask("export", self._what | {"limit": PAGE, "after": after})
        else:
            self._page = None
        items: list[dict[str, Any]] = page["items"]
        return items


def _json(first: dict[str, Any], what: dict[str, Any]) -> Piece:
    pages = _Pages(first, what)
    state = {"comma": "", "open": True}

    async def more() -> bytes:
        items = await pages.next()
        if items is None:
            closing, state["open"] = state["open"], False
            return b"]}\n" if closing else b""
        out = []
        for item in items:
            out.append(str(state["comma"]) + "\n" + json.dumps(item, ensure_ascii=False))
            state["comma"] = ","
        return "".join(out).encode() or b"\n"

    return more


def _csv(first: dict[str, Any], what: dict[str, Any], table: str) -> Piece:
    pages = _Pages(first, what)
    columns: list[str] = []

    async def more() -> bytes:
        while True:
            items = await pages.next()
            if items is None:
                return b""
            rows = [item["row"] for item in items if item["kind"] == table]
            if not rows:
                continue
            lines = []
            if not columns:
                columns.extend(sorted(rows[0]))
                lines.append(",".join(columns))
            lines += [",".join(cell(row.get(name)) for name in columns) for row in rows]
            return ("\r\n".join(lines) + "\r\n").encode()

    return more


def cell(value: Any) -> str:
    """One value for a spreadsheet: quoted where needed (RFC 4180), never a formula."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and text.startswith(FORMULA_STARTS):
        text = "'" + text
    if any(letter in text for letter in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
