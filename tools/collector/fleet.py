"""The same sums for millions of households: an Apache Beam pipeline over files of sealed reports.

python -m tools.collector.fleet KEYS 'GLOB' OUTPUT [--smallest N] [Beam's own options, such as --runner]

Each line is opened by itself in a map step, ids are counted once, and sums of whole numbers merge in any order: the
totals are those of opener.py to the last digit. Beam is an optional extra (requirements-fleet.txt).
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.options.pipeline_options import PipelineOptions

from agent.core.model import BadInput
from tools.collector.files import whole
from tools.collector.opening import BATCH_MIN, Keys, Row, Totals

Keyed = tuple[int, list[int]]


class Open(beam.DoFn):  # type: ignore[misc]
    """A line → (id, (period, numbers)). What can't be opened is counted and left out."""

    def __init__(self, keys: list[Row]) -> None:
        self._rows = keys
        self._keys: Keys | None = None

    def setup(self) -> None:
        self._keys = Keys(self._rows)  # once a worker: libsodium can't be sent to it

    def process(self, line: bytes) -> Iterator[tuple[str, Keyed]]:
        assert self._keys is not None
        try:
            report = self._keys.open(whole(line))
        except BadInput:
            beam.metrics.Metrics.counter("fleet", "left_out").inc()
            return
        yield report.id, (report.period, report.numbers)


class Sum(beam.CombineFn):  # type: ignore[misc]
    """Totals, as Beam combines them."""

    def create_accumulator(self) -> Totals:
        return Totals()

    def add_input(self, accumulator: Totals, element: list[int]) -> Totals:
        return accumulator.add(element)

    def merge_accumulators(self, accumulators: Iterable[Totals]) -> Totals:
        merged = Totals()
        for one in accumulators:
            merged.merge(one)
        return merged

    def extract_output(self, accumulator: Totals) -> Totals:
        return accumulator


def once(group: tuple[str, Iterable[Keyed]]) -> Iterator[Keyed]:
    """Of a report that came more than once, one. Of an id with different reports none (see opener.collect)."""
    different = {(period, tuple(numbers)) for period, numbers in group[1]}
    if len(different) == 1:
        period, numbers = different.pop()
        yield period, list(numbers)


def build(lines: object, keys: list[Row], batch_min: int) -> object:
    """Lines of JSON → rows of text, one a period and column."""
    return (
        lines
        | "open" >> beam.ParDo(Open(keys))
        | "by id" >> beam.GroupByKey()
        | "once" >> beam.FlatMap(once)
        | "sum" >> beam.CombinePerKey(Sum())
        | "enough" >> beam.Filter(lambda found: found[1].count >= batch_min)
        | "rows" >> beam.FlatMap(lambda found: found[1].rows(found[0]))
        | "text" >> beam.Map(lambda row: json.dumps(row, sort_keys=True))
    )


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Opens and adds up sealed reports with Apache Beam.")
    parser.add_argument("keys")
    parser.add_argument("files", help="a pattern, on any file system that Beam knows")
    parser.add_argument("output", help="prefix of the files to write")
    parser.add_argument("--smallest", type=int, default=BATCH_MIN)
    options, others = parser.parse_known_args(words)
    with open(options.keys) as file:
        keys = json.load(file)
    with beam.Pipeline(options=PipelineOptions(others)) as pipeline:
        lines = pipeline | "read" >> beam.io.ReadFromText(options.files, coder=BytesCoder())
        build(lines, keys, options.smallest) | "write" >> beam.io.WriteToText(options.output, ".jsonl")
    return 0


if __name__ == "__main__":
    sys.exit(main())
