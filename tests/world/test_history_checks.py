"""What a phone asks by itself, over DNS, is no site of anybody's history."""

from pathlib import Path

from tests.world.household import until, world


def test_checks_and_canaries_are_no_sites(tmp_path: Path) -> None:
    with world(tmp_path) as home:
        home.ask("www.msftconnecttest.com", "captive.apple.com", "use-application-dns.net", "mask.icloud.com")
        home.ask("www.google.com", "connectivitycheck.gstatic.com", "www.google.com", "detectportal.firefox.com")
        home.ask("www.news.example")
        until(lambda: home.rows("history"))
        assert [row["site"] for row in home.rows("history")] == ["news.example"]
