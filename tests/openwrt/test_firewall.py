"""The firewall is stopped and reloaded: the agent's table stays, and TROUBLESHOOTING says what is printed."""

from pathlib import Path

from tests.openwrt.userland import Router

PAGE = Path(__file__).parents[2] / "TROUBLESHOOTING.md"


def test_a_stop_of_the_firewall_complains_and_the_table_stays(router: Router) -> None:
    router.ask("privacy-agent device add --mac 02:00:00:00:00:77 Tablet; privacy-agent on Tablet protection --agree 1")
    router.until(lambda: router.code("nft list table inet privacy_agent") == 0, "there is no table")
    for action in ("start", "reload", "restart"):
        assert router.ask(f"/etc/init.d/firewall {action}") == "", action
    printed = router.ask("/etc/init.d/firewall stop")
    assert "fw4" not in router.ask("nft list tables") and router.code("nft list table inet privacy_agent") == 0
    first, second, *_ = printed.splitlines()
    assert f"    {first}\n    {second}\n" in PAGE.read_text(), printed
    assert router.running()
