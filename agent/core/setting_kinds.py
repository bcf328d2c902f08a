"""The kinds of values that a setting can have: what each takes, and how a word of the command line becomes one."""

from agent.core.addresses import parse_endpoint, show_endpoint
from agent.core.digits import whole
from agent.core.house_url import read as read_house_url
from agent.core.model import BadInput, Sentence

PATH = "path"  # absolute
NAME = "name"  # a word without spaces, may be empty
FLAG = "flag"
NUMBER = "number"  # limits: lowest and highest
CHOICE = "choice"  # limits: the words
NAMES = "names"  # a list of words
LISTENERS = "listeners"  # a list of address:port
SERVERS = "servers"  # a list of address[:port]
PEOPLE = "people"  # a list of names of people
HOUSE_URL = "house_url"  # an address inside the house, may be empty
BITS = "bits"  # a mask of 32 bits, in hexadecimal

DNS_PORT = 53
PEOPLE_MAX, PERSON_MAX = 8, 40  # a household's adults; a name

_FLAG_WORDS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "enabled": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
    "disabled": False,
}


def value_of(kind: str, word: str) -> object:
    """The value of that kind that a word means; where it means none, the word itself, for the check to refuse."""
    number = whole(word) if kind == NUMBER else None
    if number is not None:
        return number
    if kind == FLAG and word in _FLAG_WORDS:
        return _FLAG_WORDS[word]
    if kind in (NAMES, LISTENERS, SERVERS, PEOPLE):
        return [item.strip() for item in word.split(",") if item.strip()]
    return word


def _path(value: object, _limits: tuple[object, ...]) -> str:
    if not isinstance(value, str) or not value.startswith("/") or "\0" in value:
        raise BadInput(Sentence("must be an absolute path, not {}", repr(value)))
    return value.rstrip("/") or "/"


def _name(value: object, _limits: tuple[object, ...]) -> str:
    if not isinstance(value, str) or any(letter <= " " or letter == "/" for letter in value):
        raise BadInput(Sentence("must be a word without spaces, not {}", repr(value)))
    return value


def _flag(value: object, _limits: tuple[object, ...]) -> bool:
    if value is not True and value is not False:
        raise BadInput(Sentence("must be true or false, not {}", repr(value)))
    return value is True


def _number(value: object, limits: tuple[object, ...]) -> int:
    lowest, highest = [int(str(limit)) for limit in limits]
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        raise BadInput(Sentence("must be a whole number from {} to {}, not {}", lowest, highest, repr(value)))
    return value


def _choice(value: object, limits: tuple[object, ...]) -> str:
    if not isinstance(value, str) or value not in limits:
        words = ", ".join([str(word) for word in limits])
        raise BadInput(Sentence("must be one of {}, not {}", words, repr(value)))
    return value


def _items(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadInput(Sentence("must be a list of texts, not {}", repr(value)))
    return value


def _names(value: object, limits: tuple[object, ...]) -> list[str]:
    return [_name(item, limits) for item in _items(value)]


def _people(value: object, _limits: tuple[object, ...]) -> list[str]:
    names = [item.strip() for item in _items(value)]
    fit = [0 < len(name) <= PERSON_MAX and not any(letter < " " or letter == "," for letter in name) for name in names]
    if len(names) > PEOPLE_MAX or not all(fit):
        raise BadInput(Sentence("must be at most {} names of up to {} characters each", PEOPLE_MAX, PERSON_MAX))
    return names


def _listeners(value: object, _limits: tuple[object, ...]) -> list[str]:
    return [show_endpoint(*parse_endpoint(item)) for item in _items(value)]


def _servers(value: object, _limits: tuple[object, ...]) -> list[str]:
    return [show_endpoint(*parse_endpoint(item, DNS_PORT)) for item in _items(value)]


def _house_url(value: object, _limits: tuple[object, ...]) -> str:
    if value != "":
        read_house_url(value if isinstance(value, str) else "")
    return str(value)


def _bits(value: object, _limits: tuple[object, ...]) -> str:
    digits = value.lower()[2:] if isinstance(value, str) and value[:2] == "0x" else ""
    if not 1 <= len(digits) <= 8 or not all(digit in "0123456789abcdef" for digit in digits):
        raise BadInput(
            Sentence("must be a number of up to eight hexadecimal digits like 0xc000c000, not {}", repr(value))
        )
    return "0x%08x" % int(digits, 16)


CHECKS = {
    PATH: _path,
    NAME: _name,
    FLAG: _flag,
    NUMBER: _number,
    CHOICE: _choice,
    NAMES: _names,
    PEOPLE: _people,
    LISTENERS: _listeners,
    SERVERS: _servers,
    HOUSE_URL: _house_url,
    BITS: _bits,
}
