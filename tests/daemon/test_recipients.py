"""Who gets to know what: other software on the router that logs the same is found and named."""

from pathlib import Path

import pytest

from agent.daemon.operations import recipients
from tests.promises.household import Home


@pytest.mark.parametrize(
    ("text", "logs"),
    [
        ("config dnsmasq\n\toption logqueries '1'\n", True),
        ("config dnsmasq\n\toption logqueries 1\n", True),
        ("config dnsmasq\n\toption logqueries '0'\n", False),
        ("domain-needed\nlog-queries=extra\n", True),
        ("log-queries\n", True),
        ("# log-queries\n", False),
        ("", False),
    ],
)
def test_a_resolver_that_logs_is_a_recipient(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, logs: bool
) -> None:
    file = tmp_path / "dhcp"
    file.write_text(text)
    monkeypatch.setattr(recipients, "LOGGERS", (str(file), str(tmp_path / "none")))
    found = [one for one in home.ask("recipients")["items"] if one["kind"] == "software"]
    assert [one["name"] for one in found] == (["dnsmasq"] if logs else [])
    assert all("switch log-queries off" in one["detail"] for one in found)
