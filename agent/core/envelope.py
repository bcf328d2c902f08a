"""A sealed report as it travels and is stored: one line of JSON in a constant number of bytes.

What stands outside the seal is what the receiver needs to know before it is opened, and what many households share:
schema, period, notice and key. The report's id is random. All of it is bound to the seal as associated data.
"""

import binascii

from agent.core import jsontext, seal, summary
from agent.core.model import BadInput, Value
from agent.core.shapes import Sha256

FORMAT = 1
INFO = b"privacy-agent summary 1"
BODY_BYTES = 2048  # 1,040 sealed bytes are 1,388 in base64, and the rest has some 230
KEY_ID_BYTES = 8
SEALED_BYTES = summary.PLAIN_BYTES + seal.TAG_BYTES
TEXTS = ("key", "id", "enc", "sealed")
NUMBERS = ("format", "schema", "notice", "period")
NUMBER_MAX = 1 << 31
DIGITS = "0123456789abcdef"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class Envelope(Value):
    """`key` is the short id of the public key, `enc` and `sealed` are bytes."""

    __slots__ = ("schema", "notice", "period", "key", "id", "enc", "sealed")

    def __init__(self, schema: int, notice: int, period: int, key: str, id: str, enc: bytes, sealed: bytes) -> None:
        self.schema = schema
        self.notice = notice
        self.period = period
        self.key = key
        self.id = id
        self.enc = enc
        self.sealed = sealed

    def aad(self) -> bytes:
        return associated(self.schema, self.notice, self.period, self.key, self.id)

    def body(self) -> bytes:
        """The line that is sent."""
        head = '{"format":%d,"schema":%d,"notice":%d,"period":%d' % (FORMAT, self.schema, self.notice, self.period)
        words = (self.key, self.id, _base64(self.enc), _base64(self.sealed))
        pairs = ['"' + name + '":"' + word + '"' for name, word in zip(TEXTS, words)]
        text = (head + "," + ",".join(pairs) + "}").encode()
        if len(text) >= BODY_BYTES:
            raise BadInput("a sealed report is too long")
        return text + b" " * (BODY_BYTES - 1 - len(text)) + b"\n"


def associated(schema: int, notice: int, period: int, key: str, report_id: str) -> bytes:
    """What is bound to the seal, each as a netstring."""
    parts = []
    for field in (FORMAT, schema, notice, period, key, report_id):
        data = str(field).encode()
        parts.append(str(len(data)).encode() + b":" + data + b",")
    return b"".join(parts)


def key_id(public: bytes, sha256: Sha256) -> str:
    return bytes(sha256(public)[:KEY_ID_BYTES]).hex()


def make(
    primitives: seal.Primitives, public: bytes, material: bytes, text: str, notice: int, period: int, report_id: str
) -> Envelope:
    """Seal a report's text for the operator; `material` is 32 fresh random bytes."""
    key = key_id(public, primitives.sha256)
    aad = associated(summary.SCHEMA, notice, period, key, report_id)
    enc, sealed = seal.seal(primitives, public, material, INFO, aad, summary.pad(text))
    return Envelope(summary.SCHEMA, notice, period, key, report_id, enc, sealed)


def parse(line: bytes) -> Envelope:
    """An envelope in exactly the form that `body` gives it; BadInput for all else."""
    if len(line) != BODY_BYTES:
        raise BadInput("a sealed report has %d bytes" % BODY_BYTES)
    try:
        found = jsontext.loads(line.decode())
    except (ValueError, UnicodeError, RuntimeError) as error:  # the last: nested too deeply
        raise BadInput("a sealed report is no JSON") from error
    fields = TEXTS + NUMBERS
    if not isinstance(found, dict) or len(found) != len(fields) or [name for name in fields if name not in found]:
        raise BadInput("a sealed report has other fields")
    numbers = [found[name] for name in NUMBERS]
    texts = [found[name] for name in TEXTS]
    if [n for n in numbers if not isinstance(n, int) or isinstance(n, bool) or not 0 <= n < NUMBER_MAX]:
        raise BadInput("a number of a sealed report can't be")
    if [text for text in texts if not isinstance(text, str)] or numbers[0] != FORMAT:
        raise BadInput("a sealed report is of another form")
    enc, sealed = _unbase64(texts[2], seal.KEY_BYTES), _unbase64(texts[3], SEALED_BYTES)
    envelope = Envelope(numbers[1], numbers[2], numbers[3], texts[0], texts[1], enc, sealed)
    named = _is_hex(texts[0], KEY_ID_BYTES) and _is_hex(texts[1], summary.ID_BYTES)
    if not named or envelope.body() != line:
        raise BadInput("a sealed report is of another form")
    return envelope


def open_envelope(primitives: seal.Primitives, secret: bytes, envelope: Envelope) -> summary.DecodedReport:
    """What was sealed; BadInput when it can't be opened or says otherwise than its envelope."""
    plain = seal.open_sealed(primitives, secret, envelope.enc, INFO, envelope.aad(), envelope.sealed)
    report = summary.read(plain)
    if (report.id, report.period) != (envelope.id, envelope.period):
        raise BadInput("a report says otherwise than its envelope")
    return report


def _is_hex(text: str, size: int) -> bool:
    return len(text) == 2 * size and not [one for one in text if one not in DIGITS]


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data).decode().strip()


def _unbase64(text: str, size: int) -> bytes:
    # Looked at before it is decoded: what a decoder makes of other letters differs from one to the next.
    letters = (size * 4 + 2) // 3
    good = len(text) == (size + 2) // 3 * 4 and text[letters:] == "=" * (len(text) - letters)
    if not good or [one for one in text[:letters] if one not in LETTERS]:
        raise BadInput("a sealed report is no base64")
    return binascii.a2b_base64(text.encode())
