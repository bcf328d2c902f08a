"""The age format against the public test suite (C2SP/CCTV) and against Debian's age."""

import binascii
import hashlib
import os
import re
import shutil
import subprocess
import zlib
from functools import cache
from pathlib import Path

import pytest

from agent.core import age, bech32
from agent.core.model import BadInput
from agent.core.seal import KEY_BYTES, Primitives
from agent.platform import sodium
from agent.platform.hashing import sha256

SUITE = Path(__file__).parents[2] / "tools" / "page" / "node_modules" / "cctv-age" / "index.js"
VECTOR = re.compile(r'var (\w+)_default = __toBinary\("([A-Za-z0-9+/=]*)"\)')
# Text armor and recipients of other kinds: nothing here makes or reads them.
OTHERS = ("armor_", "hybrid")
SIZES = (0, 1, 65535, 65536, 65537, 131072, 200000)


@cache
def primitives() -> Primitives:
    try:
        found = sodium.load_sealing()
    except sodium.Unavailable as error:
        pytest.skip(f"not here: {error}")
    return Primitives(sha256, found.x25519, found.public_of, found.encrypt, found.decrypt)


def vectors() -> dict[str, tuple[dict[str, str], bytes]]:
    """Name → (what its head says, the file)."""
    if not SUITE.exists():
        pytest.skip(f"not here: {SUITE} (npm ci in tools/page)")
    found = {}
    for name, text in VECTOR.findall(SUITE.read_text()):
        head, _, file = binascii.a2b_base64(text).partition(b"\n\n")
        told = [line.split(": ", 1) for line in head.decode().splitlines()]
        found[name] = ({key: value for key, value in told}, file)
    return found


def test_the_public_suite() -> None:
    seen = 0
    for name, (told, file) in vectors().items():
        if name.startswith(OTHERS) or "identity" not in told:
            continue
        secret = age.identity(told["identity"])
        file = zlib.decompress(file) if told.get("compressed") == "zlib" else file
        seen += 1
        if told["expect"] == "success":
            plain = age.decrypt(primitives(), secret, file)
            assert hashlib.sha256(plain).hexdigest() == told["payload"], name
        else:
            with pytest.raises(BadInput):
                age.decrypt(primitives(), secret, file)
                pytest.fail(f"{name}: opened, but {told}")
    assert seen >= 50


def real_age() -> None:
    if shutil.which("age") is None or shutil.which("age-keygen") is None:
        pytest.skip("not here: age (apt-get install age)")


@pytest.mark.parametrize("size", SIZES)
def test_real_age_opens_what_is_made_here_and_the_reverse(tmp_path: Path, size: int) -> None:
    real_age()
    key = tmp_path / "key"
    subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
    identity = key.read_text().splitlines()[-1]
    secret = age.identity(identity)
    public = subprocess.run(["age-keygen", "-y", key], check=True, capture_output=True, text=True).stdout.strip()
    assert age.recipient(public) == primitives().public_of(secret)
    assert bech32.encode(age.RECIPIENT, primitives().public_of(secret)) == public
    plain = os.urandom(size)
    made = age.encrypt(primitives(), [age.recipient(public)], os.urandom(age.RANDOM_BYTES), plain)
    opened = subprocess.run(["age", "-d", "-i", key], input=made, check=True, capture_output=True).stdout
    assert opened == plain
    theirs = subprocess.run(["age", "-r", public], input=plain, check=True, capture_output=True).stdout
    assert age.decrypt(primitives(), secret, theirs) == plain
    assert len(made) == len(theirs), "no byte tells which program made it"


def test_real_age_opens_for_each_of_several(tmp_path: Path) -> None:
    real_age()
    secrets = [os.urandom(KEY_BYTES) for _ in range(3)]
    random = os.urandom(age.RANDOM_BYTES + 2 * KEY_BYTES)
    made = age.encrypt(primitives(), [primitives().public_of(secret) for secret in secrets], random, b"week")
    for number, secret in enumerate(secrets):
        key = tmp_path / str(number)
        key.write_text(bech32.encode(age.IDENTITY, secret).upper() + "\n")
        assert subprocess.run(["age", "-d", "-i", key], input=made, check=True, capture_output=True).stdout == b"week"
