"""Time-based one-time codes (RFC 6238: SHA-1, 30 seconds, six digits), base32 (RFC 4648), recovery codes."""

STEP_S = 30
DIGITS = 6
# One step to either side: a phone and a router differ by some seconds.
WINDOW = 1
SECRET_BYTES = 20
RECOVERY_CODES = 8
RECOVERY_BYTES = 7
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BLOCK = 64


def hmac_sha1(key: bytes, message: bytes) -> bytes:
    """RFC 2104 with SHA-1; keys up to 64 bytes."""
    import hashlib  # here: OpenSSL's takes memory that most pages never need

    key = key + b"\0" * (_BLOCK - len(key))
    inner = hashlib.sha1(bytes(byte ^ 0x36 for byte in key) + message).digest()
    return hashlib.sha1(bytes(byte ^ 0x5C for byte in key) + inner).digest()


def code(secret: bytes, step: int) -> str:
    """The code of a step (RFC 4226 section 5.3)."""
    digest = hmac_sha1(secret, step.to_bytes(8, "big"))
    at = digest[19] & 15
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def matching_step(secret: bytes, given: str, now: int, last_step: int) -> int | None:
    """The step whose code was given, later than the last one used (no replay), or None."""
    present = now // STEP_S
    found = None
    for step in range(present - WINDOW, present + WINDOW + 1):
        # No early end: the time must not say which step matched.
        if step > last_step and _same(code(secret, step), given):
            found = step
    return found


def _same(one: str, other: str) -> bool:
    difference = len(one) ^ len(other)
    for left, right in zip(one, other, strict=False):
        difference |= ord(left) ^ ord(right)
    return difference == 0


def base32(data: bytes) -> str:
    """RFC 4648 section 6 without padding."""
    bits = int.from_bytes(data, "big") << (-len(data) * 8 % 5)
    count = (len(data) * 8 + 4) // 5
    return "".join(_ALPHABET[bits >> 5 * (count - 1 - at) & 31] for at in range(count))


def recovery_code(random: bytes) -> str:
    """Seven random bytes → "ABCD-EFGH-IJKL"."""
    text = base32(random)
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def as_printed(typed: str) -> str:
    """A code as it was typed: six digits, or a recovery code, with or without its dashes and in any letters."""
    text = typed.replace(" ", "").replace("-", "").upper()
    return text if len(text) == 6 and text.isdecimal() else "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def uri(secret: bytes, name: str) -> str:
    """The otpauth address that authenticator apps take."""
    return f"otpauth://totp/{name}?secret={base32(secret)}&issuer=privacy-agent"
