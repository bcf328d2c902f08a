"""Signs a feed's index as OpenWrt's usign does, so that opkg and usign accept it. Ed25519 is libsodium's.

File format (usign's main.c): one comment line, then base64 of a packed structure. Public key: "Ed", 8 bytes
fingerprint, 32 bytes key. Secret key: "Ed", "BK", 4 bytes of zero (no password), 16 bytes salt, 8 bytes checksum
(SHA-512 of the key), fingerprint, 64 bytes key. Signature: "Ed", fingerprint, 64 bytes.
"""

import base64
import ctypes
import hashlib
import os
from pathlib import Path

ALGORITHM = b"Ed"
KDF = b"BK"
NO_PASSWORD = bytes(4)
SALT_SIZE = 16
FINGERPRINT_SIZE = 8
PUBLIC_SIZE = 32
SECRET_SIZE = 64
SIGNATURE_SIZE = 64
LIBRARIES = ("libsodium.so.23", "libsodium.so.26", "libsodium.so")


class BadKey(Exception):
    """A key or signature file is not what it should be."""


class SecretKey:
    __slots__ = ("fingerprint", "key")

    def __init__(self, fingerprint: bytes, key: bytes) -> None:
        self.fingerprint = fingerprint
        self.key = key

    @property
    def public(self) -> bytes:
        return self.key[PUBLIC_SIZE:]


def sodium() -> ctypes.CDLL:
    for name in LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.sodium_init()
        return library
    raise BadKey("libsodium is not installed: the Debian package is libsodium23")


def generate() -> SecretKey:
    public = ctypes.create_string_buffer(PUBLIC_SIZE)
    secret = ctypes.create_string_buffer(SECRET_SIZE)
    sodium().crypto_sign_ed25519_keypair(public, secret)
    return SecretKey(os.urandom(FINGERPRINT_SIZE), secret.raw)


def encode_secret(key: SecretKey) -> str:
    checksum = hashlib.sha512(key.key).digest()[:FINGERPRINT_SIZE]
    packed = ALGORITHM + KDF + NO_PASSWORD + os.urandom(SALT_SIZE) + checksum + key.fingerprint + key.key
    return _file("private key " + shown(key.fingerprint), packed)


def decode_secret(text: str) -> SecretKey:
    packed = _packed(text, 8 + SALT_SIZE + 2 * FINGERPRINT_SIZE + SECRET_SIZE)
    if packed[:4] != ALGORITHM + KDF or packed[4:8] != NO_PASSWORD:
        raise BadKey("not an Ed25519 secret key without password")
    rest = packed[8 + SALT_SIZE :]
    checksum, fingerprint, key = rest[:8], rest[8:16], rest[16:]
    if hashlib.sha512(key).digest()[:FINGERPRINT_SIZE] != checksum:
        raise BadKey("the secret key is damaged: its checksum is wrong")
    return SecretKey(fingerprint, key)


def encode_public(key: SecretKey) -> str:
    """The public key file; routers keep it as /etc/opkg/keys/FINGERPRINT."""
    return _file("public key " + shown(key.fingerprint), ALGORITHM + key.fingerprint + key.public)


def sign(message: bytes, key: SecretKey) -> str:
    signature = ctypes.create_string_buffer(SIGNATURE_SIZE)
    sodium().crypto_sign_ed25519_detached(signature, None, message, ctypes.c_ulonglong(len(message)), key.key)
    return _file("signed by key " + shown(key.fingerprint), ALGORITHM + key.fingerprint + signature.raw)


def verify(message: bytes, signature: str, public: str) -> bool:
    """Whether the signature is this key's over this message."""
    signed = _packed(signature, 2 + FINGERPRINT_SIZE + SIGNATURE_SIZE)
    key = _packed(public, 2 + FINGERPRINT_SIZE + PUBLIC_SIZE)
    if signed[:10] != key[:10] or key[:2] != ALGORITHM:
        return False
    check = sodium().crypto_sign_ed25519_verify_detached
    return bool(check(signed[10:], message, ctypes.c_ulonglong(len(message)), key[10:]) == 0)


def shown(fingerprint: bytes) -> str:
    """As usign prints it: a hexadecimal number, so without leading zeros. Also the name of the key's file."""
    return f"{int.from_bytes(fingerprint, 'big'):x}"


def _file(comment: str, packed: bytes) -> str:
    return f"untrusted comment: {comment}\n{base64.b64encode(packed).decode()}\n"


def _packed(text: str, size: int) -> bytes:
    lines = text.splitlines()
    if len(lines) < 2 or not lines[0].startswith("untrusted comment:"):
        raise BadKey("not a usign file")
    try:
        packed = base64.b64decode(lines[1], validate=True)
    except ValueError as error:
        raise BadKey("not a usign file: its second line is not base64") from error
    if len(packed) != size:
        raise BadKey(f"{len(packed)} bytes where {size} are expected: another kind of usign file")
    return packed


def load_or_make(path: Path) -> SecretKey:
    """The feed's key: read from `path`, or made there (mode 0600) with its public half beside it."""
    if path.exists():
        return decode_secret(path.read_text())
    key = generate()
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(encode_secret(key))
    path.with_suffix(".pub").write_text(encode_public(key))
    return key
