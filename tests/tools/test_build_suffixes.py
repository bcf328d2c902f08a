"""tools/build-suffixes as a process: it writes a whole file or says why not."""

import subprocess
import sys
from pathlib import Path

from agent.core.names import PublicSuffixes

TOOL = Path(__file__).parents[2] / "tools" / "build-suffixes"


def build(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOL), str(source), "-o", str(target)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_list_becomes_a_file(tmp_path: Path) -> None:
    source, target = tmp_path / "list.dat", tmp_path / "made" / "suffixes.bin"
    rules = [f"s{number}.example" for number in range(5000)] + ["// a comment", "", "*.公司.cn", "!www.公司.cn  # x"]
    source.write_text("\n".join(rules), encoding="utf-8")
    done = build(source, target)
    assert (done.returncode, done.stderr) == (0, "")
    public = PublicSuffixes(target.read_bytes())
    assert public.registrable(b"a.b.s7.example") == b"b.s7.example"
    assert public.suffix(b"a.b.xn--55qx5d.cn") == b"b.xn--55qx5d.cn"
    assert public.registrable(b"a.www.xn--55qx5d.cn") == b"www.xn--55qx5d.cn"
    assert [path.name for path in target.parent.iterdir()] == ["suffixes.bin"]


def test_what_is_no_list_leaves_the_old_file(tmp_path: Path) -> None:
    source, target = tmp_path / "list.dat", tmp_path / "suffixes.bin"
    target.write_bytes(b"old")
    for text in (b"com\n" * 10, b"<html>\n" * 6000, b"a..b\n" * 6000, b"\xff\xfe\n" * 6000):
        source.write_bytes(text)
        done = build(source, target)
        assert done.returncode == 1
        assert done.stderr.startswith("build-suffixes: ") and done.stderr.count("\n") == 1
        assert target.read_bytes() == b"old"
    assert build(tmp_path / "missing", target).returncode == 1
