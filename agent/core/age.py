"""The age format, version 1 (age-encryption.org/v1), for X25519 recipients: any age program opens what is sealed here.

The format is here; the primitives are handed in (see `seal.Primitives`). Whoever seals keeps nothing that could open.
"""

import binascii

from agent.core import bech32
from agent.core.model import BadInput
from agent.core.seal import KEY_BYTES, NONCE_BYTES, TAG_BYTES, Primitives
from agent.core.shapes import Lines, Pieces

RECIPIENT, IDENTITY = "age", "age-secret-key-"  # prefixes of keys in text
FILE_KEY_BYTES = 16
RANDOM_BYTES = FILE_KEY_BYTES + KEY_BYTES + 16  # a file key, a secret key for its stanza, the payload's salt
CHUNK_BYTES = 65536
_VERSION = b"age-encryption.org/v1"
_KIND = b"X25519"
_LABEL = _VERSION + b"/" + _KIND
_SALT_BYTES = 16
_MAC_BYTES = 32
_LINE = 64  # characters of a line of base64
_STANZAS_MAX = 1000  # recipients of one file; each costs a multiplication


def recipient(text: str) -> bytes:
    """The public key of "age1…"; BadInput for anything else, also a key that agrees with everybody."""
    key = bech32.decode(RECIPIENT, text)
    if len(key) != KEY_BYTES:
        raise BadInput("a key begins with age1 and has 62 characters")
    return key


def identity(text: str) -> bytes:
    """The secret key of "AGE-SECRET-KEY-1…"."""
    key = bech32.decode(IDENTITY, text)
    if len(key) != KEY_BYTES:
        raise BadInput("a secret key begins with AGE-SECRET-KEY-1 and has 74 characters")
    return key


def encrypt(primitives: Primitives, recipients: list[bytes], random: bytes, plain: bytes) -> bytes:
    """The file for the holders of these public keys; `random` are RANDOM_BYTES fresh random bytes for the first and
    KEY_BYTES more for each further one.
    """
    chunks = [plain[at : at + CHUNK_BYTES] for at in range(0, len(plain), CHUNK_BYTES)]
    return b"".join(encrypted(primitives, recipients, random, chunks))


def encrypted(primitives: Primitives, recipients: list[bytes], random: bytes, chunks: Lines) -> Pieces:
    """The same in pieces, of a text in chunks of CHUNK_BYTES, of which the last one may be shorter."""
    if len(random) != RANDOM_BYTES + KEY_BYTES * (len(recipients) - 1) or not recipients:
        raise ValueError("a file has a recipient, and its random bytes")
    file_key, salt, secrets = random[:FILE_KEY_BYTES], random[FILE_KEY_BYTES:][:_SALT_BYTES], random[32:]
    header = _VERSION + b"\n"
    for at, public in enumerate(recipients):
        header += _stanza(primitives, public, secrets[KEY_BYTES * at :][:KEY_BYTES], file_key)
    header += b"---"
    mac = primitives.hmac(primitives.derive(b"", file_key, b"header"), header)
    yield header + b" " + _base64(mac) + b"\n" + salt
    key = primitives.derive(salt, file_key, b"payload")
    number, held = 0, b""
    for chunk in chunks:
        if held:
            yield primitives.encrypt(key, _nonce(number, False), b"", held)
            number += 1
        held = chunk
    yield primitives.encrypt(key, _nonce(number, True), b"", held)


def _stanza(primitives: Primitives, public: bytes, secret: bytes, file_key: bytes) -> bytes:
    share = primitives.public_of(secret)
    wrapped = primitives.encrypt(_wrapping(primitives, secret, share, public), bytes(NONCE_BYTES), b"", file_key)
    return b"-> " + _KIND + b" " + _base64(share) + b"\n" + _base64(wrapped) + b"\n"


def _wrapping(primitives: Primitives, secret: bytes, share: bytes, public: bytes, theirs: bytes | None = None) -> bytes:
    agreed = primitives.agree(secret, public if theirs is None else theirs)
    return primitives.derive(share + public, agreed, _LABEL)


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(NONCE_BYTES - 1, "big") + (b"\1" if last else b"\0")


