"""SHA-256 without OpenSSL: `hashlib` loads libcrypto, some 3.5 MB of memory that a router does not have."""

try:
    from _sha2 import sha256 as _sha256  # type: ignore[import-not-found]  # CPython >= 3.12, no stub
except ImportError:
    try:
        from _sha256 import sha256 as _sha256  # type: ignore[import-not-found]  # CPython 3.11, no stub
    except ImportError:
        from hashlib import sha256 as _sha256  # a build without its own hashes: correct, only larger


def sha256(data: bytes) -> bytes:
    """The 32-byte digest of `data`."""
    digest: bytes = _sha256(data).digest()
    return digest
