"""Which page of a host a list names: looked for in the list's own text, a piece a turn."""

from collections.abc import Generator

from agent.core.model import BadInput

PIECE = 1 << 18  # searched in less than a millisecond
SHOWN = 200  # bytes of a page's address that are told


def listed_page(path: str, host: bytes) -> Generator[None, None, str | None]:
    """The first page of that host (a canonical name) in the text at `path`; None without one, or without the text."""
    # Not resident: a household asks for this once a week.
    from agent.platform.gzip_text import TextFile

    try:
        with TextFile(path) as file:
            rest = b""
            while piece := file.read(PIECE):
                lines = rest + piece
                end = lines.rfind(b"\n") + 1
                found = _among(lines[:end], host)
                if found is not None:
                    return found
                # A line that fills a piece is none that names a page.
                rest = lines[end:] if end else b""
                yield None
            return _among(rest, host)
    except (OSError, BadInput):
        return None


def _among(text: bytes, host: bytes) -> str | None:
    lower = text.lower()
    at = lower.find(host)
    while at >= 0:
        start, end = lower.rfind(b"\n", 0, at) + 1, lower.find(b"\n", at)
        line = text[start : end if end >= 0 else len(text)].strip().lstrip(b"|")
        if host_of(line) == host:
            return line[:SHOWN].decode("utf-8", "replace")
        at = lower.find(host, at + len(host))
    return None


def host_of(page: bytes) -> bytes | None:
    """The host of `scheme://user@host:port/path`, of which all but host and path may be missing."""
    authority, slash, _ = page.split(b"://", 1)[-1].partition(b"/")
    return authority.split(b"@")[-1].split(b":")[0].lower() if slash else None
