"""P1 with times and content alone: of what a child asks for and is refused, no byte is kept and nothing is counted."""

from pathlib import Path

from agent.core.policy import recorded
from tests.promises.household import Home

ASKED = (b"www.google.com", b"www.startpage.com", b"www.youtube.com", b"searx.secret-garden.example")
MARKS = (b"startpage", b"secret-garden", b"www.google", b"www.youtube")


def test_nothing_is_kept_of_what_was_asked_for(home: Home) -> None:
    household = home.start()
    home.ask("person.add", name="Mia", group="child")
    home.ask("device.add", label="tablet", address="127.0.0.2", person_id=1)
    home.ask("content.set", person_id=1, search="strict", youtube="strict")
    client = household.clients.identify(None, "127.0.0.2")
    assert client is not None and client.view is not None and client.view.safe
    refused = 0
    for name in ASKED:
        verdict = household.policy.decide(client.view, name)
        refused += verdict.blocked
        assert not (verdict.blocked and recorded(verdict)), "nobody is told"
        # As if somebody had told the recorder all the same: no permit covers it.
        household.recorder.allowed(client.slot, client.generation, name, "dns", 3)
        if verdict.blocked:
            household.recorder.refused(client.slot, client.generation, name.decode(), "tls", 3, verdict)
    assert refused == 2
    household.flush()
    for table in ("visits", "attempts"):
        assert household.records.db.sql.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert home.ask("audit")["ok"]
    for folder in (home.state_dir, home.run_dir):
        for file in Path(folder).rglob("*"):
            kept = file.read_bytes() if file.is_file() else b""
            assert not [mark for mark in MARKS if mark in kept], file
    assert not [event for event in home.edges.events if event.get("event") == "attempt"]