def decrypt(primitives: Primitives, secret: bytes, sealed: bytes) -> bytes:
    """What was sealed for that secret key's public key; BadInput where a byte is not as the format has it."""
    header = _Header(sealed)
    file_key = _file_key(primitives, secret, header.stanzas)
    if primitives.hmac(primitives.derive(b"", file_key, b"header"), header.signed) != header.mac:
        raise BadInput("the file was changed")
    payload = sealed[header.end :]
    if len(payload) < _SALT_BYTES + TAG_BYTES:
        raise BadInput("the file is cut short")
    key = primitives.derive(payload[:_SALT_BYTES], file_key, b"payload")
    return _opened(primitives, key, payload[_SALT_BYTES:])


def _file_key(primitives: Primitives, secret: bytes, stanzas: "list[tuple[list[bytes], bytes]]") -> bytes:
    public = primitives.public_of(secret)
    found = None
    for words, body in stanzas:
        if words[0] == b"scrypt" and len(stanzas) > 1:
            raise BadInput("a file for a passphrase has no other recipient")
        if words[0] != _KIND or found is not None:
            continue
        share = _bytes(words[1]) if len(words) == 2 else b""
        if len(share) != KEY_BYTES or len(body) != FILE_KEY_BYTES + TAG_BYTES:
            raise BadInput("a recipient of the file is broken")
        key = _wrapping(primitives, secret, share, public, share)
        found = primitives.decrypt(key, bytes(NONCE_BYTES), b"", body)
    if found is None:
        raise BadInput("the file is not for this key")
    return bytes(found)


def _opened(primitives: Primitives, key: bytes, sealed: bytes) -> bytes:
    size = CHUNK_BYTES + TAG_BYTES
    plain = []
    for number, at in enumerate(range(0, len(sealed), size)):
        last = at + size >= len(sealed)
        chunk = primitives.decrypt(key, _nonce(number, last), b"", sealed[at : at + size])
        if chunk is None or (not chunk and number):
            raise BadInput("the file was changed or cut short")
        plain.append(bytes(chunk))
    return b"".join(plain)


class _Header:
    """`stanzas` are (words, body) each, `signed` is what `mac` covers, `end` where the payload begins."""

    def __init__(self, sealed: bytes) -> None:
        self._sealed = sealed
        self.end = 0
        if self._line() != _VERSION:
            raise BadInput("this is no age file of version 1")
        self.stanzas = []  # type: list[tuple[list[bytes], bytes]]
        while True:
            begin = self.end
            line = self._line()
            if line.startswith(b"---"):
                break
            self.stanzas.append(self._stanza(line))
            if len(self.stanzas) > _STANZAS_MAX:
                raise BadInput("the file has too many recipients")
        self.signed = sealed[: begin + 3]
        self.mac = _bytes(line[4:])
        if line[3:4] != b" " or len(self.mac) != _MAC_BYTES or not self.stanzas:
            raise BadInput("the head of the file is broken")

    def _line(self) -> bytes:
        at = self._sealed.find(b"\n", self.end)
        if at < 0:
            raise BadInput("the head of the file is cut short")
        line = self._sealed[self.end : at]
        self.end = at + 1
        return line

    def _stanza(self, line: bytes) -> "tuple[list[bytes], bytes]":
        words = line[3:].split(b" ")
        if line[:3] != b"-> " or b"" in words or [byte for byte in line if not 32 <= byte < 127]:
            raise BadInput("a recipient of the file is broken")
        text = b""
        while True:
            piece = self._line()
            text += piece
            if len(piece) > _LINE:
                raise BadInput("a line of the file's head is too long")
            if len(piece) < _LINE:
                return words, _bytes(text)


def _base64(data: bytes) -> bytes:
    return binascii.b2a_base64(data).rstrip(b"\n=")


def _bytes(text: bytes) -> bytes:
    """Of base64 without padding, in its one canonical form."""
    try:
        data = binascii.a2b_base64(text + b"=" * (-len(text) % 4))
    except ValueError as error:
        raise BadInput("what should be base64 is not") from error
    if _base64(data) != text:
        raise BadInput("base64 is not in its canonical form")
    return data
