"""The page's files: a fixed table read at the start, so that no path from outside ever reaches the file system."""

import hashlib
import os

from agent.core.http import Head
from agent.jobs.web.http_types import Headers, WebResponse

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "static")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
# Addresses of the one page; its own code looks at the rest of the address.
PAGES = ("/", "/me", "/history", "/protection", "/privacy", "/devices", "/account")


class File:
    """One file. `packed` says that it is stored as gzip only (that is how packages install it)."""

    def __init__(self, path: str, content_type: str, packed: bool) -> None:
        self.path = path
        self.content_type = content_type
        self.packed = packed
        with open(path, "rb") as file:
            self.tag = '"' + hashlib.sha256(file.read()).hexdigest()[:16] + '"'


class Files:
    """Answers GET for what lay in the folder at the start; bytes stay on disk until asked for."""

    def __init__(self, folder: str = FOLDER) -> None:
        self._files = dict(_walk(folder, "/"))

    def find(self, path: str) -> File | None:
        return self._files.get("/index.html" if path in PAGES else path)

    def respond(self, head: Head, file: File) -> WebResponse:
        headers: Headers = [("ETag", file.tag), ("Cache-Control", "no-cache")]
        if file.content_type.startswith("text/html"):
            headers.append(("Content-Security-Policy", POLICY))
        if file.tag in head.header("if-none-match"):
            return WebResponse(304, headers=headers)
        with open(file.path, "rb") as stored:
            data = stored.read()
        if file.packed:
            headers.append(("Vary", "Accept-Encoding"))
            if _takes_gzip(head.header("accept-encoding")):
                headers.append(("Content-Encoding", "gzip"))
            else:
                import zlib

                data = zlib.decompress(data, 31)  # 31: with gzip's head
        return WebResponse(200, data, file.content_type, headers)


def _takes_gzip(accepted: str) -> bool:
    """RFC 9110 section 12.5.3: named, and not with the weight 0."""
    for part in accepted.lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";")
        if coding in ("gzip", "*"):
            return weight not in ("q=0", "q=0.", "q=0.0", "q=0.00", "q=0.000")
    return False


def _walk(folder: str, prefix: str) -> list[tuple[str, File]]:
    found = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            found += _walk(path, prefix + name + "/")
            continue
        plain = name[:-3] if name.endswith(".gz") else name
        ending = os.path.splitext(plain)[1]
        if ending in TYPES:
            found.append((prefix + plain, File(path, TYPES[ending], plain != name)))
    return found
