"""The tool that makes services.json of v2fly's files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agent.core.names import suffixes
from agent.core.services import Services, read_services

ROOT = Path(__file__).resolve().parents[2]
READY = ROOT.parent / "shared" / "data" / "parental" / "services-v2fly.json.xz"


def built(source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "build-services"), str(source), "-o", str(target)]
    return subprocess.run(command, capture_output=True, text=True)


def test_files_that_include_others(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "tiktok").write_text(
        "# comment\ntiktok.com\ndomain:tiktokv.com @cn # x\nfull:p16.akamaized.net\nads.example @ads\n"
        "regexp:^a.*\nkeyword:tik\ninclude:more\ntiktok\n"
    )
    (data / "more").write_text("MUSICAL.ly\ninclude:tiktok\n")
    (data / "youtube").write_text("youtube.com\nggpht.com\n")
    (data / "disney").write_text("disneyplus.com\nhulu.com\n")
    (data / "hulu").write_text("hulu.com\n")
    done = built(data, tmp_path / "services.json")
    assert done.returncode == 0 and "no names of: facebook" in done.stderr
    found = {one.id: one for one in read_services((tmp_path / "services.json").read_text())}
    assert {"=p16.akamaized.net", "musical.ly", "tiktok.com", "tiktokv.com"} <= set(found["tiktok"].names)
    assert "tiktokv.com.akamaized.net" in found["tiktok"].names, "what v2fly lacks"
    assert not {"ads.example", "akamaized.net", "ibyteimg.com"} & set(found["tiktok"].names)
    assert found["youtube"].names == ["=yt3.ggpht.com", "youtube.com"], "others have pictures there, too"
    assert found["disney"].names == ["disneyplus.com"] and found["hulu"].names == ["hulu.com"]
    licence = json.loads((tmp_path / "services.json").read_text())["licence"]
    assert licence == "MIT, v2fly/domain-list-community and nextdns/services", "whose names are in it"
    (tmp_path / "empty").mkdir()
    assert built(tmp_path / "empty", tmp_path / "nothing.json").returncode


def test_a_service_blocks_no_other_well_known_site(tmp_path: Path) -> None:
    if not READY.exists():
        pytest.skip("not here: " + str(READY))
    assert built(READY, tmp_path / "services.json").returncode == 0
    found = read_services((tmp_path / "services.json").read_text())
    assert len(found) >= 50
    popular = [line.split("#")[0].strip() for line in (ROOT / "blocklists" / "popular.txt").read_text().splitlines()]
    table = Services({one.id: one for one in found})
    for name in filter(None, popular):
        hit = {one.id for one in found if table.rule(name.encode(), (one.id,))}
        assert len(hit) <= 1, (name, hit)
    for shared in (
        b"www.googleapis.com",
        b"play-lh.googleusercontent.com",
        b"lh3.ggpht.com",
        b"fast.com",
        b"akamaized.net",
    ):
        assert table.rule(shared, tuple(one.id for one in found)) is None, shared
    # Each name of a service stands for it, unless another one has the name to itself.
    for one in found:
        for name in one.names:
            assert table.rule(name.lstrip("=").encode(), (one.id,)) is not None
    assert all(suffixes(name.lstrip("=").encode()) for one in found for name in one.names)
