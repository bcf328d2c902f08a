"""libsodium by ctypes: passwords, constant-time comparison, randomness, and the primitives of sealing.

Every symbol a caller needs is looked up when the library is loaded, so that a build without it is refused at the
start with its name, not in the middle of a sign-in. Jobs only: the daemon stays without ctypes.
"""

import ctypes
from collections.abc import Callable

# OWASP's floor for argon2id. libsodium's "interactive" 64 MiB would take half of a small router.
PASSWORD_MEMORY_BYTES = 19 * 1024 * 1024
PASSWORD_PASSES = 2
PASSWORD_HASH_BYTES = 128
SALT_BYTES = 16
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
# The file names of the library's ABI versions, newest first; then whatever the system's linker knows.
FILES = ("libsodium.so.26", "libsodium.so.23", "libsodium.so")

_SIZE = ctypes.c_size_t
_LONG = ctypes.c_ulonglong
_BYTES = ctypes.c_char_p

SYMBOLS: dict[str, tuple[object, list[object]]] = {
    "sodium_init": (ctypes.c_int, []),
    "sodium_memcmp": (ctypes.c_int, [_BYTES, _BYTES, _SIZE]),
    "randombytes_buf": (None, [_BYTES, _SIZE]),
    "crypto_pwhash_argon2id_str": (ctypes.c_int, [_BYTES, _BYTES, _LONG, _LONG, _SIZE]),
    "crypto_pwhash_argon2id_str_verify": (ctypes.c_int, [_BYTES, _BYTES, _LONG]),
    "crypto_pwhash_argon2id": (
        ctypes.c_int,
        [_BYTES, _LONG, _BYTES, _LONG, _BYTES, _LONG, _SIZE, ctypes.c_int],
    ),
    # (out, out's length or None, text, length, additional, length, secret nonce (unused), nonce, key)
    "crypto_aead_chacha20poly1305_ietf_encrypt": (
        ctypes.c_int,
        [_BYTES, ctypes.c_void_p, _BYTES, _LONG, _BYTES, _LONG, _BYTES, _BYTES, _BYTES],
    ),
    "crypto_aead_chacha20poly1305_ietf_decrypt": (
        ctypes.c_int,
        [_BYTES, ctypes.c_void_p, _BYTES, _BYTES, _LONG, _BYTES, _LONG, _BYTES, _BYTES],
    ),
}

# What sealing needs (core/seal.py); all of it is in libsodium's minimal build, too.
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
SEALING: dict[str, tuple[object, list[object]]] = {
    "sodium_init": (ctypes.c_int, []),
    "crypto_scalarmult_curve25519": (ctypes.c_int, [_BYTES, _BYTES, _BYTES]),
    "crypto_scalarmult_curve25519_base": (ctypes.c_int, [_BYTES, _BYTES]),
    "crypto_aead_chacha20poly1305_ietf_encrypt": (
        ctypes.c_int,
        [_BYTES, _BYTES, _BYTES, _LONG, _BYTES, _LONG, _BYTES, _BYTES, _BYTES],
    ),
    "crypto_aead_chacha20poly1305_ietf_decrypt": (
        ctypes.c_int,
        [_BYTES, _BYTES, _BYTES, _BYTES, _LONG, _BYTES, _LONG, _BYTES, _BYTES],
    ),
}


class Unavailable(RuntimeError):
    """libsodium is not installed or was built without something this program needs."""


class Sodium:
    """The loaded library. Make one per process with `load()`."""

    def __init__(self, calls: dict[str, Callable[..., int]]) -> None:
        self._calls = calls

    def random(self, size_bytes: int) -> bytes:
        """Bytes from the system's cryptographic source."""
        buffer = ctypes.create_string_buffer(size_bytes)
        self._calls["randombytes_buf"](buffer, size_bytes)
        return buffer.raw

    def same(self, one: bytes, other: bytes) -> bool:
        """Equal or not, in a time that depends on the lengths only."""
        return len(one) == len(other) and self._calls["sodium_memcmp"](one, other, len(one)) == 0

    def hash_password(self, password: bytes) -> str:
        """Password → "$argon2id$…" with its own salt; MemoryError when 19 MiB can't be had."""
        out = ctypes.create_string_buffer(PASSWORD_HASH_BYTES)
        made = self._calls["crypto_pwhash_argon2id_str"](
            out, password, len(password), PASSWORD_PASSES, PASSWORD_MEMORY_BYTES
        )
        if made != 0:
            raise MemoryError("not enough memory to hash a password")
        return out.value.decode()

    def check_password(self, stored: str, password: bytes) -> bool:
        """True when `password` made `stored`."""
        return self._calls["crypto_pwhash_argon2id_str_verify"](stored.encode(), password, len(password)) == 0

    def key_from_passphrase(self, passphrase: bytes, salt: bytes, size_bytes: int = 32) -> bytes:
        """argon2id → key; `salt` has 16 bytes. Same cost as a password."""
        if len(salt) != SALT_BYTES:
            raise ValueError("the salt must have 16 bytes")
        out = ctypes.create_string_buffer(size_bytes)
        made = self._calls["crypto_pwhash_argon2id"](
            out, size_bytes, passphrase, len(passphrase), salt, PASSWORD_PASSES, PASSWORD_MEMORY_BYTES, 2
        )
        if made != 0:
            raise MemoryError("not enough memory to derive a key")
        return out.raw

    def seal(self, key: bytes, nonce: bytes, text: bytes, additional: bytes = b"") -> bytes:
        """ChaCha20-Poly1305 (RFC 8439): text → sealed, 16 bytes longer. A key never sees a nonce twice."""
        _check_sizes(key, nonce)
        out = ctypes.create_string_buffer(len(text) + TAG_BYTES)
        self._calls["crypto_aead_chacha20poly1305_ietf_encrypt"](
            out, None, text, len(text), additional, len(additional), None, nonce, key
        )
        return out.raw

    def open(self, key: bytes, nonce: bytes, sealed: bytes, additional: bytes = b"") -> bytes | None:
        """The text, or None when key, nonce, additional data or a byte of it is not what it was sealed with."""
        _check_sizes(key, nonce)
        if len(sealed) < TAG_BYTES:
            return None
        out = ctypes.create_string_buffer(len(sealed) - TAG_BYTES or 1)
        opened = self._calls["crypto_aead_chacha20poly1305_ietf_decrypt"](
            out, None, None, sealed, len(sealed), additional, len(additional), nonce, key
        )
        return out.raw[: len(sealed) - TAG_BYTES] if opened == 0 else None


