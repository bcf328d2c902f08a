"""tools/openwrt/stdlib.py against tables made of OpenWrt's packages feed, for both releases."""

import fnmatch
import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tools.openwrt import stdlib

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "openwrt"
RELEASES = {"3.11": "24.10", "3.13": "25.12"}
OURS = ("light", "codecs", "ctypes", "openssl", "sqlite3", "urllib")

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="not here: OpenWrt's package tables")


def table(version: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DATA / f"python3-packages-{RELEASES[version]}.json").read_text())
    packages: dict[str, Any] = document["packages"]
    return packages


def paths(version: str) -> list[str]:
    return (DATA / f"stdlib-{version}.txt").read_text().split()


def closure(names: list[str], packages: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop().lstrip("+").rpartition(":")[2]
        if name in packages and name not in found:
            found.add(name)
            waiting += packages[name]["depends"]
    return found


def matches(pattern: str, path: str) -> bool:
    return fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, pattern + "/*")


def real_owner(path: str, version: str, packages: dict[str, Any]) -> str | None:
    """By the feed's patterns; what nobody has is python3-light's, or on no router."""
    for name, package in packages.items():
        if name != stdlib.LIGHT and any(matches(pattern, path) for pattern in package["files"]):
            return name
    light = packages[stdlib.LIGHT]
    return None if any(matches(pattern, path) for pattern in light["but"]) else stdlib.LIGHT


@pytest.mark.parametrize("version", RELEASES)
def test_each_file_is_where_the_feed_puts_it(version: str) -> None:
    packages = table(version)
    differ = []
    for path in paths(version):
        real = real_owner(f"/usr/lib/python{version}/{path}", version, packages)
        ours = stdlib.owner(PurePosixPath(path), version)
        if ours != ("python3-light" if real in ("python3-base", "libpython3") else real):
            differ.append((path, ours, real))
    assert differ == []


@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("names", [[], ["urllib"], ["xml"], ["cgitb"], ["venv"], list(OURS)], ids="-".join)
def test_requirements_are_the_feeds(version: str, names: list[str]) -> None:
    packages = table(version)
    wanted = [f"python3-{name}" for name in names if f"python3-{name}" in packages]
    real = closure(wanted, packages) - {"python3", "python3-base", "libpython3"}
    assert stdlib.with_requirements(wanted, version) == real


@pytest.mark.parametrize("version", RELEASES)
def test_everything_is_what_the_package_python3_brings(version: str) -> None:
    real = closure(["python3"], table(version)) - {"python3", "python3-base", "libpython3"}
    assert stdlib.with_requirements(["python3-pyroute2"], version) == real
