"""Who receives reports: the operator's particulars as the household is shown them, and the terms that are agreed to."""

import binascii

from agent.core.features import NOTICE_VERSION
from agent.core.model import BadInput, Sentence
from agent.core.seal import KEY_BYTES
from agent.core.shapes import Sha256
from agent.core.summary import SCHEMA

# Field → (its longest, what it is).
TEXTS = (
    ("name", 100, "who receives the reports"),
    ("contact", 200, "where they can be reached"),
    ("country", 2, "two letters: whose law they are under"),
    ("purpose", 500, "what the reports are for"),
    ("retention", 200, "for how long they are kept"),
    ("address", 300, "https address that reports are sent to"),
    ("key", 64, "public key (X25519) that reports are sealed to, in hexadecimal"),
)
AUTHORITY_MAX = 16_384
PEM, PEM_END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
KEY_USAGE = b"\x06\x03\x55\x1d\x0f"  # its object identifier in DER (RFC 5280, section 4.2.1.3)
NO_USAGE = (
    "the operator's authority does not say what its key is for, and newer systems refuse such a root: "
    "ask the operator for one made with keyUsage=critical,keyCertSign,cRLSign"
)
SEEN = (
    "The operator sees the IP address that a report comes from, and when. Reports that were sent can't be recalled: "
    "they carry nothing by which yours could be told apart."
)
Row = dict[str, object]


def check(given: object) -> Row:
    """The particulars in their canonical form; "authority" is a pinned root in PEM, "" for the system's. BadInput."""
    if not isinstance(given, dict):
        raise BadInput(Sentence("the operator must be an object with {}", ", ".join([name for name, _, _ in TEXTS])))
    known = [name for name, _, _ in TEXTS] + ["authority"]
    for name in sorted(given):
        if name not in known:
            raise BadInput(Sentence("the operator has no {}; there are: {}", repr(name), ", ".join(known)))
    found: Row = {}
    for name, limit, what in TEXTS:
        found[name] = _text(given.get(name), name, limit, what)
    country, key, address = str(found["country"]), str(found["key"]).lower(), str(found["address"])
    if len(country) != 2 or not country.isalpha() or country != country.upper():
        raise BadInput("the operator's country must be two capital letters, as in DE")
    if len(key) != 2 * KEY_BYTES or [digit for digit in key if digit not in "0123456789abcdef"]:
        raise BadInput("the operator's key must be 32 bytes in hexadecimal")
    host = address[8:].split("/")[0]
    if not address.startswith("https://") or not host or "@" in host or " " in address or "#" in address:
        raise BadInput("the operator's address must be plain https")
    found["key"] = key
    found["authority"] = _authority(given.get("authority") or "")
    return found


def _authority(given: object) -> str:
    """Roots in PEM, of which each says what its key is for."""
    if not isinstance(given, str) or len(given) > AUTHORITY_MAX or (given and PEM not in given):
        raise BadInput("the operator's authority must be a root certificate in PEM")
    for block in given.split(PEM)[1:]:
        try:
            der = binascii.a2b_base64(block.split(PEM_END)[0].strip().encode())
        except ValueError as error:
            raise BadInput("the operator's authority must be a root certificate in PEM") from error
        if KEY_USAGE not in der:
            raise BadInput(NO_USAGE)
    return given


def _text(value: object, name: str, limit: int, what: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value.strip()) > limit:
        raise BadInput(Sentence("the operator's {} is missing or longer than {}: {}", name, limit, what))
    if [letter for letter in value if letter < " "]:
        raise BadInput(Sentence("the operator's {} must be one line", name))
    return value.strip()


def terms(operator: Row, epsilon: int, lifetime: int, sha256: Sha256) -> str:
    """A short word for all that is agreed to: any change of operator, key, schema, notice or noise makes another."""
    fields = [str(operator[name]) for name, _, _ in TEXTS]
    fields += [str(operator["authority"]), str(epsilon), str(lifetime), str(SCHEMA), str(NOTICE_VERSION)]
    parts = []
    for field in fields:
        data = field.encode()
        parts.append(str(len(data)).encode() + b":" + data + b",")
    return bytes(sha256(b"".join(parts)))[:8].hex()
