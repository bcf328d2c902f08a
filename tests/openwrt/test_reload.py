"""What a changed /etc/config/privacy-agent does to the service that runs: in force, or as before and told why."""

from collections.abc import Iterator

import pytest

from tests.openwrt.userland import Router

INIT = "/etc/init.d/privacy-agent"
CONFIG = "/etc/config/privacy-agent"


@pytest.fixture(autouse=True)
def as_before(router: Router) -> Iterator[None]:
    router.ask(f"cp -p {CONFIG} /tmp/before")
    yield
    router.ask(f"cp -p /tmp/before {CONFIG}; {INIT} restart")
    router.until(router.running, "it does not start again")


def setting(router: Router, name: str) -> object:
    return {item["key"]: item["value"] for item in router.asked("setting list")["items"]}[name]


def test_what_a_running_daemon_reads_is_in_force_without_a_restart(router: Router) -> None:
    residents = router.residents()
    router.ask(f"uci set privacy-agent.main.history_days=5; uci commit privacy-agent; {INIT} reload")
    router.until(lambda: setting(router, "history_days") == 5, "the option is not in force")
    assert router.residents() == residents


def test_the_first_commit_after_the_install_is_noticed(router: Router) -> None:
    """reload_config reports no file that was not there when it ran last: the package's script lets it meet ours."""
    router.ask("uci set privacy-agent.main.attempts_days=3; uci commit privacy-agent; reload_config")
    router.until(lambda: setting(router, "attempts_days") == 3, "the first commit is not noticed")


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("uci add_list privacy-agent.main.interfaces=br-guest", "interfaces"),
        ("uci set privacy-agent.main.web_listen=127.0.0.1:5400", "web_listen"),
        ("uci set privacy-agent.main.mark_slot_bit=2", "mark_slot_bit"),
        (
            "uci set privacy-agent.main.cache_entries=200; uci set privacy-agent.main.jobs_user=nobody",
            "cache_entries, jobs_user",
        ),
    ],
)
def test_what_only_a_start_reads_is_in_force_by_a_restart(router: Router, command: str, names: str) -> None:
    before = set(router.residents())
    router.ask(f"{command}; uci commit privacy-agent; {INIT} reload")
    router.until(lambda: len(router.residents()) == 2 and not before & set(router.residents()), "not started again")
    assert any(line.endswith(f"started again for {names}") for line in router.log())
    after = router.residents()
    router.until(lambda: router.ask("logread").splitlines()[-1].endswith("ready"), "the daemon is not ready")
    router.ask(f"{INIT} reload")
    assert router.residents() == after, "a second reload has nothing to put into force"


@pytest.mark.parametrize("value", ["maybe", "2", "ja"])
@pytest.mark.parametrize("how", ["reload", "start"])
def test_by_a_faulty_enabled_what_runs_goes_on(router: Router, value: str, how: str) -> None:
    residents = router.residents()
    router.ask(f"uci set privacy-agent.main.enabled={value}; uci commit privacy-agent; {INIT} {how}")
    assert router.residents() == residents and router.running()
    assert any("enabled is neither 0 nor 1: all stays as it is" in line for line in router.log())


def test_by_a_faulty_enabled_nothing_starts(router: Router) -> None:
    router.ask(
        f"{INIT} stop; uci set privacy-agent.main.enabled=maybe; uci commit privacy-agent; {INIT} start; sleep 1"
    )
    assert router.residents() == []


def test_disabled_ends_it_and_enabled_starts_it(router: Router) -> None:
    router.ask(f"uci set privacy-agent.main.enabled=0; uci commit privacy-agent; {INIT} reload")
    assert router.residents() == []
    router.ask(f"uci set privacy-agent.main.enabled=1; uci commit privacy-agent; {INIT} reload")
    router.until(router.running, "it does not start again")


def test_a_fault_changes_nothing_and_is_told(router: Router) -> None:
    residents = router.residents()
    router.ask(f"uci set privacy-agent.main.histroy_days=5; uci commit privacy-agent; {INIT} reload")
    assert router.residents() == residents
    assert any("did you mean history_days" in line for line in router.log())


@pytest.mark.parametrize("event", ["interface.update", "interface.up"])
@pytest.mark.parametrize("name", ["wan", "wan6", "wwan", "vpn_1"])
def test_the_daemon_hears_that_a_line_is_up(router: Router, name: str, event: str) -> None:
    """Without a word of its own procd sends no signal where nothing has changed; what is missing is fetched then."""
    residents = router.residents()
    read = "settings and lists read again"
    before = sum(read in line for line in router.log())
    router.ask(f"""ubus call service event '{{"type": "{event}", "data": {{"interface": "{name}"}}}}'""")
    router.until(lambda: sum(read in line for line in router.log()) > before, "the daemon heard nothing")
    assert router.residents() == residents
