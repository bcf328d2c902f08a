"""The page's files: a fixed table read at the start, so that no path from outside ever reaches the file system."""

import os
from collections.abc import Iterable

from agent.core.http import Head
from agent.jobs.web.http_types import Headers, WebResponse
from agent.platform.hashing import sha256

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "static")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "worker-src 'self'; require-trusted-types-for 'script'; trusted-types shell"
)
# Addresses of the one page; its own code looks at the rest of the address.
PAGES = ("/", "/me", "/history", "/protection", "/privacy", "/devices", "/account")


# How long a browser may keep what has its content's hash in its address.
KEPT = "public, max-age=31536000, immutable"
HASH_DIGITS = 12


class File:
    """One file as it is stored: `packed` is gzip. The text of one that was made here instead of read is `data`."""

    def __init__(self, path: str, content_type: str, packed: bool, data: bytes | None = None) -> None:
        self.path = path
        self.content_type = content_type
        self.packed = packed
        self.data = data
        self.hash = sha256(self.stored()).hex()[:HASH_DIGITS]

    def stored(self) -> bytes:
        if self.data is not None:
            return self.data
        with open(self.path, "rb") as file:
            return file.read()


class Files:
    """Answers GET for what lay in the folder at the start; bytes stay on disk until asked for.

    A package has the modules joined and everything packed. Beside the sources both are done here, when first asked.
    Each language is a file, mostly of a package of its own: one that is installed or removed counts from the next page.
    """

    def __init__(self, folder: str = FOLDER) -> None:
        self._folder = folder
        self._read()

    def _read(self) -> None:
        self._files = dict(_walk(self._folder, "/"))
        self._languages_at = os.stat(self._folder + "/text").st_mtime_ns
        if "/app.js" in self._files:
            self._name_by_hash()

    def find(self, path: str) -> File | None:
        if path in PAGES and os.stat(self._folder + "/text").st_mtime_ns != self._languages_at:
            self._read()
        if "/app.js" not in self._files and (path in PAGES or "." in path):
            self._join()
        return self._files.get("/index.html" if path in PAGES else path) or self._files.get(_unhashed(path))

    def respond(self, head: Head, file: File) -> WebResponse:
        tag = f'"{file.hash}"'
        kept = f"-{file.hash}." in head.path
        headers: Headers = [("ETag", tag), ("Cache-Control", KEPT if kept else "no-cache")]
        if file.content_type.startswith("text/html"):
            headers.append(("Content-Security-Policy", POLICY))
        if tag in head.header("if-none-match"):
            return WebResponse(304, headers=headers)
        data = file.stored()
        if file.packed:
            headers.append(("Vary", "Accept-Encoding"))
            if _takes_gzip(head.header("accept-encoding")):
                headers.append(("Content-Encoding", "gzip"))
            else:
                data = _unpacked(data)
        return WebResponse(200, data, file.content_type, headers)

    def _join(self) -> None:
        from agent.jobs.web import bundle

        for path, text in bundle.joined(self._folder).items():
            self._files[path] = _made(path, text)
        self._name_by_hash()

    def _name_by_hash(self) -> None:
        """The one file that is asked for again each time names the others by what is in them."""
        index = self._files["/index.html"]
        text = (_unpacked(index.stored()) if index.packed else index.stored()).decode()
        text = text.replace("  </head>", _languages(self._files) + "  </head>")
        for path, file in self._files.items():
            name, ending = os.path.splitext(path)
            text = text.replace(f'"{path}"', f'"{name}-{file.hash}{ending}"')
        self._files["/index.html"] = _made("/index.html", text)


def _languages(paths: Iterable[str]) -> str:
    """A line for each installed language: where its words are, and those of the router's sentences."""
    names = sorted(path[len("/text/") : -len(".json")] for path in paths if path.startswith("/text/"))
    lines = ""
    for name in names:
        if "." not in name:
            more = f' data-sentences="/text/{name}.sentences.json"' if name + ".sentences" in names else ""
            lines += f'    <link rel="alternate" data-text="{name}" href="/text/{name}.json"{more} />\n'
    return lines


def _made(path: str, text: str) -> File:
    import zlib

    packer = zlib.compressobj(9, zlib.DEFLATED, 31)  # 31: with gzip's head
    return File("", TYPES[os.path.splitext(path)[1]], True, packer.compress(text.encode()) + packer.flush())


def _unpacked(data: bytes) -> bytes:
    import zlib

    return zlib.decompress(data, 31)


def _unhashed(path: str) -> str:
    """/app-0123456789ab.js → /app.js; an older hash gives what is there now."""
    name, ending = os.path.splitext(path)
    plain, dash, hashed = name.rpartition("-")
    if dash and len(hashed) == HASH_DIGITS and all(digit in "0123456789abcdef" for digit in hashed):
        return plain + ending
    return path


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
