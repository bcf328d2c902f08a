"""The same sums for millions of households: an Apache Beam pipeline over files of sealed reports.

python -m tools.collector.fleet KEYS 'GLOB' OUTPUT [--smallest N] [Beam's own options, such as --runner]

KEYS is a path that each worker reads for itself. Each line is opened in a map step, and sums of whole numbers merge in
any order: the totals are those of opener.py to the last digit. It is a batch job over what is there: what came late is
in the next run. Beam is an optional extra (requirements-fleet.txt).
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from tools.collector.opening import BATCH_MIN
from tools.collector.pipeline import build, counted

__all__ = ["build", "main"]
PARTS = "-?????-of-?????.jsonl"  # as Beam names them: the reports themselves may begin alike
LEFT_OUT = ".left-out"


def matching(pattern: str) -> list[str]:
    return [found.path for found in FileSystems.match([pattern])[0].metadata_list]


def lines_of(pattern: str) -> Iterator[dict[str, object]]:
    """What the pipeline wrote."""
    for path in matching(pattern):
        with FileSystems.open(path) as file:
            yield from map(json.loads, file.read().splitlines())


def clear(output: str) -> None:
    """Away with what an earlier run wrote: with fewer files than then, its last ones would stay beside the new."""
    found = matching(output + PARTS) + matching(output + LEFT_OUT)
    if found:
        FileSystems.delete(found)


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Opens and adds up sealed reports with Apache Beam.")
    parser.add_argument("keys", help="JSON of secret keys, on a file system that each worker reads; nothing sends them")
    parser.add_argument("files", help="a pattern, on any file system that Beam knows")
    parser.add_argument("output", help="prefix of the files to write")
    parser.add_argument("--smallest", type=int, default=BATCH_MIN, help=f"households a period (default {BATCH_MIN})")
    parser.add_argument("--weeks", type=int, default=1, help="so many weeks are told together (default 1)")
    options, others = parser.parse_known_args(words)
    clear(options.output)
    with beam.Pipeline(options=PipelineOptions(others)) as pipeline:
        lines = pipeline | "read" >> beam.io.ReadFromText(options.files, coder=BytesCoder())
        rows, left_out = counted(lines, options.keys, options.smallest, max(options.weeks, 1))
        rows | "write" >> beam.io.WriteToText(options.output, ".jsonl")
        left_out | "write left out" >> beam.io.WriteToText(
            options.output, LEFT_OUT, num_shards=1, shard_name_template=""
        )
    counts: Counter[str] = Counter()
    for row in lines_of(options.output + LEFT_OUT):
        counts[str(row["reason"])] += int(str(row["count"]))
    for reason, count in sorted(counts.items()):
        print(f"left out: {count} ({reason})", file=sys.stderr)
    return 0 if any(True for _ in lines_of(options.output + PARTS)) else 1


if __name__ == "__main__":
    sys.exit(main())
