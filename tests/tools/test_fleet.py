"""The pipeline for fleets: where the secret keys are, what workers elsewhere need, and what it tells of lines left out.

Needs Apache Beam: tools/test --full runs this in .venv-fleet.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from agent.core import summary
from tests.ports import free_port
from tests.tools import collecting
from tools.collector import keys, opener, opening, simulate
from tools.collector.files import lines_of

ROOT = Path(__file__).resolve().parent.parent.parent
PERIOD = summary.period_of(int(time.time()))
# tools/test sets it.
HOUSEHOLDS = max(int(os.environ.get("FLEET_HOUSEHOLDS", "0")), 400)
COMBINED = ("by id", "sum", "together", "count left out")
try:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.testing.test_stream import TestStream as Stream
    from apache_beam.testing.util import assert_that, equal_to

    from tools.collector import fleet, pipeline
except ImportError:
    pytest.skip("not here: Apache Beam; tools/test --full runs this in .venv-fleet", allow_module_level=True)


def fleet_of(folder: Path, count: int) -> tuple[list[dict], list[Path], Path]:
    """Spoiled files of so many households' reports, and the keys in a file."""
    rows, paths = collecting.fleet(folder, count, PERIOD, epsilon=2000)
    collecting.spoil(paths, public_of(rows), PERIOD)
    secret = folder / "keys.json"
    secret.write_text(json.dumps(rows))
    return rows, paths, secret


def public_of(rows: list[dict]) -> bytes:
    return opening.primitives().public_of(bytes.fromhex(str(rows[0]["secret"])))


def told(folder: Path) -> dict[str, dict]:
    rows = [json.loads(line) for path in folder.glob("out-*.jsonl") for line in path.read_text().splitlines()]
    return {str(row["column"]): row for row in rows}


def left_out(text: str) -> Counter[str]:
    """What a program said that it left out."""
    found: Counter[str] = Counter()
    for line in text.splitlines():
        if line.startswith("left out: "):
            count, _, reason = line.removeprefix("left out: ").partition(" (")
            found[reason.removesuffix(")")] += int(count)
    return found


def test_the_graph_is_made_without_the_keys(tmp_path: Path) -> None:
    """The file of keys is not there yet when the graph is: nothing of it can be in it, however it is packed."""
    rows, paths, secret = fleet_of(tmp_path, 400)
    secret.unlink()
    graph = beam.Pipeline()
    lines = graph | beam.Create([line for path in paths for line in lines_of(path)])
    assert_that(fleet.build(lines, str(secret), 1), lambda told: len(told) == len(summary.columns()) or 1 / 0)
    text = graph.to_runner_api().SerializeToString()
    assert str(rows[0]["secret"]).encode() not in text and bytes.fromhex(str(rows[0]["secret"])) not in text
    secret.write_text(json.dumps(rows))
    graph.run().wait_until_finish()


def test_nothing_is_grouped_that_could_be_combined(tmp_path: Path) -> None:
    graph = beam.Pipeline()
    fleet.build(graph | beam.Create([b""]), str(tmp_path / "keys"), 1)
    steps = graph.to_runner_api().components.transforms.values()
    combined = [one for one in steps if one.spec.urn == "beam:transform:combine_per_key:v1"]
    assert {one.unique_name for one in combined} == {*COMBINED}
    groups = [one.unique_name for one in steps if one.spec.urn == "beam:transform:group_by_key:v1"]
    assert not [name for name in groups if name.split("/")[0] not in (*COMBINED, "Create")]


def test_what_was_left_out_is_told_as_the_opener_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, paths, secret = fleet_of(tmp_path, 400)
    one = list(lines_of(paths[0]))[0]
    paths[0].write_bytes(one * 20 + paths[0].read_bytes())  # replayed without end
    others = [(PERIOD - 1, 3)]  # a period with too few
    lines = [collecting.report(public_of(rows), period, collecting.FACTS) for period, n in others for _ in range(n)]
    early = [{**rows[0], "first": PERIOD - 1}]
    secret.write_text(json.dumps(early))
    paths[1].write_bytes(paths[1].read_bytes() + b"".join(lines))
    single, why = opener.aggregate(opening.Keys(early), paths, 10)
    assert (
        fleet.main([str(secret), str(tmp_path / f"{PERIOD}-*.jsonl"), str(tmp_path / "out"), "--smallest", "10"]) == 0
    )
    assert left_out(capsys.readouterr().err) == why
    assert why[opening.REPEATED] == 22 and why[opening.DIFFERENT] == 2 and why[opening.TOO_FEW] == 3
    assert told(tmp_path) == {str(row["column"]): row for row in single}


