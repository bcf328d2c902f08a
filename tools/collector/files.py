"""Files of sealed reports: one line of JSON a report, as the receiver writes them and whatever brings them along."""

from collections.abc import Iterator
from pathlib import Path

from agent.core.envelope import BODY_BYTES

LINE_MAX = 2 * BODY_BYTES  # a longer line is no report; it is not read into memory


def whole(line: bytes) -> bytes:
    """A line as it was sent: what reads lines takes their end away, and some take the blanks before it as well."""
    return line.rstrip(b" \r\n").ljust(BODY_BYTES - 1) + b"\n"


def lines_of(path: Path) -> Iterator[bytes]:
    """Each line in its constant size. One that is too long to be a report comes cut off. OSError."""
    with path.open("rb") as file:
        while line := file.readline(LINE_MAX):
            yield whole(line)
            while len(line) == LINE_MAX and not line.endswith(b"\n"):
                line = file.readline(LINE_MAX)
