"""X25519 (RFC 7748), ChaCha20-Poly1305 (RFC 8439) and SHA-256 in plain integers: slow, not constant in time, for tests.

They let the HPKE schedule run where there is no libsodium, and check libsodium's where there is.
"""

import hashlib
import struct

P = 2**255 - 19
A24 = 121665
BASE = bytes([9]) + bytes(31)


def sha256(data):
    return hashlib.sha256(data).digest()


def x25519(secret, public):
    k = int.from_bytes(bytes([secret[0] & 248]) + secret[1:31] + bytes([(secret[31] & 127) | 64]), "little")
    u = int.from_bytes(public, "little") & (2**255 - 1)
    x2, z2, x3, z3 = 1, 0, u, 1
    for at in range(254, -1, -1):
        bit = (k >> at) & 1
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
        e = aa - bb
        x3, z3 = (da + cb) * (da + cb) % P, u * (da - cb) * (da - cb) % P
        x2, z2 = aa * bb % P, e * (aa + A24 * e) % P
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def public_of(secret):
    return x25519(secret, BASE)


def _rotated(value, by):
    return ((value << by) | (value >> (32 - by))) & 0xFFFFFFFF


def _quarter(s, a, b, c, d):
    for x, y, z, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & 0xFFFFFFFF
        s[z] = _rotated(s[z] ^ s[x], by)


def _block(key, nonce, counter):
    start = list(struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce))
    s = list(start)
    for _ in range(10):
        for at in range(4):
            _quarter(s, at, 4 + at, 8 + at, 12 + at)
        for at in range(4):
            _quarter(s, at, 4 + (at + 1) % 4, 8 + (at + 2) % 4, 12 + (at + 3) % 4)
    return b"".join([struct.pack("<I", (x + y) & 0xFFFFFFFF) for x, y in zip(s, start)])


def _stream(key, nonce, data):
    out = b""
    for at in range(0, len(data), 64):
        block = _block(key, nonce, 1 + at // 64)
        out += bytes([x ^ y for x, y in zip(data[at : at + 64], block)])
    return out


def _tag(key, nonce, aad, sealed):
    once = _block(key, nonce, 0)[:32]
    r = int.from_bytes(once[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    text = aad + bytes(-len(aad) % 16) + sealed + bytes(-len(sealed) % 16)
    text += struct.pack("<Q", len(aad)) + struct.pack("<Q", len(sealed))
    total = 0
    for at in range(0, len(text), 16):
        total = (total + int.from_bytes(text[at : at + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(once[16:], "little")) & (2**128 - 1)).to_bytes(16, "little")


def encrypt(key, nonce, aad, plain):
    sealed = _stream(key, nonce, plain)
    return sealed + _tag(key, nonce, aad, sealed)


def decrypt(key, nonce, aad, sealed):
    body, tag = sealed[:-16], sealed[-16:]
    return _stream(key, nonce, body) if len(sealed) >= 16 and _tag(key, nonce, aad, body) == tag else None
