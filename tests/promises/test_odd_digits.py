"""A watched child sends digits that are none: refused, each time, and the daemon that protects goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.promises.web import CHILD, Attacked


@pytest.fixture
def attacked(tmp_path: Path) -> Iterator[Attacked]:
    made = Attacked(tmp_path)
    yield made
    made.stop()


def test_no_digit_ends_the_daemon(attacked: Attacked) -> None:
    mia = attacked.person(CHILD)
    pid = attacked.daemon.process.pid
    since = attacked.daemon.ask("status")["started_at"]
    for after in ("%C2%B2", "1%C2%B2", "%D9%A3", "%EF%BC%91", "-1", "1_0", "%E2%91%A0", "9" * 400):
        for path in ("history", "attempts"):
            assert mia.ask("GET", f"/api/v1/me/{path}?after={after}").status in (400, 422)
        assert attacked.parent.ask("GET", f"/api/v1/ledger?after={after}").status in (400, 422)
    for month in ("2012-0²", "201²-05", "٢٠١٢-٠٥"):
        body = {"name": "Ben", "group": "child", "birth_month": month}
        assert attacked.parent.ask("POST", "/api/v1/people", body).status == 422
    status = attacked.daemon.ask("status")
    assert attacked.daemon.process.pid == pid and attacked.daemon.process.poll() is None
    assert status["started_at"] == since and status["faults"]["total"] == 0
    assert "started again" not in attacked.log and "unexpected" not in attacked.log
