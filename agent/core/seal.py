"""HPKE in base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305.

The schedule is here; the primitives are handed in. Whoever has the public key can seal, only the secret key's holder
can open, and the sender keeps nothing that could.
"""

from agent.core.model import BadInput, Value
from agent.core.shapes import OpenWith, PublicOf, SealWith, Sha256, SharedSecret

KEM = b"KEM\x00\x20"
SUITE = b"HPKE\x00\x20\x00\x01\x00\x03"
VERSION = b"HPKE-v1"
BASE = b"\x00"
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
BLOCK_BYTES = 64  # of SHA-256, for HMAC (RFC 2104)


class Primitives:
    """`sha256(data)`, `x25519(secret, public)`, `public_of(secret)`, `encrypt(key, nonce, aad, plain)` and
    `decrypt(key, nonce, aad, sealed)`, which gives None when it does not fit. All on bytes."""

    def __init__(
        self, sha256: Sha256, x25519: SharedSecret, public_of: PublicOf, encrypt: SealWith, decrypt: OpenWith
    ) -> None:
        self.sha256 = sha256
        self.x25519 = x25519
        self.public_of = public_of
        self.encrypt = encrypt
        self.decrypt = decrypt

    def hmac(self, key: bytes, data: bytes) -> bytes:
        if len(key) > BLOCK_BYTES:
            key = self.sha256(key)
        key = key + bytes(BLOCK_BYTES - len(key))
        inner = self.sha256(bytes([byte ^ 0x36 for byte in key]) + data)
        return bytes(self.sha256(bytes([byte ^ 0x5C for byte in key]) + inner))

    def extract(self, suite: bytes, salt: bytes, label: bytes, key: bytes) -> bytes:
        """LabeledExtract (RFC 9180, section 4)."""
        return self.hmac(salt, VERSION + suite + label + key)

    def expand(self, suite: bytes, secret: bytes, label: bytes, info: bytes, size: int) -> bytes:
        """LabeledExpand (RFC 9180, section 4; the loop is RFC 5869, section 2.3)."""
        labelled = bytes([size >> 8, size & 255]) + VERSION + suite + label + info
        found, block, number = b"", b"", 0
        while len(found) < size:
            number += 1
            block = self.hmac(secret, block + labelled + bytes([number]))
            found += block
        return found[:size]

    def derive(self, salt: bytes, secret: bytes, info: bytes) -> bytes:
        """HKDF-SHA256 (RFC 5869): 32 bytes."""
        return self.hmac(self.hmac(salt, secret), info + b"\1")

    def agree(self, secret: bytes, public: bytes) -> bytes:
        """X25519; BadInput for a public key that gives the same secret with everybody (RFC 9180, section 7.1.4)."""
        if len(public) != KEY_BYTES or len(secret) != KEY_BYTES:
            raise BadInput("a key has 32 bytes")
        shared = self.x25519(secret, public)
        if shared is None or shared == bytes(KEY_BYTES):
            raise BadInput("that public key is of no use: it agrees on the same secret with everybody")
        return bytes(shared)


class Context(Value):
    """What both sides have after the set-up: to seal and open messages 0, 1, 2 …"""

    __slots__ = ("key", "base_nonce", "exporter")

    def __init__(self, key: bytes, base_nonce: bytes, exporter: bytes) -> None:
        self.key = key
        self.base_nonce = base_nonce
        self.exporter = exporter

    def nonce(self, number: int) -> bytes:
        counted = number.to_bytes(NONCE_BYTES, "big")
        return bytes([a ^ b for a, b in zip(self.base_nonce, counted)])


def derive_secret(primitives: Primitives, material: bytes) -> bytes:
    """The secret key that 32 random bytes become: DeriveKeyPair (RFC 9180, section 7.1.3)."""
    extracted = primitives.extract(KEM, b"", b"dkp_prk", material)
    return primitives.expand(KEM, extracted, b"sk", b"", KEY_BYTES)


def shared_secret(primitives: Primitives, agreed: bytes, enc: bytes, recipient: bytes) -> bytes:
    """ExtractAndExpand (RFC 9180, section 4.1)."""
    extracted = primitives.extract(KEM, b"", b"eae_prk", agreed)
    return primitives.expand(KEM, extracted, b"shared_secret", enc + recipient, KEY_BYTES)


def schedule(primitives: Primitives, shared: bytes, info: bytes) -> Context:
    """KeySchedule in base mode: no pre-shared key (RFC 9180, section 5.1)."""
    hashes = primitives.extract(SUITE, b"", b"psk_id_hash", b"") + primitives.extract(SUITE, b"", b"info_hash", info)
    secret = primitives.extract(SUITE, shared, b"secret", b"")
    sizes = ((b"key", KEY_BYTES), (b"base_nonce", NONCE_BYTES), (b"exp", KEY_BYTES))
    key, nonce, exporter = [primitives.expand(SUITE, secret, name, BASE + hashes, size) for name, size in sizes]
    return Context(key, nonce, exporter)


def set_up_sender(primitives: Primitives, recipient: bytes, material: bytes, info: bytes) -> tuple[bytes, Context]:
    """(enc, context) for the holder of `recipient`'s secret; `material` is 32 fresh random bytes."""
    ephemeral = derive_secret(primitives, material)
    enc = bytes(primitives.public_of(ephemeral))
    shared = shared_secret(primitives, primitives.agree(ephemeral, recipient), enc, recipient)
    return enc, schedule(primitives, shared, info)


def set_up_receiver(primitives: Primitives, secret: bytes, enc: bytes, info: bytes) -> Context:
    public = bytes(primitives.public_of(secret))
    return schedule(primitives, shared_secret(primitives, primitives.agree(secret, enc), enc, public), info)


def seal(
    primitives: Primitives, recipient: bytes, material: bytes, info: bytes, aad: bytes, plain: bytes
) -> tuple[bytes, bytes]:
    """(enc, sealed) of one message; `sealed` is 16 bytes longer than `plain`."""
    enc, context = set_up_sender(primitives, recipient, material, info)
    return enc, bytes(primitives.encrypt(context.key, context.nonce(0), aad, plain))


def open_sealed(primitives: Primitives, secret: bytes, enc: bytes, info: bytes, aad: bytes, sealed: bytes) -> bytes:
    """The message; BadInput when key, info, aad or a single bit of it does not fit."""
    context = set_up_receiver(primitives, secret, enc, info)
    plain = primitives.decrypt(context.key, context.nonce(0), aad, sealed)
    if plain is None:
        raise BadInput("it can't be opened: another key, or it was changed")
    return bytes(plain)


def export(primitives: Primitives, context: Context, label: bytes, size: int) -> bytes:
    """Export (RFC 9180, section 5.3)."""
    return primitives.expand(SUITE, context.exporter, b"sec", label, size)
