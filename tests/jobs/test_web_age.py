"""The page's side of the weekly file, run by node: keys that real age takes, and opening what real age and we seal."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.core import age, week_file
from tests.daemon.reporting import TOOLS
from tests.jobs.test_age import vectors

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "agent" / "jobs" / "web" / "static" / "js" / "age"
pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="not here: node (apt-get install nodejs)")


class Page:
    def __init__(self) -> None:
        script = str(ROOT / "tests" / "jobs" / "age_page.mjs")
        words = ["node", "--no-warnings", "--experimental-default-type=module", script, str(MODULES)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, **request: object) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))

    def open(self, secret: str, file: bytes) -> dict[str, Any]:
        return self(secret=secret, file=base64.b64encode(file).decode())


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    made = Page()
    yield made
    with made.process:
        made.process.terminate()


@pytest.mark.parametrize("plain", [False, True])
def test_a_key_made_in_the_page_is_one_for_real_age(page: Page, tmp_path: Path, plain: bool) -> None:
    """With WebCrypto and, as over plain HTTP, without."""
    key = page(plain=plain)
    assert TOOLS.public_of(age.identity(key["secret"])) == age.recipient(key["recipient"])
    text = week_file.padded(json.dumps({"name": "Müller"}))
    made = age.encrypt(TOOLS, [age.recipient(key["recipient"])], os.urandom(age.RANDOM_BYTES), text)
    assert page.open(key["secret"], made) == {"text": text.decode()}
    if shutil.which("age") is None:
        pytest.skip("not here: age (apt-get install age)")
    (tmp_path / "key").write_text(key["secret"] + "\n")
    words = ["age", "-d", "-i", tmp_path / "key"]
    assert subprocess.run(words, input=made, check=True, capture_output=True).stdout == text
    large = os.urandom(50_000).hex().encode()
    theirs = subprocess.run(["age", "-r", key["recipient"]], input=large, check=True, capture_output=True).stdout
    assert page.open(key["secret"], theirs) == {"text": large.decode()}


def test_what_it_does_not_open(page: Page) -> None:
    key, other = page(), page()
    made = age.encrypt(TOOLS, [age.recipient(key["recipient"])], os.urandom(age.RANDOM_BYTES), b"x" * 100)
    assert page.open(other["secret"], made) == {"wrong": "other"}
    assert page.open(key["secret"][:-1] + "Q", made)["wrong"] == "key"
    assert page.open(key["recipient"], made) == {"wrong": "key"}
    assert page.open(key["secret"], b"hello") == {"wrong": "file"}
    assert page.open(key["secret"], made[:-1]) == {"wrong": "changed"}
    for at in range(0, len(made), 7):
        spoiled = made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :]
        assert page.open(key["secret"], spoiled)["wrong"] in ("file", "other", "changed"), at


def test_files_of_the_public_suite(page: Page) -> None:
    """Those that succeed with text in them, and those with a wrong tag; the Python side runs all of the suite."""
    seen = 0
    for name, (told, file) in vectors().items():
        if (
            told.get("expect") in ("HMAC failure", "payload failure")
            and "identity" in told
            and "compressed" not in told
        ):
            seen += 1
            assert "wrong" in page.open(told["identity"], file), name
    assert seen >= 5