def _check_sizes(key: bytes, nonce: bytes) -> None:
    if len(key) != KEY_BYTES or len(nonce) != NONCE_BYTES:
        raise ValueError("the key must have 32 bytes and the nonce 12")


class Sealing:
    """X25519 and ChaCha20-Poly1305 (RFC 7748, RFC 8439). Make one per process with `load_sealing()`."""

    def __init__(self, calls: dict[str, Callable[..., int]]) -> None:
        self._calls = calls

    def x25519(self, secret: bytes, public: bytes) -> bytes | None:
        """The shared secret; None for a public key of small order."""
        _sized(secret, KEY_BYTES)
        _sized(public, KEY_BYTES)
        out = ctypes.create_string_buffer(KEY_BYTES)
        return out.raw if self._calls["crypto_scalarmult_curve25519"](out, secret, public) == 0 else None

    def public_of(self, secret: bytes) -> bytes:
        _sized(secret, KEY_BYTES)
        out = ctypes.create_string_buffer(KEY_BYTES)
        self._calls["crypto_scalarmult_curve25519_base"](out, secret)
        return out.raw

    def encrypt(self, key: bytes, nonce: bytes, aad: bytes, plain: bytes) -> bytes:
        _sized(key, KEY_BYTES)
        _sized(nonce, NONCE_BYTES)
        out = ctypes.create_string_buffer(len(plain) + TAG_BYTES)
        self._calls["crypto_aead_chacha20poly1305_ietf_encrypt"](
            out, None, plain, len(plain), aad, len(aad), None, nonce, key
        )
        return out.raw

    def decrypt(self, key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes | None:
        """None when it does not fit."""
        _sized(key, KEY_BYTES)
        _sized(nonce, NONCE_BYTES)
        if len(sealed) < TAG_BYTES:
            return None
        out = ctypes.create_string_buffer(max(len(sealed) - TAG_BYTES, 1))
        opened = self._calls["crypto_aead_chacha20poly1305_ietf_decrypt"](
            out, None, None, sealed, len(sealed), aad, len(aad), nonce, key
        )
        return out.raw[: len(sealed) - TAG_BYTES] if opened == 0 else None


def _sized(value: bytes, size: int) -> None:
    # The library reads that many bytes, whatever it was given.
    if len(value) != size:
        raise ValueError(f"{size} bytes are needed, not {len(value)}")


def load(files: tuple[str, ...] = FILES) -> Sodium:
    """Open the library, look up every symbol, initialise it; Unavailable says what is missing."""
    return Sodium(_ready(files, SYMBOLS))


def load_sealing(files: tuple[str, ...] = FILES) -> Sealing:
    """The same, for what sealing needs."""
    return Sealing(_ready(files, SEALING))


def _ready(files: tuple[str, ...], symbols: dict[str, tuple[object, list[object]]]) -> dict[str, Callable[..., int]]:
    calls = find_symbols(_open(files), symbols)
    if calls["sodium_init"]() < 0:
        raise Unavailable("libsodium could not be initialised")
    return calls


def find_symbols(
    library: ctypes.CDLL, symbols: dict[str, tuple[object, list[object]]]
) -> dict[str, Callable[..., int]]:
    """The library's functions with their types set; Unavailable names those that it lacks."""
    calls = {}
    missing = []
    for name, (result, arguments) in sorted(symbols.items()):
        try:
            function = getattr(library, name)
        except AttributeError:
            missing.append(name)
            continue
        function.restype = result
        function.argtypes = arguments
        calls[name] = function
    if missing:
        raise Unavailable("this build of libsodium lacks " + ", ".join(missing))
    return calls


def _open(files: tuple[str, ...]) -> ctypes.CDLL:
    for name in files:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise Unavailable("libsodium is not installed; install the package libsodium (Debian: libsodium23)")
