"""Names as somebody types them on the command line."""

from agent.cli.errors import CliError
from agent.core.model import ALLOW, BLOCK, BadInput
from agent.platform.idna import to_ascii


def in_ascii(text: str) -> str:
    """A name or a URL with its host as DNS knows it: letters of any script as A-labels."""
    scheme, colon, rest = text.strip().partition("://")
    if not colon:
        scheme, rest = "", scheme
    host, slash, path = rest.partition("/")
    try:
        return scheme + colon + to_ascii(host) + slash + path
    except BadInput as error:
        raise CliError(str(error)) from error


def line_in_ascii(line: str) -> str:
    """A line of rules with its name so; where there is none, the daemon says what is wrong with it as it is."""
    words = line.split(None, 2)
    if line.isascii() or not words or words[0][0] == "#":
        return line
    name = words[1] if words[0] in (ALLOW, BLOCK) and words[1:] else words[0]
    try:
        return line.replace(name, to_ascii(name), 1)
    except BadInput:
        return line
