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
from tools.collector.totals import Totals

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
    rows, paths = collecting.fleet(tmp_path, 600, PERIOD, epsilon=2000)
    lines = list(lines_of(paths[0]))
    paths[1].write_bytes(paths[1].read_bytes() + lines[0] + b" " * BODY_BYTES)
    found, left_out = opener.aggregate(opening.Keys(rows), paths, 50)
    assert left_out["a report that was there already"] == 1
    assert sum(left_out.values()) == 2
    assert [row["column"] for row in found] == summary.columns()
    assert {row["households"] for row in found} == {600}
    assert sum({str(row["column"]).split("=")[0]: int(str(row["asked"])) for row in found}.values()) == 600
    none, why = opener.aggregate(opening.Keys(rows), paths, 601)
    assert (none, why["in a period with too few households"]) == ([], 600)


def test_the_opener_counts_what_is_good_among_what_is_not(tmp_path: Path) -> None:
    rows, paths = collecting.fleet(tmp_path, 400, PERIOD, epsilon=2000)
    public = opening.primitives().public_of(bytes.fromhex(str(rows[0]["secret"])))
    good = collecting.spoil(paths, public, PERIOD)
    for order in (paths, paths[::-1]):
        found, left_out = opener.aggregate(opening.Keys(rows), order, 1)
        assert {row["households"] for row in found} == {400 + good}
        assert left_out["different reports under one id"] == 2
        assert left_out["a report that was there already"] == 2
        assert left_out["a report of a period that its key is not for"] == 1
    assert found == opener.aggregate(opening.Keys(rows), paths, 1)[0]


def test_what_is_left_out_does_not_hang_on_the_order(tmp_path: Path, pair) -> None:
    one = collecting.report(pair[1], PERIOD, FACTS, name=bytes(16))
    while pair[0].open(other := collecting.report(pair[1], PERIOD, FACTS, name=bytes(16))) == pair[0].open(one):
        pass
    alone = collecting.report(pair[1], PERIOD, FACTS)
    found = []
    for number, lines in enumerate(([one, one, other], [one, other, one], [other, one, one])):
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(b"".join([*lines, alone, alone]))
        rows, left_out = opener.aggregate(pair[0], [path], 1)
        found.append((rows, left_out))
        assert (left_out[opening.DIFFERENT], left_out[opening.REPEATED]) == (3, 1)
    assert found[0] == found[1] == found[2]


def test_the_program_writes_csv_and_json_with_error_bars(tmp_path: Path, capsys, monkeypatch) -> None:
    rows, paths = collecting.fleet(tmp_path, 300, PERIOD, 1, epsilon=2000)
    (tmp_path / "keys.json").write_text(json.dumps(rows))
    told = {}
    for form in ("csv", "json"):
        words = ["opener", str(tmp_path / "keys.json"), str(paths[0]), "--format", form, "--smallest", "300"]
        monkeypatch.setattr("sys.argv", words)
        assert opener.main() == 0
        text = capsys.readouterr().out
        told[form] = list(csv.DictReader(io.StringIO(text))) if form == "csv" else json.loads(text)
    assert [{name: str(value) for name, value in row.items()} for row in told["json"]] == told["csv"]
    assert all(float(row["total_error"]) > 0 and float(row["mean_error"]) > 0 for row in told["csv"])
    monkeypatch.setattr("sys.argv", [*words[:3], "--smallest", "301"])
    assert opener.main() == 1 and capsys.readouterr().out == ""


def test_the_error_bars_hold_the_truth() -> None:
    """95 % intervals over many columns and fleets, of households with several epsilons: some miss, not many."""
    chance, missed, told = random.Random(5), 0, 0
    for _ in range(20):
        truth, totals = [0] * len(summary.columns()), Totals()
        for _ in range(1500):
            numbers = summary.answers(simulate.household(chance))
            truth = [a + b for a, b in zip(truth, simulate.spread(numbers), strict=True)]
            totals.add(summary.noised(numbers, chance.choice([1000, 1999, 2000]), chance.randbytes))
        real = dict(zip(summary.columns(), truth, strict=True))
        for row in totals.told(PERIOD)[0]:
            told += 1
            missed += abs(float(str(row["total"])) - real[str(row["column"])]) > float(str(row["total_error"]))
    assert told == 20 * len(summary.columns()) and 0 < missed < told * 0.12, (missed, told)


