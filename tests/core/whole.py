"""What tests read as a whole, and the agent piece by piece."""

from agent.core.model import BadInput, Value
from agent.core.names import LABEL_MAX, NAME_MAX, canonical
from agent.core.rules import LineParser
from agent.core.sniffed_request import SniffedRequest, read


def from_wire(wire: bytes) -> bytes:
    """The canonical name of an uncompressed wire name that fills `wire` exactly."""
    raw = []
    at = 0
    while at < len(wire) and wire[at]:
        if wire[at] > LABEL_MAX:
            raise BadInput("a label is longer than 63 bytes or compressed")
        raw.append(wire[at + 1 : at + 1 + wire[at]])
        at += 1 + wire[at]
    if at != len(wire) - 1 or at > NAME_MAX + 1:
        raise BadInput("a wire name does not end where its bytes end, or is longer than 255 bytes")
    return canonical(raw)


def parse_line(line: bytes, syntax: str) -> list[Value]:
    """The values of one line that stands for itself."""
    return LineParser(syntax).read(line)


def read_all(data: bytes) -> list[SniffedRequest]:
    """The requests that stand one behind the other, as far as they can be told apart."""
    found: list[SniffedRequest] = []
    while data:
        try:
            request = read(data)
        except BadInput:
            if not found:
                raise
            break
        if request is None:
            break
        found.append(request)
        if request.size is None:
            break
        data = data[request.size :].lstrip(b"\r\n")
    return found
