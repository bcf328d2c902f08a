"""Bech32 (BIP 173) as age writes keys with it: a prefix, "1", 32 letters, and six more that find typing errors.

Without BIP 173's limit of 90 characters, as age has it; otherwise only the canonical form is read.
"""

from agent.core.model import BadInput, Sentence

_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECK = 6


def encode(prefix: str, data: bytes) -> str:
    """In lower case; the prefix has lower case letters."""
    values = _regrouped(list(data), 8, 5, True)
    check = _checksum(_spread(prefix) + values + [0] * _CHECK) ^ 1
    values += [check >> 5 * (_CHECK - 1 - at) & 31 for at in range(_CHECK)]
    return prefix + "1" + "".join([_LETTERS[value] for value in values])


def decode(prefix: str, text: str) -> bytes:
    """What a text with that prefix (lower case) stands for; BadInput for any other text. One case throughout."""
    if text not in (text.lower(), text.upper()):
        raise BadInput("a key is written in small letters or in capitals, not in both")
    text = text.lower()
    if not text.startswith(prefix + "1"):
        raise BadInput(Sentence("a key of this kind begins with {}1", prefix))
    values = [_LETTERS.find(letter) for letter in text[len(prefix) + 1 :]]
    if len(values) < _CHECK or -1 in values or _checksum(_spread(prefix) + values) != 1:
        raise BadInput("a letter of the key is wrong or missing: copy all of it")
    return bytes(_regrouped(values[:-_CHECK], 5, 8, False))


def _spread(prefix: str) -> list[int]:
    letters = prefix.encode()
    return [letter >> 5 for letter in letters] + [0] + [letter & 31 for letter in letters]


def _checksum(values: list[int]) -> int:
    found = 1
    for value in values:
        top = found >> 25
        found = (found & 0x1FFFFFF) << 5 ^ value
        for at, factor in enumerate(_GENERATOR):
            if top >> at & 1:
                found ^= factor
    return found


def _regrouped(values: list[int], size: int, into: int, padded: bool) -> list[int]:
    """Groups of `size` bits as groups of `into` bits."""
    found = []
    bits = held = 0
    for value in values:
        held = (held << size | value) & 0xFFF
        bits += size
        while bits >= into:
            bits -= into
            found.append(held >> bits & (1 << into) - 1)
    if padded and bits:
        found.append(held << into - bits & (1 << into) - 1)
    elif bits >= size or held & (1 << bits) - 1:
        raise BadInput("the key does not end where it must")
    return found