def test_no_number_is_told_whose_error_is_wider_than_its_range() -> None:
    """Ranges of some 400 households a question can't be told at the default; it is said how many it takes, and so many
    do."""
    chance = random.Random(7)
    few, _ = totals_of(chance, 500, 500).told(PERIOD)
    assert all(2 * float(str(row["mean_error"])) < (5 if row["column"] == "blocked" else 1) for row in few)
    assert all(abs(float(str(row["mean"]))) < 2 for row in few if "=" in str(row["column"]))
    rows, untold = totals_of(chance, 100, 500).told(PERIOD)
    assert rows == [] and sum(untold.values()) == 100
    needed = [int(word.replace(",", "")) for why in untold for word in re.findall(r"some ([\d,]+) households", why)]
    assert len(needed) == len(summary.TABLE) and min(needed) > 100
    assert len(totals_of(chance, max(needed) * 2, 500).told(PERIOD)[0]) == len(summary.columns())


def test_a_few_with_a_small_epsilon_do_not_drown_the_others() -> None:
    totals = totals_of(random.Random(8), 3000, 2000)
    before, _ = totals.told(PERIOD)
    after, _ = totals.merge(totals_of(random.Random(9), 300, 10)).told(PERIOD)
    for one, other in zip(before, after, strict=True):
        assert float(str(other["mean_error"])) < 1.1 * float(str(one["mean_error"]))


def totals_of(chance: random.Random, count: int, epsilon: int) -> Totals:
    totals = Totals()
    for _ in range(count):
        totals.add(summary.noised(summary.answers(simulate.household(chance)), epsilon, chance.randbytes))
    return totals


def test_weeks_are_told_together(tmp_path: Path) -> None:
    """Each with enough households; so many reports are as exact as those of as many households."""
    start = PERIOD - PERIOD % 4
    rows, public = keys.add([], start, 8)
    paths = []
    for period, count in ((start, 300), (start + 1, 300), (start + 2, 20), (start + 4, 300)):
        paths.append(tmp_path / f"{period}.jsonl")
        paths[-1].write_bytes(b"".join(collecting.report(public, period, FACTS, 2000) for _ in range(count)))
    found, left_out = opener.aggregate(opening.Keys(rows), paths, 100, 4)
    assert left_out[opening.TOO_FEW] == 20
    assert {(row["period"], row["weeks"], row["households"]) for row in found} == {(start, 4, 600), (start + 4, 4, 300)}
    assert len(found) == 2 * len(summary.columns())


def test_totals_merge_in_any_order() -> None:
    chance = random.Random(1)
    answers = [summary.noised(summary.answers(FACTS), chance.choice([500, 1000]), chance.randbytes) for _ in range(90)]
    whole = Totals()
    for one in answers:
        whole.add(one)
    parts = [Totals().add(one) for one in answers]
    chance.shuffle(parts)
    merged = Totals()
    for part in parts:
        merged.merge(part)
    assert vars(merged) == vars(whole)
    assert merged.told(PERIOD) == whole.told(PERIOD)


def test_the_simulation_predicts_what_sealed_reports_do() -> None:
    found = simulate.measured(2000, 1, 2000)
    assert found["told"] == len(summary.columns()) and int(str(found["within"])) >= len(summary.columns()) - 3
    assert float(str(found["share"])) < simulate.widest(2000, 2000)
    assert simulate.plot().count("<polyline") == len(simulate.EPSILONS)
    assert len(simulate.table().splitlines()) == len(simulate.HOUSEHOLDS) + 2


def test_the_manual_is_what_the_tables_say() -> None:
    assert describe.TARGET.read_text() == describe.report(), "run python -m tools.collector.describe"
    assert all(row.sentence in describe.report() for row in summary.TABLE)
    assert "REPORT.md" in (describe.TARGET.parent / "README.md").read_text()


def test_what_was_measured_is_of_this_schema() -> None:
    runs = json.loads(simulate.MEASURED.read_text())
    assert [(run["households"], run["weeks"]) for run in runs] == list(simulate.RUNS)
    assert {run["schema"] for run in runs} == {summary.SCHEMA}


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
    assert FLEET < 2000 or len(single) == len(summary.columns())
    by_column = {str(row["column"]): row for row in map(json.loads, lines)}
    assert by_column == {str(row["column"]): row for row in single}
