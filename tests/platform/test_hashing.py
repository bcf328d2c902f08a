"""SHA-256 by the interpreter's own code, in a process that never loads OpenSSL."""

import hashlib
import subprocess
import sys

import pytest

from agent.platform.hashing import sha256


def test_agrees_with_hashlib() -> None:
    for size in (0, 1, 55, 56, 64, 1000, 100_000):
        data = bytes(range(256)) * (size // 256 + 1)
        assert sha256(data[:size]) == hashlib.sha256(data[:size]).digest()


def test_loads_no_openssl() -> None:
    if not {"_sha2", "_sha256"} & (set(sys.builtin_module_names) | available()):
        pytest.skip("this interpreter was built without hashes of its own")
    script = (
        "import sys; from agent.platform.hashing import sha256; sha256(b'x');"
        "print('_hashlib' in sys.modules, 'libcrypto' in open('/proc/self/maps').read())"
    )
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def available() -> set[str]:
    found = set()
    for name in ("_sha2", "_sha256"):
        try:
            __import__(name)
        except ImportError:
            continue
        found.add(name)
    return found
