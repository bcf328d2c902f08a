"""libsodium is loaded whole or refused with the name of what is missing."""

import ctypes

import pytest

from agent.platform import sodium


@pytest.fixture(scope="module")
def library() -> sodium.Sodium:
    return sodium.load()


def test_passwords_cost_19_mib_and_two_passes(library):
    stored = library.hash_password(b"correct horse")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert stored != library.hash_password(b"correct horse")
    assert library.check_password(stored, b"correct horse")
    assert not library.check_password(stored, b"correct horsf")
    assert not library.check_password(stored, b"")


def test_a_broken_stored_hash_never_matches(library):
    for stored in ("", "x", "$argon2id$v=19$m=19456,t=2,p=1$AAAA$BBBB", "$argon2id$" + "x" * 200):
        assert not library.check_password(stored, b"x")


def test_same(library):
    assert library.same(b"abc", b"abc")
    assert library.same(b"", b"")
    assert not library.same(b"abc", b"abd")
    assert not library.same(b"abc", b"ab")


def test_random_is_fresh(library):
    assert len(library.random(32)) == 32
    assert library.random(32) != library.random(32)


def test_key_depends_on_passphrase_and_salt(library):
    key = library.key_from_passphrase(b"p", b"s" * 16)
    assert key == library.key_from_passphrase(b"p", b"s" * 16)
    assert key != library.key_from_passphrase(b"p", b"t" * 16)
    assert key != library.key_from_passphrase(b"q", b"s" * 16)
    with pytest.raises(ValueError, match="16 bytes"):
        library.key_from_passphrase(b"p", b"s")


def test_sealing_agrees_with_rfc_8439(library):
    """The example of section 2.8.2."""
    key, nonce = bytes(range(0x80, 0xA0)), bytes.fromhex("070000004041424344454647")
    additional = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    text = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
        b"sunscreen would be it."
    )
    sealed = library.seal(key, nonce, text, additional)
    assert sealed.hex().startswith("d31a8d34648e60db7b86afbc53ef7ec2")
    assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"
    assert library.open(key, nonce, sealed, additional) == text
    for wrong in (
        library.open(key, nonce, sealed, b""),
        library.open(bytes(32), nonce, sealed, additional),
        library.open(key, bytes(12), sealed, additional),
        library.open(key, nonce, sealed[:-1], additional),
        library.open(key, nonce, bytes([sealed[0] ^ 1]) + sealed[1:], additional),
        library.open(key, nonce, b"short", additional),
    ):
        assert wrong is None
    assert library.open(key, nonce, library.seal(key, nonce, b"")) == b""
    with pytest.raises(ValueError, match="32 bytes"):
        library.seal(b"k", nonce, b"")


def test_missing_symbols_are_named():
    with pytest.raises(sodium.Unavailable, match="crypto_nothing, crypto_other"):
        sodium.find_symbols(
            ctypes.CDLL(sodium.FILES[1]),
            {"crypto_nothing": (None, []), "crypto_other": (None, []), "sodium_init": (ctypes.c_int, [])},
        )


def test_missing_library_says_what_to_install():
    with pytest.raises(sodium.Unavailable, match="libsodium23"):
        sodium.load(("libnothing.so.0",))
