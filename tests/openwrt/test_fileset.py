"""All of the agent on an interpreter that has exactly the files which DEPENDS brings along, in 24.10 and in 25.12.

An import inside a function, a codec that is looked up by its name, a C module that Debian has built in: what a router
lacks is missed here. `pytest -s` prints the modules that were used.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openwrt import fileset
from tests.openwrt.fileset import ROOT, FileSet
from tests.openwrt.life import Broken, lived
from tools.openwrt import packages, stdlib

SUFFIXES = Path("/usr/share/publicsuffix/public_suffix_list.dat")
RELEASES = ("3.11", "3.13")
RUNNER = """
import sys, traceback
sys.path[:0] = [{root!r}, {runner!r}]
sys.print_exception = lambda error: traceback.print_exception(error)
import runner
for path in sys.argv[1:]:
    runner.run_file(path)
"""

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None or shutil.which("openssl") is None or not SUFFIXES.exists(),
    reason="make, openssl or Debian's package publicsuffix is not installed",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the jobs' users may enter: pytest's own belong to one user alone."""
    made = Path(tempfile.mkdtemp(prefix="privacy-agent-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def python(version: str) -> fileset.Python:
    found = fileset.found(version)
    if found is None:
        pytest.skip(f"not here: CPython {version} (tools/other-python {version})")
    return found


def needed(name: str) -> list[str]:
    text = (packages.FEED / name / "Makefile").read_text().replace("\\\n", " ")
    (line,) = [line for line in text.splitlines() if line.strip().startswith("DEPENDS:=")]
    return [word for word in packages.depends(line.split(":=", 1)[1]) if word.startswith("python3-")]


def made(version: str, names: list[str], folder: Path) -> FileSet:
    files = FileSet(python(version), names, folder / "home")
    files.install(fileset.staged("privacy-agent", version, folder / "work"))
    return files


@pytest.mark.parametrize("version", RELEASES)
def test_all_of_it_runs_with_what_is_depended_on(version: str, folder: Path) -> None:
    files = made(version, needed("privacy-agent"), folder)
    (folder / "life").mkdir(mode=0o755)
    for _ in lived(files, folder / "life"):
        pass
    used = files.modules()
    assert {"sqlite3", "ssl", "ctypes", "unicodedata", "encodings.punycode"} <= set(used)
    print(f"Python {version}, {len(files.files)} files, used of them: {' '.join(used)}")


@pytest.mark.parametrize("left_out", [name for name in needed("privacy-agent") if name != stdlib.LIGHT])
def test_without_any_one_of_them_it_fails(left_out: str, folder: Path) -> None:
    rest = [name for name in needed("privacy-agent") if name != left_out]
    files = made("3.11", rest, folder)
    (folder / "life").mkdir(mode=0o755)
    done = []
    with pytest.raises(Broken):
        done.extend(lived(files, folder / "life"))
    print(f"without {left_out} it works as far as: {' '.join(done) or 'nothing'}")


@pytest.mark.parametrize("version", RELEASES)
def test_the_core_suite_passes(version: str, folder: Path) -> None:
    files = FileSet(python(version), needed("privacy-agent"), folder / "home")
    program = RUNNER.format(root=str(ROOT), runner=str(ROOT / "tools/micropython"))
    suite = sorted(str(path) for path in (ROOT / "tests/core").glob("test_*.py"))
    done = files.run("-I", "-S", "-B", "-c", program, *suite)
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith(("ok ", "FAILED "))]
    assert done.returncode == 0, done.stdout[-2000:]
    assert [words for words in lines if words[0] == "FAILED"] == [], done.stdout[-4000:]
    assert len(lines) > 300


@pytest.mark.parametrize("version", RELEASES)
def test_no_codec_is_missed_that_a_host_needs(version: str, folder: Path) -> None:
    """Looking at files does not find it: encodings/idna.py is in python3-base, and needs unicodedata."""
    files = FileSet(python(version), needed("privacy-agent"), folder / "home")
    code = "import codecs, socket; codecs.lookup('idna'); socket.getaddrinfo('127.0.0.1', 1)"
    assert files.run("-I", "-S", "-c", code).stdout == ""
