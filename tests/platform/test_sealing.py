"""libsodium's primitives against plain integers, and HPKE's vectors with them."""

import random

import pytest

from agent.core import seal
from agent.platform import sodium
from agent.platform.hashing import sha256
from tests.core import pure
from tests.core import test_seal as rfc

SODIUM = sodium.load_sealing()
PRIMITIVES = seal.Primitives(sha256, SODIUM.x25519, SODIUM.public_of, SODIUM.encrypt, SODIUM.decrypt)


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


def test_a_build_without_the_symbols_is_refused_by_name() -> None:
    with pytest.raises(sodium.Unavailable, match="crypto_scalarmult_curve25519"):
        sodium.load_sealing(("libc.so.6",))
