"""One userland for the tests of a file, with the package installed and running."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.namespaces import missing
from tests.openwrt.userland import Router, depends, parcels
from tools.openwrt import bytecode, rootfs

SUFFIXES = Path("/usr/share/publicsuffix/public_suffix_list.dat")

# A whole life of a userland, its making included: a minute here, many on a machine that does other things as well.
LIFE_S = 1800


def pytest_itemcollected(item: pytest.Item) -> None:
    if Path(__file__).parent in item.path.parents and not item.get_closest_marker("timeout"):
        item.add_marker(pytest.mark.timeout(LIFE_S))


def unable() -> str:
    """Why no userland can be made here, or nothing."""
    for program in ("make", "nft", "dnsmasq", "ip"):
        if shutil.which(program, path="/usr/bin:/usr/sbin:/bin:/sbin:/usr/local/bin") is None:
            return f"{program} is not installed"
    if not SUFFIXES.exists() or not rootfs.BUSYBOX.exists():
        return "Debian's packages publicsuffix and busybox-static are not installed"
    if not rootfs.PYTHON.exists():
        return "not here: Debian's Python 3.11"
    try:
        bytecode.interpreter("3.11")
    except bytecode.WrongPython as error:
        return f"not here: {error}"
    return missing("mount", "pid", "net", "uts", "ipc")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Path], list[str]]:
    """Our packages by name, and what they need from OpenWrt's feeds."""
    why = unable()
    if why:
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("packages")
    return parcels(folder), depends(folder)


@pytest.fixture(scope="module")
def router(packages: tuple[dict[str, Path], list[str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    ours, needed = packages
    made = Router(tmp_path_factory.mktemp("router") / "root", needed)
    try:
        made.boot()
        made.install(ours["privacy-agent"])
        made.until(made.running, "the agent does not run after the install")
        yield made
    finally:
        made.power_off()
