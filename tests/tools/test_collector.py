"""The operator's side: what the receiver takes and keeps, and what the opener tells."""

import asyncio
import csv
import io
import json
import os
import random
import re
import time
from pathlib import Path

import pytest

from agent.core import summary
from agent.core.envelope import BODY_BYTES
from agent.core.model import BadInput
from tests.tools import collecting
from tools.collector import describe, keys, opener, opening, simulate
from tools.collector.files import lines_of
from tools.collector.receiver import HEAD_MAX, Rates, Receiver, Store

PERIOD = summary.period_of(int(time.time()))
FACTS = summary.Facts({"phishing": 2}, 1, 0, "ready", "0.1.0")


@pytest.fixture
def pair():
    rows, public = keys.add([], PERIOD, 4)
    return opening.Keys(rows), public


def exchange(receiver: Receiver, request: bytes, rest: bytes = b"") -> bytes:
    """What the receiver answers to bytes over a socket."""

    async def talk() -> bytes:
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, limit=HEAD_MAX)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(request)
        await writer.drain()
        if rest:
            await asyncio.sleep(0.05)
            writer.write(rest)
        if not request.endswith(b"!"):
            writer.write_eof()
        try:
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()
            server.close()
            await server.wait_closed()

    return asyncio.run(talk())


def posted(body: bytes, **headers: str) -> bytes:
    lines = ["POST / HTTP/1.1", "Host: x", f"Content-Length: {headers.pop('length', len(body))}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_a_report_is_stored_once_and_sealed(tmp_path: Path, pair) -> None:
    line = collecting.report(pair[1], PERIOD, FACTS)
    receiver = Receiver(Store(tmp_path))
    assert exchange(receiver, posted(line)).startswith(b"HTTP/1.1 201")
    assert exchange(receiver, posted(line)).startswith(b"HTTP/1.1 409")
    assert [path.name for path in tmp_path.iterdir()] == [f"{PERIOD}.jsonl"]
    assert list(lines_of(tmp_path / f"{PERIOD}.jsonl")) == [line]
    assert pair[0].open(line).period == PERIOD
    again = Receiver(Store(tmp_path))
    assert again.take(line) == 409, "what was stored before a restart is known after it"


def test_what_the_receiver_refuses(tmp_path: Path, pair) -> None:
    line = collecting.report(pair[1], PERIOD, FACTS)
    receiver = Receiver(Store(tmp_path / "store"), keys=frozenset(), rates=Rates(10_000))
    for request, status in (
        (posted(line + b"x"), 413),
        (posted(b"x", length="999999999999"), 413),
        (posted(line[:-1]), 400),
        (posted(b" " * BODY_BYTES), 400),
        (posted(line, Transfer_Encoding="chunked"), 400),
        (posted(b"", length="-1"), 400),
        (posted(line).replace(b"POST / ", b"GET / "), 405),
        (posted(line).replace(b"POST / ", b"POST /x "), 404),
        (b"nonsense\r\n\r\n", 400),
        (posted(collecting.report(pair[1], PERIOD - 20, FACTS)), 400),
        (posted(collecting.report(pair[1], PERIOD + 5, FACTS)), 400),
    ):
        assert exchange(receiver, request).startswith(b"HTTP/1.1 %d" % status), request[:60]
    for request in (b"x" * (2 * HEAD_MAX), b"POST / HTTP/1.1\r\n", b""):
        assert exchange(receiver, request) == b""
    assert Receiver(Store(tmp_path / "store"), keys=frozenset(["0" * 16])).take(line) == 400
    assert list((tmp_path / "store").iterdir()) == []


def test_a_body_after_100_continue(tmp_path: Path, pair) -> None:
    line = collecting.report(pair[1], PERIOD, FACTS)
    request = posted(line, Expect="100-continue")
    answer = exchange(Receiver(Store(tmp_path)), request[: -len(line)] + b"", line)
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201") or answer == b""


def test_an_address_may_not_ask_without_end(pair) -> None:
    rates = Rates(3)
    assert [rates.allows("192.0.2.1", 1.0) for _ in range(4)] == [True, True, True, False]
    assert rates.allows("192.0.2.2", 2.0)
    assert not rates.allows("192.0.2.1", 60.0)
    assert rates.allows("192.0.2.1", 61.5)
    assert b"192.0.2" not in repr(vars(rates)).encode()


def test_a_line_that_a_crash_cut_off_is_not_kept(tmp_path: Path, pair) -> None:
    lines = [collecting.report(pair[1], PERIOD, FACTS) for _ in range(2)]
    path = tmp_path / f"{PERIOD}.jsonl"
    path.write_bytes(lines[0] + lines[1][:777])
    assert Receiver(Store(tmp_path)).take(lines[1]) == 201
    assert list(lines_of(path)) == lines


def test_nothing_is_opened_with_the_wrong_key_or_out_of_its_periods(pair) -> None:
    rows, public = keys.add([], PERIOD, 4)
    line = collecting.report(public, PERIOD, FACTS)
    assert opening.Keys(rows).open(line)
    with pytest.raises(BadInput, match="another key"):
        pair[0].open(line)
    late = [{**rows[0], "first": PERIOD + 1}]
    with pytest.raises(BadInput, match="not for"):
        opening.Keys(late).open(line)


def test_the_opener_adds_up_and_leaves_out(tmp_path: Path) -> None:
    rows, paths = collecting.fleet(tmp_path, 60, PERIOD)
    lines = list(lines_of(paths[0]))
    paths[1].write_bytes(paths[1].read_bytes() + lines[0] + b" " * BODY_BYTES)
    found, left_out = opener.aggregate(opening.Keys(rows), paths, 50)
    assert left_out["a report that was there already"] == 1
    assert sum(left_out.values()) == 2
    assert [row["column"] for row in found] == summary.columns()
    assert {row["households"] for row in found} == {60}
    none, why = opener.aggregate(opening.Keys(rows), paths, 61)
    assert (none, why["in a period with too few households"]) == ([], 60)


def test_the_opener_counts_what_is_good_among_what_is_not(tmp_path: Path) -> None:
    rows, paths = collecting.fleet(tmp_path, 20, PERIOD)
    public = opening.primitives().public_of(bytes.fromhex(str(rows[0]["secret"])))
    good = collecting.spoil(paths, public, PERIOD)
    for order in (paths, paths[::-1]):
        found, left_out = opener.aggregate(opening.Keys(rows), order, 1)
        assert {row["households"] for row in found} == {20 + good}
        assert left_out["different reports under one id"] == 2
        assert left_out["a report that was there already"] == 2
        assert left_out["a report of a period that its key is not for"] == 1
    assert found == opener.aggregate(opening.Keys(rows), paths, 1)[0]


def test_what_is_left_out_does_not_hang_on_the_order(tmp_path: Path, pair) -> None:
    one, other = (collecting.report(pair[1], PERIOD, FACTS, name=bytes(16)) for _ in range(2))
    alone = collecting.report(pair[1], PERIOD, FACTS)
    found = []
    for number, lines in enumerate(([one, one, other], [one, other, one], [other, one, one])):
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(b"".join([*lines, alone, alone]))
        rows, left_out = opener.aggregate(pair[0], [path], 1)
        found.append((rows, left_out))
        assert left_out == {opening.DIFFERENT: 3, opening.REPEATED: 1}
    assert found[0] == found[1] == found[2]


def test_the_program_writes_csv_and_json_with_error_bars(tmp_path: Path, capsys, monkeypatch) -> None:
    rows, paths = collecting.fleet(tmp_path, 30, PERIOD, 1)
    (tmp_path / "keys.json").write_text(json.dumps(rows))
    told = {}
    for form in ("csv", "json"):
        words = ["opener", str(tmp_path / "keys.json"), str(paths[0]), "--format", form, "--smallest", "30"]
        monkeypatch.setattr("sys.argv", words)
        assert opener.main() == 0
        text = capsys.readouterr().out
        told[form] = list(csv.DictReader(io.StringIO(text))) if form == "csv" else json.loads(text)
    assert [{name: str(value) for name, value in row.items()} for row in told["json"]] == told["csv"]
    assert all(float(row["total_error"]) > 0 and float(row["mean_error"]) > 0 for row in told["csv"])
    monkeypatch.setattr("sys.argv", [*words[:3], "--smallest", "31"])
    assert opener.main() == 1 and capsys.readouterr().out == ""


def test_the_error_bars_hold_the_truth(tmp_path: Path) -> None:
    """95 % intervals over many columns and fleets: some miss, not many."""
    chance, missed, told = random.Random(5), 0, 0
    for _ in range(12):
        truth, totals = opening.Totals(), opening.Totals()
        for _ in range(150):
            numbers = summary.answers(simulate.household(chance))
            truth.add(numbers)
            totals.add(summary.noised(numbers, 2000, chance.randbytes))
        for row, real in zip(totals.rows(PERIOD), truth.sums, strict=True):
            told += 1
            missed += abs(float(str(row["total"])) - real) > float(str(row["total_error"]))
    assert 0 < missed < told * 0.12, (missed, told)


def test_totals_merge_in_any_order() -> None:
    chance = random.Random(1)
    numbers = [[chance.randrange(-100, 100) for _ in summary.columns()] for _ in range(30)]
    whole = opening.Totals()
    for one in numbers:
        whole.add(one)
    parts = [opening.Totals().add(one) for one in numbers]
    chance.shuffle(parts)
    merged = opening.Totals()
    for part in parts:
        merged.merge(part)
    assert vars(merged) == vars(whole)


def test_the_simulation_predicts_what_the_sampler_does() -> None:
    found = re.search(r"is ([\d.]+) off", simulate.checked(500, 300))
    assert found and float(found[1]) < 6
    assert simulate.plot().count("<polyline") == len(simulate.EPSILONS)
    assert len(simulate.table().splitlines()) == len(simulate.HOUSEHOLDS) + 2


def test_the_manual_is_what_the_tables_say() -> None:
    assert describe.TARGET.read_text() == describe.report(), "run python -m tools.collector.describe"
    assert all(row.sentence in describe.report() for row in summary.TABLE)
    assert "REPORT.md" in (describe.TARGET.parent / "README.md").read_text()


def test_the_manual_names_what_stands_around_the_seal(pair) -> None:
    found = json.loads(collecting.report(pair[1], PERIOD, FACTS))
    assert sorted(found) == sorted(name for name, _, _ in describe.OUTSIDE)


def test_keys_are_kept_from_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    path = tmp_path / "keys.json"
    monkeypatch.setattr("sys.argv", ["keys", str(path)])
    assert keys.main() == 0 and keys.main() == 0
    assert path.stat().st_mode & 0o777 == 0o600
    rows = json.loads(path.read_text())
    said = capsys.readouterr().out
    assert len(rows) == 2 and all(row["secret"] not in said for row in rows)


def test_a_key_that_is_retired_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys.json"
    old, _ = keys.add([], PERIOD - 200, 26)
    now, _ = keys.add(old, PERIOD - 30, 26)
    path.write_text(json.dumps(now))
    monkeypatch.setattr("sys.argv", ["keys", str(path), "--retire"])
    assert keys.main() == 0
    assert json.loads(path.read_text()) == now[1:], "what may still arrive late can be opened"
    assert str(old[0]["secret"]) not in path.read_text()


# tools/test sets it, in an environment that has Apache Beam.
FLEET = int(os.environ.get("FLEET_HOUSEHOLDS", "0"))


def test_beam_gives_the_same_totals(tmp_path: Path) -> None:
    if not FLEET:
        pytest.skip("not here: Apache Beam; tools/test runs this in .venv-fleet")
    from tools.collector import fleet

    began = time.monotonic()
    rows, paths = collecting.fleet(tmp_path, FLEET, PERIOD)
    collecting.spoil(paths, opening.primitives().public_of(bytes.fromhex(str(rows[0]["secret"]))), PERIOD)
    made = time.monotonic()
    (tmp_path / "keys.json").write_text(json.dumps(rows))
    pattern = str(tmp_path / f"{PERIOD}-*.jsonl")
    assert fleet.main([str(tmp_path / "keys.json"), pattern, str(tmp_path / "out")]) == 0
    run = time.monotonic()
    lines = [line for path in tmp_path.glob("out*.jsonl") for line in path.read_text().splitlines()]
    single, _ = opener.aggregate(opening.Keys(rows), paths)
    end = time.monotonic()
    print(f"{FLEET} households: made {made - began:.0f} s, Beam {run - made:.0f} s, one machine {end - run:.0f} s")
    by_column = {str(row["column"]): row for row in map(json.loads, lines)}
    assert by_column == {str(row["column"]): row for row in single}
