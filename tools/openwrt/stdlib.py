"""Which files of CPython's standard library each of OpenWrt's python3 packages contains.

In 24.10 (Python 3.11) and 25.12 (3.13). Source: the package definitions of lang/python/python3 in OpenWrt's packages
feed. What no other package claims is in python3-light, which brings python3-base along; that is part of it here.
tests/openwrt/test_package_tables.py compares this with tables made of the feed itself, where they are at hand.
"""

from pathlib import Path, PurePath

LIGHT = "python3-light"
ALL = "python3"

# Paths under /usr/lib/python3.X; a folder stands for all in it; lib-dynload names end before the platform's suffix.
PACKAGES = {
    "python3-asyncio": ("asyncio",),
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
    "python3-email": ("email",),
    "python3-logging": ("logging",),
    "python3-lzma": ("lzma.py", "lib-dynload/_lzma"),
    "python3-multiprocessing": ("multiprocessing", "lib-dynload/_multiprocessing"),
    "python3-ncurses": ("curses", "lib-dynload/_curses", "lib-dynload/_curses_panel"),
    "python3-openssl": ("lib-dynload/_hashlib", "lib-dynload/_ssl"),
    "python3-pydoc": ("doctest.py", "pydoc.py", "pydoc_data"),
    "python3-readline": ("lib-dynload/readline",),
    "python3-sqlite3": ("lib-dynload/_sqlite3", "sqlite3"),
    "python3-unittest": ("unittest",),
    "python3-urllib": ("urllib",),
    "python3-uuid": ("uuid.py", "lib-dynload/_uuid"),
    "python3-venv": ("ensurepip", "venv"),
    "python3-xml": ("xml", "xmlrpc", "lib-dynload/_elementtree", "lib-dynload/pyexpat"),
}
# Python 3.13 has lost these modules.
ONLY_3_11 = {
    "python3-cgi": ("cgi.py",),
    "python3-cgitb": ("cgitb.py",),
    "python3-distutils": ("distutils",),
    "python3-lib2to3": ("lib2to3",),
}
# In nobody's package: left out of python3-light. And what Debian's Python has besides.
NOWHERE = (
    "idlelib",
    "tkinter",
    "turtledemo",
    "webbrowser.py",
    "_osx_support.py",
    "site-packages",
    "dist-packages",
    "sitecustomize.py",
    "test",
    "lib-dynload/_tkinter",
    "lib-dynload/nis",
    "lib-dynload/xxlimited",
    "lib-dynload/xxlimited_35",
)
TESTS = "lib-dynload/_test"  # what CPython has for its own tests, by the beginning of its name

# What OpenWrt's packages pull in besides python3-light.
REQUIRES = {
    "python3-cgi": ("python3-email",),
    "python3-cgitb": ("python3-cgi", "python3-pydoc"),
    "python3-distutils": ("python3-email",),
    "python3-lib2to3": (ALL,),
    "python3-urllib": ("python3-email",),
    "python3-venv": (ALL,),
    "python3-xml": ("python3-urllib",),
    "python3-pyroute2": (ALL,),
}
# Not among what the package `python3` brings.
NOT_IN_ALL = ("python3-lib2to3", "python3-venv")


def packages(version: str) -> dict[str, tuple[str, ...]]:
    """What each package claims, in OpenWrt's release with this Python ("3.11", "3.13")."""
    return {**PACKAGES, **ONLY_3_11} if version == "3.11" else PACKAGES


def files(folder: Path, names: list[str], version: str) -> list[Path]:
    """Files of these packages, relative to `folder`, sorted; sources, C modules and data alike."""
    wanted = with_requirements(names, version)
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_dir() or "__pycache__" in relative.parts or path.suffix == ".pyc":
            continue
        if owner(relative, version) in wanted:
            found.append(relative)
    return found


def with_requirements(names: list[str], version: str) -> set[str]:
    """The packages, what they require, and so on."""
    known = packages(version)
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += REQUIRES.get(name, ())
        if name in known or name == "python3-pyroute2":
            waiting.append(LIGHT)
        if name == ALL:
            waiting += [LIGHT, *(other for other in known if other not in NOT_IN_ALL)]
    return found & {LIGHT, *known}


def owner(path: PurePath, version: str) -> str | None:
    """The OpenWrt package that a file of the standard library is in, or None."""
    text = path.as_posix()
    if _within(text, NOWHERE) or "config-" in path.parts[0] or {"test", "tests"} & set(path.parts[1:]):
        return None
    if text.startswith(TESTS):
        return None
    for package, claims in packages(version).items():
        if _within(text, claims):
            return package
    return LIGHT


def absent_modules(names: list[str], present: list[str], version: str) -> list[str]:
    """C modules that are in none of these packages, of those that an interpreter has built in (`present`)."""
    wanted = with_requirements(names, version)
    return [name for name in present if owner(PurePath(f"lib-dynload/{name}.so"), version) not in wanted]


def _within(path: str, claims: tuple[str, ...]) -> bool:
    return any(_claims(claim, path) for claim in claims)


def _claims(claim: str, path: str) -> bool:
    if claim.startswith("lib-dynload/"):
        return path.split(".")[0] == claim
    return path == claim or path.startswith(claim + "/")
