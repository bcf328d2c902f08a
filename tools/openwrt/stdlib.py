"""Which files of CPython's standard library each of OpenWrt's python3 packages contains.

Source: the file lists of lang/python/python3 in OpenWrt's packages feed (24.10 series, Python 3.11).
What no other package claims is in python3-light; python3-base is part of it here.
"""

from pathlib import Path

LIGHT = "python3-light"

# Paths under /usr/lib/python3.X; a folder stands for all in it; lib-dynload names end before the platform's suffix.
PACKAGES = {
    "python3-asyncio": ("asyncio", "lib-dynload/_asyncio"),
    "python3-cgi": ("cgi.py",),
    "python3-cgitb": ("cgitb.py",),
    "python3-codecs": (
        "lib-dynload/_codecs_cn",
        "lib-dynload/_codecs_hk",
        "lib-dynload/_codecs_iso2022",
        "lib-dynload/_codecs_jp",
        "lib-dynload/_codecs_kr",
        "lib-dynload/_codecs_tw",
        "lib-dynload/unicodedata",
    ),
    "python3-ctypes": ("ctypes", "lib-dynload/_ctypes"),
    "python3-dbm": ("dbm", "lib-dynload/_dbm", "lib-dynload/_gdbm"),
    "python3-decimal": ("decimal.py", "lib-dynload/_decimal"),
    "python3-distutils": ("distutils",),
    "python3-email": ("email",),
    "python3-lib2to3": ("lib2to3",),
    "python3-logging": ("logging",),
    "python3-lzma": ("lzma.py", "lib-dynload/_lzma"),
    "python3-multiprocessing": ("multiprocessing", "lib-dynload/_multiprocessing"),
    "python3-ncurses": ("curses", "lib-dynload/_curses", "lib-dynload/_curses_panel"),
    "python3-openssl": ("ssl.py", "lib-dynload/_ssl", "lib-dynload/_hashlib"),
    "python3-pydoc": ("doctest.py", "pydoc.py", "pydoc_data"),
    "python3-readline": ("lib-dynload/readline",),
    "python3-sqlite3": ("sqlite3", "lib-dynload/_sqlite3"),
    "python3-unittest": ("unittest",),
    "python3-urllib": ("urllib",),
    "python3-uuid": ("uuid.py", "lib-dynload/_uuid"),
    "python3-venv": ("venv",),
    "python3-xml": ("xml", "xmlrpc", "lib-dynload/_elementtree", "lib-dynload/pyexpat"),
}

# In nobody's package: left out of python3-light.
NOWHERE = (
    "ensurepip",
    "idlelib",
    "tkinter",
    "turtledemo",
    "turtle.py",
    "test",
    "webbrowser.py",
    "_osx_support.py",
    "site-packages",
    "dist-packages",
    "LICENSE.txt",
    "lib-dynload/_test",
    "lib-dynload/_xxtest",
    "lib-dynload/xxlimited",
)

# Packages that OpenWrt's own packages pull in, as far as they matter here.
REQUIRES = {
    "python3-urllib": ("python3-email",),
    "python3-cgi": ("python3-email",),
    "python3-pyroute2": (LIGHT, *PACKAGES),  # by way of `python3`, which is all of them
}


def files(folder: Path, packages: list[str]) -> list[Path]:
    """Files of these packages, relative to `folder`, sorted; sources, C modules and data alike."""
    wanted = with_requirements(packages)
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_dir() or "__pycache__" in relative.parts or path.suffix == ".pyc":
            continue
        if owner(relative) in wanted:
            found.append(relative)
    return found


def with_requirements(packages: list[str]) -> set[str]:
    """The packages and what they require."""
    wanted = {name for name in packages if name in PACKAGES or name == LIGHT}
    for name in packages:
        wanted.update(REQUIRES.get(name, ()))
    return wanted


def owner(path: Path) -> str | None:
    """The OpenWrt package that a file of the standard library is in, or None."""
    text = path.as_posix()
    if _within(text, NOWHERE) or "config-" in path.parts[0] or {"test", "tests"} & set(path.parts[1:]):
        return None
    for package, claims in PACKAGES.items():
        if _within(text, claims):
            return package
    return LIGHT


def _within(path: str, claims: tuple[str, ...]) -> bool:
    return any(_claims(claim, path) for claim in claims)


def _claims(claim: str, path: str) -> bool:
    if claim.startswith("lib-dynload/"):
        name = path.split(".")[0]
        return name == claim or (claim in ("lib-dynload/_test", "lib-dynload/_xxtest") and name.startswith(claim))
    return path == claim or path.startswith(claim + "/")
