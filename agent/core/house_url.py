"""An address inside the house that may be told of something: http, by an address of a private network, never by name.

RFC 1918, RFC 4193 (fc00::/7), RFC 3927 (169.254/16). A name could lead anywhere, and change.
"""

from agent.core.addresses import parse, parse_endpoint, show
from agent.core.model import BadInput, Value

PORT = 80
LENGTH_MAX = 300
WHAT = "must be http://ADDRESS[:PORT]/… with an address of the home network, such as 192.168.1.5, or empty"


class HouseUrl(Value):
    """`host` is a numeric address, `authority` as in a URL."""

    __slots__ = ("host", "port", "authority", "path")

    def __init__(self, host: str, port: int, authority: str, path: str) -> None:
        self.host = host
        self.port = port
        self.authority = authority
        self.path = path


def read(text: str) -> HouseUrl:
    """BadInput for anything that is not inside the house."""
    if len(text) > LENGTH_MAX or text[:7] != "http://" or any([not "!" <= letter <= "~" for letter in text]):
        raise BadInput(WHAT)
    authority, _, path = text[7:].partition("/")
    if "@" in authority or "?" in authority or "#" in text:
        raise BadInput(WHAT)
    try:
        host, port = parse_endpoint(authority, PORT)
        packed = parse(host)
    except BadInput as error:
        raise BadInput(WHAT) from error
    if not is_inside(packed) or not 0 < port < 65536:
        raise BadInput(WHAT)
    return HouseUrl(show(packed), port, authority, "/" + path)


def is_inside(packed: bytes) -> bool:
    """Whether an address is of a private network."""
    if len(packed) == 16:
        return packed[0] & 0xFE == 0xFC
    first, second = packed[0], packed[1]
    return first == 10 or (first, second) in ((192, 168), (169, 254)) or (first == 172 and 16 <= second < 32)
