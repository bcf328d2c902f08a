"""Nothing that opens a door is committed: keys, tokens, passwords of services."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
KINDS = {
    "a private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}",
    "an age identity": rb"AGE-SECRET-KEY-1[A-Z0-9]{50}",
    "a token of GitHub": rb"\bgh[pousr]_[A-Za-z0-9]{36}",
    "a token of GitLab": rb"\bglpat-[A-Za-z0-9_-]{20}",
    "a key of AWS": rb"\bAKIA[0-9A-Z]{16}\b",
    "a key of Google": rb"\bAIza[0-9A-Za-z_-]{35}\b",
    "a token of PyPI": rb"\bpypi-AgEI[A-Za-z0-9_-]{50}",
    "a token of npm": rb"\bnpm_[A-Za-z0-9]{36}\b",
    "a token of Slack": rb"\bxox[abpr]-[0-9A-Za-z-]{20}",
    "a web token": rb"\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}\.",
}

# The example of the specification (age-encryption.org/v1).
PUBLISHED = {"tests/core/test_age.py"}


def tracked() -> list[Path]:
    run = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False
    )
    if run.returncode:
        pytest.skip("not here: a checkout of git")
    return [ROOT / name.decode() for name in run.stdout.split(b"\0") if name]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_secret_is_committed(kind: str) -> None:
    found = []
    for path in tracked():
        known = path == Path(__file__) or str(path.relative_to(ROOT)) in PUBLISHED
        if path.is_file() and not known and re.search(KINDS[kind], path.read_bytes()):
            found.append(str(path.relative_to(ROOT)))
    assert not found, f"{kind} in {found}"
