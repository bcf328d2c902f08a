"""libsodium's primitives against plain integers, and HPKE against an independent implementation, both ways."""

import os
import random

import pytest
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from agent.core import envelope, seal, summary
from agent.core.model import BadInput
from agent.platform import sodium
from agent.platform.hashing import sha256
from tests.core import pure
from tests.core import test_seal as rfc

SODIUM = sodium.load_sealing()
PRIMITIVES = seal.Primitives(sha256, SODIUM.x25519, SODIUM.public_of, SODIUM.encrypt, SODIUM.decrypt)
OTHERS = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.CHACHA20_POLY1305)


@pytest.fixture(autouse=True)
def with_sodium(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rfc, "PRIMITIVES", PRIMITIVES)


@pytest.mark.parametrize("name", [name for name in sorted(vars(rfc)) if name.startswith("test_")])
def test_the_vectors_pass_with_libsodium_as_well(name: str) -> None:
    getattr(rfc, name)()


def test_the_primitives_agree_with_plain_integers() -> None:
    chance = random.Random(1)
    for size in (0, 1, 63, 64, 65, 200):
        key, nonce, aad, plain = (chance.randbytes(n) for n in (32, 12, size % 21, size))
        sealed = SODIUM.encrypt(key, nonce, aad, plain)
        assert sealed == pure.encrypt(key, nonce, aad, plain)
        assert SODIUM.decrypt(key, nonce, aad, sealed) == plain
        assert SODIUM.decrypt(key, nonce, aad + b"x", sealed) is None
    for _ in range(5):
        secret, other = chance.randbytes(32), chance.randbytes(32)
        assert SODIUM.public_of(secret) == pure.public_of(secret)
        assert SODIUM.x25519(secret, SODIUM.public_of(other)) == pure.x25519(secret, pure.public_of(other))
    assert SODIUM.x25519(chance.randbytes(32), bytes(32)) is None


def test_wrong_sizes_never_reach_the_library() -> None:
    for call in (
        lambda: SODIUM.x25519(bytes(31), bytes(32)),
        lambda: SODIUM.public_of(b""),
        lambda: SODIUM.encrypt(bytes(32), bytes(11), b"", b""),
        lambda: SODIUM.decrypt(bytes(33), bytes(12), b"", bytes(16)),
    ):
        with pytest.raises(ValueError):
            call()


def test_another_implementation_opens_what_we_seal() -> None:
    for size in (0, 1, 1024):
        secret = seal.derive_secret(PRIMITIVES, os.urandom(32))
        enc, sealed = seal.seal(
            PRIMITIVES,
            PRIMITIVES.public_of(secret),
            os.urandom(32),
            b"info",
            b"aad",
            bytes(range(256)) * 4 if size == 1024 else bytes(size),
        )
        key = KEMKey.from_jwk(
            {"kty": "OKP", "crv": "X25519", "x": _url(PRIMITIVES.public_of(secret)), "d": _url(secret)}
        )
        assert len(OTHERS.create_recipient_context(enc, key, info=b"info").open(sealed, aad=b"aad")) == size


def test_we_open_what_another_implementation_seals() -> None:
    for size in (0, 1, 5000):
        secret = seal.derive_secret(PRIMITIVES, os.urandom(32))
        key = KEMKey.from_jwk({"kty": "OKP", "crv": "X25519", "x": _url(PRIMITIVES.public_of(secret))})
        enc, context = OTHERS.create_sender_context(key, info=b"info")
        plain = os.urandom(size)
        sealed = context.seal(plain, aad=b"aad")
        assert seal.open_sealed(PRIMITIVES, secret, enc, b"info", b"aad", sealed) == plain
        with pytest.raises(BadInput):
            seal.open_sealed(PRIMITIVES, secret, enc, b"other", b"aad", sealed)


def test_another_implementation_opens_a_whole_report() -> None:
    secret = seal.derive_secret(PRIMITIVES, os.urandom(32))
    text = summary.render(bytes(16), 2968, [0] * len(summary.columns()))
    made = envelope.make(PRIMITIVES, PRIMITIVES.public_of(secret), os.urandom(32), text, 1, 2968, bytes(16).hex())
    key = KEMKey.from_jwk({"kty": "OKP", "crv": "X25519", "x": _url(PRIMITIVES.public_of(secret)), "d": _url(secret)})
    opened = OTHERS.create_recipient_context(made.enc, key, info=envelope.INFO).open(made.sealed, aad=made.aad())
    assert opened == summary.pad(text)


def test_a_build_without_the_symbols_is_refused_by_name() -> None:
    with pytest.raises(sodium.Unavailable, match="crypto_scalarmult_curve25519"):
        sodium.load_sealing(("libc.so.6",))


def _url(data: bytes) -> str:
    import base64

    return base64.urlsafe_b64encode(data).decode().rstrip("=")
