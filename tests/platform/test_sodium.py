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


def test_missing_symbols_are_named():
    with pytest.raises(sodium.Unavailable, match="crypto_nothing, crypto_other"):
        sodium.find_symbols(
            ctypes.CDLL(sodium.FILES[1]),
            {"crypto_nothing": (None, []), "crypto_other": (None, []), "sodium_init": (ctypes.c_int, [])},
        )


def test_missing_library_says_what_to_install():
    with pytest.raises(sodium.Unavailable, match="libsodium23"):
        sodium.load(("libnothing.so.0",))
