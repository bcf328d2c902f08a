"""Lines of sealed reports → rows of totals and what was left out, as Apache Beam transforms (see fleet.py).

The graph holds the path of the secret keys and never the keys: each worker reads them at its set-up. All that moves
between workers is combined before it does.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from agent.core.model import BadInput
from agent.core.summary import EPOCH_S, WEEK_S, Answer, period_start
from tools.collector.files import whole
from tools.collector.opening import LATE, TOO_FEW, Copies, Keys, first_of
from tools.collector.totals import Totals

LEFT_OUT = "left out"
Named = tuple[int, str]  # a report: its period and id


class Open(beam.DoFn):
    """A line → ((period, id), answer), at the time from which on nothing of its period is taken any more."""

    def __init__(self, keys: str) -> None:
        self._path = keys
        self._keys: Keys | None = None

    def setup(self) -> None:
        with FileSystems.open(self._path) as file:
            self._keys = Keys(json.loads(file.read()))

    def process(self, line: bytes) -> Iterator[Any]:
        assert self._keys is not None
        try:
            report = self._keys.open(whole(line))
        except BadInput as error:
            yield TaggedOutput(LEFT_OUT, (str(error), 1))
            return
        closed = period_start(report.period + LATE)
        yield TimestampedValue(((report.period, report.id), report.answer), closed)


class Once(beam.CombineFn):
    """What came under one id. A million copies of it are one before they are moved."""

    def create_accumulator(self) -> Copies:
        return Copies()

    def add_input(self, accumulator: Copies, element: Answer) -> Copies:
        return accumulator.add(element)

    def merge_accumulators(self, accumulators: Iterable[Copies]) -> Copies:
        merged = Copies()
        for one in accumulators:
            merged.merge(one)
        return merged

    def extract_output(self, accumulator: Copies) -> Copies:
        return accumulator


class Sum(beam.CombineFn):
    """Totals, as Beam combines them."""

    def create_accumulator(self) -> Totals:
        return Totals()

    def add_input(self, accumulator: Totals, element: Answer) -> Totals:
        return accumulator.add(element)

    def merge_accumulators(self, accumulators: Iterable[Totals]) -> Totals:
        merged = Totals()
        for one in accumulators:
            merged.merge(one)
        return merged

    def extract_output(self, accumulator: Totals) -> Totals:
        return accumulator


def judged(found: tuple[Named, Copies]) -> Iterator[Any]:
    """Of an id the one report, or none."""
    (period, _), copies = found
    if copies.answer is not None:
        yield period, copies.answer
    for reason, count in copies.left_out().items():
        yield TaggedOutput(LEFT_OUT, (reason, count))


class Pool(Sum):
    """Totals of several periods."""

    def add_input(self, accumulator: Totals, element: Totals) -> Totals:  # type: ignore[override]  # Sum takes answers, this takes sums
        return accumulator.merge(element)


def enough(found: tuple[int, Totals], batch_min: int, weeks: int) -> Iterator[Any]:
    """What is told together with others, or too few to be told."""
    period, totals = found
    if totals.count < batch_min:
        yield TaggedOutput(LEFT_OUT, (TOO_FEW, totals.count))
    else:
        yield first_of(period, weeks), totals


def told(found: tuple[int, Totals], weeks: int) -> Iterator[Any]:
    """The rows as text, and what can't be told."""
    rows, untold = found[1].told(found[0], weeks)
    for row in rows:
        yield json.dumps(row, sort_keys=True)
    for reason, count in untold.items():
        yield TaggedOutput(LEFT_OUT, (reason, count))


def windows(weeks: int = 1) -> Any:
    """A window for so many periods, as many weeks long. By the time that `Open` gives a report it is closed when
    nothing of its periods is taken any more: from a stream, too, they are told once, with all that was late."""
    return beam.WindowInto(FixedWindows(weeks * WEEK_S, (LATE * WEEK_S - EPOCH_S) % (weeks * WEEK_S)))


def counted(lines: Any, keys: str, batch_min: int, weeks: int = 1) -> tuple[Any, Any]:
    """(rows of text, one a period and column; why how many lines were left out, as text)."""
    opened = lines | "open" >> beam.ParDo(Open(keys)).with_outputs(LEFT_OUT, main="opened")
    once = (
        opened.opened
        | "by period" >> windows()
        | "by id" >> beam.CombinePerKey(Once())
        | "once" >> beam.FlatMap(judged).with_outputs(LEFT_OUT, main="reports")
    )
    sums = (
        once.reports
        | "sum" >> beam.CombinePerKey(Sum())
        | "enough" >> beam.FlatMap(enough, batch_min, weeks).with_outputs(LEFT_OUT, main="totals")
    )
    rows = (
        sums.totals
        | "by periods" >> windows(weeks)
        | "together" >> beam.CombinePerKey(Pool())
        | "told" >> beam.FlatMap(told, weeks).with_outputs(LEFT_OUT, main="rows")
    )
    unread = (opened[LEFT_OUT], once[LEFT_OUT], sums[LEFT_OUT], rows[LEFT_OUT])
    left_out = (
        tuple(one | f"left out {number}" >> windows(weeks) for number, one in enumerate(unread))
        | "all left out" >> beam.Flatten()
        | "count left out" >> beam.CombinePerKey(sum)
        | "text of left out" >> beam.MapTuple(lambda reason, count: json.dumps({"reason": reason, "count": count}))
    )
    return rows.rows, left_out


def build(lines: Any, keys: str, batch_min: int) -> Any:
    """The rows alone."""
    return counted(lines, keys, batch_min)[0]
