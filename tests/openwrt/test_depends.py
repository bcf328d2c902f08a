"""What DEPENDS names besides Python: without it something that the package promises does not work.

Kernel modules are taken away one by one in QEMU (tests/qemu/hindrances.py): here the kernel is this machine's.
"""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.openwrt.userland import Router

PASSWORD = "four plain words together"
PYTHON = "python3-"
KERNEL = "kmod-"

Packages = tuple[dict[str, Path], list[str]]


@contextmanager
def without(packages: Packages, left_out: str, folder: Path) -> Iterator[Router]:
    ours, needed = packages
    router = Router(folder / "root", [name for name in needed if name != left_out])
    try:
        router.boot()
        # opkg would refuse it.
        router.ask(f"echo {left_out} >> /usr/lib/opkg/provided")
        router.install(ours["privacy-agent"])
        router.until(router.running, "the agent does not run")
        yield router
    finally:
        router.power_off()


def set_up(router: Router) -> int:
    """The status of the page's first request that has a password in it; 0 where TLS is not spoken."""
    code = router.asked("setup-code")["code"]
    ended, told = router.run(f"timeout 20 browse set-up {code} {shlex.quote(PASSWORD)}")
    return 0 if ended else int(json.loads(told)["status"])


def test_nothing_else_is_named(packages: Packages) -> None:
    others = {name for name in packages[1] if not name.startswith((PYTHON, KERNEL))}
    assert others == {"libc", "libsodium", "px5g-mbedtls", "luci-base"}


def test_with_all_of_them_a_password_is_set_over_tls(packages: Packages, tmp_path: Path) -> None:
    with without(packages, "", tmp_path) as router:
        assert set_up(router) == 201


@pytest.mark.parametrize(("left_out", "status"), [("libsodium", 500), ("px5g-mbedtls", 0)])
def test_without_any_one_of_them_it_fails(packages: Packages, left_out: str, status: int, tmp_path: Path) -> None:
    with without(packages, left_out, tmp_path) as router:
        assert set_up(router) in (status, 0)
