"""HPKE against an independent implementation, both ways; it is compiled, so it runs on this processor only."""

import base64
import os

import pytest
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from agent.core import envelope, seal, summary
from agent.core.model import BadInput
from tests.platform.test_sealing import PRIMITIVES

OTHERS = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.CHACHA20_POLY1305)


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
    text = summary.render(bytes(16), 2968, summary.Answer("lists", 500, 2))
    made = envelope.make(PRIMITIVES, PRIMITIVES.public_of(secret), os.urandom(32), text, 1, 2968, bytes(16).hex())
    key = KEMKey.from_jwk({"kty": "OKP", "crv": "X25519", "x": _url(PRIMITIVES.public_of(secret)), "d": _url(secret)})
    opened = OTHERS.create_recipient_context(made.enc, key, info=envelope.INFO).open(made.sealed, aad=made.aad())
    assert opened == summary.pad(text)


def _url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
