"""Names as somebody types them on the command line."""

from agent.cli.trouble import Trouble
from agent.core.model import BadInput
from agent.platform.idna import to_ascii


def in_ascii(text: str) -> str:
    """A name or a URL with its host as DNS knows it: letters of any script as A-labels."""
    scheme, colon, rest = text.rpartition("://")
    host, slash, path = rest.partition("/")
    try:
        return scheme + colon + to_ascii(host) + slash + path
    except BadInput as error:
        raise Trouble(str(error)) from error
