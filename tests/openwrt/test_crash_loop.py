"""A start that fails again and again: why is told by the command line and by LuCI, and each try waits longer."""

import json
import time
from collections.abc import Iterator

import pytest

from agent.cli import ended
from agent.daemon.daemon import RETRY_BOOT_S
from tests.openwrt.userland import Router

INIT = "/etc/init.d/privacy-agent"
PLUGIN = "/usr/libexec/rpcd/privacy-agent"
SITE = "/usr/lib/python3.11/site-packages/agent"
RUN = "/var/run/privacy-agent"


@pytest.fixture(scope="module")
def router(router: Router, packages: tuple[dict, list[str]]) -> Router:
    router.install(packages[0]["luci-app-privacy-agent"])
    return router


@pytest.fixture(autouse=True)
def well_again(router: Router) -> Iterator[None]:
    yield
    router.ask(f"{INIT} stop; for f in {SITE}/*/*.gone; do [ -e $f ] && mv $f ${{f%.gone}}; done; true")
    router.ask(f"[ -d /tmp/good ] && rm -rf /etc/privacy-agent && mv /tmp/good /etc/privacy-agent; {INIT} start")
    router.until(router.running, "it does not start again")
    assert router.code(f"ls {RUN}/last-words {RUN}/failed-starts") != 0, "a daemon that is ready leaves no words"


def told(router: Router) -> str:
    return router.run("privacy-agent status")[1]


def reason(router: Router) -> str:
    answer = json.loads(router.run(f"echo '{{}}' | {PLUGIN} call status")[1])
    return str(answer.get("error", {}).get("reason", ""))


def broken(router: Router, sentence: str) -> None:
    router.ask(f"{INIT} start")
    router.until(lambda: sentence in reason(router), f"LuCI does not say {sentence!r}")
    assert sentence in told(router)
    assert any(sentence in line for line in router.log()), "the log does not say it"


def test_a_module_of_the_daemon_that_is_missing(router: Router) -> None:
    router.ask(f"{INIT} stop; mv {SITE}/daemon/loop.pyc {SITE}/daemon/loop.pyc.gone")
    broken(router, "ModuleNotFoundError: No module named 'agent.daemon.loop'")


def test_a_database_that_can_not_be_opened(router: Router) -> None:
    router.ask(f"{INIT} stop; cp -rp /etc/privacy-agent /tmp/good")
    router.ask("rm -f /etc/privacy-agent/state.db; mkdir /etc/privacy-agent/state.db")
    router.ask(f"{INIT} start")
    router.until(lambda: "/etc/privacy-agent/state.db: unable to open" in told(router), "status does not say it")
    # The history's own file is well: that is no reason to start again and again.
    residents = router.residents()
    time.sleep(2 * RETRY_BOOT_S)
    assert router.residents() == residents and "nothing is blocked: /etc" in told(router)


def test_a_daemon_that_is_killed(router: Router) -> None:
    _, daemon = router.residents()
    # The second time at once, so that the guard's pause is there to be asked in.
    router.ask(f"kill -9 {daemon}")
    for _ in range(4):
        router.until(lambda: len(router.residents()) == 2 or "signal 9" in reason(router), "not started again")
        residents = router.residents()
        if len(residents) == 2:
            router.run(f"kill -9 {residents[1]}")
    router.until(lambda: "the daemon was killed by signal 9" in reason(router), "nobody says how it ended")


def test_what_ends_before_the_guard_stands_is_told_and_waits_longer_each_time(router: Router) -> None:
    router.ask(f"{INIT} stop; mv {SITE}/core/settings.pyc {SITE}/core/settings.pyc.gone")
    broken(router, "cannot start: cannot import name 'settings' from 'agent.core'")
    assert "is a package missing" in told(router)
    router.until(lambda: router.run(f"cat {RUN}/failed-starts")[1].strip() == "3", "it is not tried again")
    starts = [line for line in router.log() if line.endswith("that privacy-agent depends on?)") and "python3[" in line]
    assert len(starts) <= 4
    began = float(router.ask("cut -d' ' -f1 /proc/uptime"))
    router.ask(f"{INIT} stop")
    assert float(router.ask("cut -d' ' -f1 /proc/uptime")) - began < 10, "a stop waits for the pause"


LOG = """\
Sun Nov 30 06:15:01 2026 daemon.err python3[151]: privacy-agent: ready
Sun Nov 30 06:15:02 2026 daemon.info dnsmasq[22]: cleared cache
"""
JAIL = "Sun Nov 30 06:15:03 2026 user.err : jail: failed to load dependencies\n"


def test_what_never_came_up_is_told_from_the_log() -> None:
    assert ended.last_line("") == ended.last_line(LOG) == ""
    assert ended.last_line(LOG + JAIL) == ": jail: failed to load dependencies"
    interpreter = "Sun Nov 30 06:15:03 2026 daemon.err python3[9]: Fatal Python error: init_fs_encoding\n"
    assert ended.last_line(LOG + interpreter) == "python3[9]: Fatal Python error: init_fs_encoding"
