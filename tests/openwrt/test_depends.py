"""What DEPENDS names besides Python: without it something that the package promises does not work.

Kernel modules are taken away one by one in QEMU (tests/qemu/hindrances.py): here the kernel is this machine's.
"""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.openwrt.userland import Router

PASSWORD = "four plain words together"
BROWSE_S = 300  # a first page on a busy machine: job, certificate and argon2id
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


def set_up(router: Router) -> tuple[int, str]:
    """The status of the page's first request that has a password in it, 0 without a reply; and what was said."""
    code = router.asked("setup-code")["code"]
    ended, told = router.run(f"browse set-up {code} {shlex.quote(PASSWORD)} 2>&1", BROWSE_S)
    return (0 if ended else int(json.loads(told.splitlines()[-1])["status"])), told + "\n".join(router.log()[-20:])


def test_nothing_else_is_named(packages: Packages) -> None:
    others = {name for name in packages[1] if not name.startswith((PYTHON, KERNEL))}
    assert others == {"libc", "libsodium", "px5g-mbedtls", "luci-base"}


def test_with_all_of_them_a_password_is_set_over_tls(packages: Packages, tmp_path: Path) -> None:
    with without(packages, "", tmp_path) as router:
        status, told = set_up(router)
        assert status == 201, told


def test_without_libsodium_there_is_no_page(packages: Packages, tmp_path: Path) -> None:
    with without(packages, "libsodium", tmp_path) as router:
        router.code("( browse set-up x y >/dev/null 2>&1 & )")
        router.until(lambda: any("web ended by Unavailable" in line for line in router.log()), "the web job goes on")


def test_without_px5g_there_is_no_tls(packages: Packages, tmp_path: Path) -> None:
    with without(packages, "px5g-mbedtls", tmp_path) as router:
        status, told = set_up(router)
        assert status == 0 and "do_handshake" in told, told