def test_weeks_are_told_together_as_the_opener_does(tmp_path: Path) -> None:
    start = PERIOD - PERIOD % 4
    rows, public = keys.add([], start, 8)
    chance = random.Random(3)
    for period in (start, start + 1, start + 3, start + 4):
        lines = [collecting.report(public, period, simulate.household(chance), 2000) for _ in range(200)]
        (tmp_path / f"{period}.jsonl").write_bytes(b"".join(lines))
    (tmp_path / "keys.json").write_text(json.dumps(rows))
    words = [str(tmp_path / "keys.json"), str(tmp_path / "*.jsonl"), str(tmp_path / "out")]
    assert fleet.main([*words, "--smallest", "100", "--weeks", "4"]) == 0
    single, _ = opener.aggregate(opening.Keys(rows), sorted(tmp_path.glob(f"{str(PERIOD)[:2]}*.jsonl")), 100, 4)
    assert {row["households"] for row in single} == {600, 200}
    files = [path.read_text().splitlines() for path in tmp_path.glob("out-*.jsonl")]
    found = [json.loads(line) for lines in files for line in lines]
    assert sorted(found, key=str) == sorted(({**row} for row in single), key=lambda row: str(dict(sorted(row.items()))))


def test_no_rows_are_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, secret = fleet_of(tmp_path, 400)
    words = [str(secret), str(tmp_path / f"{PERIOD}-*.jsonl"), str(tmp_path / "out"), "--smallest"]
    assert fleet.main([*words, "5"]) == 0 and told(tmp_path)
    assert fleet.main([*words, "500"]) == 1, "nor by what an earlier run wrote"
    assert left_out(capsys.readouterr().err)[opening.TOO_FEW] == 403
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "out-of-last-week.jsonl").write_bytes(b"reports that are called alike")
    assert fleet.main([str(secret), str(tmp_path / "empty.jsonl"), str(tmp_path / "out")]) == 1
    assert (tmp_path / "out-of-last-week.jsonl").exists()


def test_from_a_stream_a_period_is_told_once_with_all_that_was_late(tmp_path: Path) -> None:
    rows, paths, secret = fleet_of(tmp_path, 400)
    lines = [line for path in paths for line in lines_of(path)]
    single, _ = opener.aggregate(opening.Keys(rows), paths, 1)
    late = summary.period_start(PERIOD + opening.LATE)
    stream = Stream()
    stream.advance_watermark_to(summary.period_start(PERIOD)).add_elements(lines[::2])
    stream.advance_watermark_to(late - 1).add_elements(lines[1::2])  # weeks after its period
    stream.advance_watermark_to_infinity()
    with beam.Pipeline(options=PipelineOptions(["--streaming", "--allow_unsafe_triggers"])) as graph:
        rows_told, _ = pipeline.counted(graph | stream, str(secret), 1)
        assert_that(rows_told, equal_to([json.dumps(row, sort_keys=True) for row in single]))


def packed(folder: Path) -> Path:
    """The package as a worker installs it: from the source distribution alone, far from the checkout."""
    words = [sys.executable, "setup.py", "-q", "egg_info", "--egg-base", str(folder)]
    words += ["sdist", "--dist-dir", str(folder)]
    subprocess.run(words, cwd=ROOT / "tools" / "collector", check=True, capture_output=True, timeout=120)
    subprocess.run(["tar", "xzf", str(next(folder.glob("*.tar.gz")))], cwd=folder, check=True, timeout=60)
    source = next(path for path in folder.glob("privacy?agent?collector-*") if path.is_dir())
    words = [sys.executable, "setup.py", "-q", "build", "--build-lib", str(folder / "installed")]
    subprocess.run(words, cwd=source, check=True, capture_output=True, timeout=120)
    return folder / "installed"


def test_workers_in_other_processes_open_reports(tmp_path: Path) -> None:
    """A pool of workers that has the installed package only, in another folder, told of by an address."""
    rows, paths, secret = fleet_of(tmp_path, HOUSEHOLDS)
    (tmp_path / "elsewhere").mkdir()
    port = free_port()
    words = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", "--service_port", str(port)]
    # The pool starts each worker as `python`.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PYTHONPATH": str(packed(tmp_path / "elsewhere")), "PATH": path}
    log = (tmp_path / "log").open("wb")
    pool = subprocess.Popen(words, cwd=tmp_path / "elsewhere", env=environment, stdout=log, stderr=log)
    try:
        words = ["--runner", "PortableRunner", "--job_endpoint", "embed", "--environment_type", "EXTERNAL"]
        words += ["--environment_config", f"localhost:{port}", "--smallest", "50"]
        words = [str(secret), str(tmp_path / f"{PERIOD}-*.jsonl"), str(tmp_path / "out"), *words]
        run = [sys.executable, "-m", "tools.collector.fleet", *words]
        done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=1200)
        assert done.returncode == 0, done.stderr + (tmp_path / "log").read_text()
    finally:
        pool.terminate()
        pool.wait(30)
        log.close()
    single, why = opener.aggregate(opening.Keys(rows), paths, 50)
    assert told(tmp_path) == {str(row["column"]): row for row in single}
    assert left_out(done.stderr) == why
