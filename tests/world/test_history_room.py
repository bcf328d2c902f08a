"""One device's flood: counted in few rows, and no other device's rows go for it."""

from pathlib import Path

from agent.core.model import BLOCK, Rule, Verdict
from agent.daemon import bootstrap
from agent.daemon.clients import DeviceView
from tests.promises.household import Home
from tests.world.household import until, world

NAMES = 400


def test_a_name_blocked_again_and_again_is_one_row(tmp_path: Path) -> None:
    with world(tmp_path) as home:
        home.client.call("block", name="bad.example")
        home.ask(*["www.bad.example"] * 5)
        until(lambda: home.rows("blocked"))
        home.ask(*["www.bad.example"] * 5)
        until(lambda: sum(row["hits"] for row in home.rows("blocked")) == 10)
        assert [(row["target"], row["hits"]) for row in home.rows("blocked")] == [("www.bad.example", 10)]


def test_random_names_below_one_rule_are_few_rows(tmp_path: Path) -> None:
    with world(tmp_path) as home:
        home.client.call("block", name="bad.example")
        home.ask(*[f"n{number}.bad.example" for number in range(NAMES)])
        until(lambda: sum(row["hits"] for row in home.rows("blocked")) == NAMES)
        rows = home.rows("blocked")
        assert len(rows) <= 3 and rows[0]["target"] == "bad.example"


def test_a_row_that_was_deleted_while_it_grew_is_not_written_again(tmp_path: Path) -> None:
    with world(tmp_path) as home:
        home.client.call("block", name="bad.example")
        home.ask("bad.example")
        until(lambda: home.rows("blocked"))
        home.client.call("delete", device_id=1, feature="protection")
        home.ask("bad.example")
        until(lambda: home.rows("blocked"))
        assert [row["hits"] for row in home.rows("blocked")] == [1]
        assert home.client.call("audit")["ok"]


def test_a_flood_pushes_out_its_own_rows_only_and_it_is_said(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    household = home.start(history_rows=200, attempts_rows=200)
    for address in ("127.0.0.2", "127.0.0.3"):
        home.ask("device.add", label="device " + address[-1], address=address)
    for device in (1, 2):
        for feature in ("history", "protection"):
            home.ask("on", device_id=device, feature=feature, agree=1)
    flooding, quiet = [household.clients.identify(None, address) for address in ("127.0.0.2", "127.0.0.3")]

    def seen(client: DeviceView | None, number: int) -> None:
        assert client is not None
        name = f"n{number}.example"
        household.recorder.allowed(client.slot, client.generation, name.encode(), "dns", 1)
        verdict = Verdict(BLOCK, Rule(name, list_id="phish"))
        household.recorder.refused(client.slot, client.generation, name, "dns", 1, verdict)

    seen(quiet, 0)
    for number in range(3000):
        seen(flooding, number)
        if number % 300 == 0:
            household.flush()
    household.flush()

    while bootstrap.expire(household):
        pass
    counts = {table: [household.records.count(table, device) for device in (1, 2)] for table in ("visits", "attempts")}
    assert counts == {"visits": [199, 1], "attempts": [199, 1]}
    gone = home.ask("audit")["deleted_for_room"]
    assert gone == home.ask("status")["recording"]["deleted_for_room"]
    assert gone["visits"] > 2000 and gone["attempts"] > 2000
    home.crash()


def test_status_counts_what_found_no_room(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    household = home.start()
    home.ask("device.add", label="tablet", address="127.0.0.2")
    home.ask("on", device_id=1, feature="history", agree=1)
    client = household.clients.identify(None, "127.0.0.2")
    assert client is not None
    for number in range(2000):
        household.recorder.allowed(client.slot, client.generation, f"n{number}.example".encode(), "dns", 1)
    recording = home.ask("status")["recording"]
    assert recording["dropped"] == recording["unrecorded"] == 500 and recording["unsent"] == 0
    home.crash()
