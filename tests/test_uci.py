"""/etc/config/privacy-agent: every setting can be given as an option, and whatever is wrong is named with its line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.core import setting_kinds, settings
from tools.openwrt import packages

FILES = packages.FEED / "privacy-agent" / "files"
SCRIPT = FILES / "settings-from-uci.py"

# Of each kind: values as people write them in UCI, and one that can't be.
SAMPLES = {
    setting_kinds.PATH: (["/tmp/with a space"], "relative/path"),
    setting_kinds.NAME: (["somebody"], "two words"),
    setting_kinds.FLAG: (["0", "1", "on", "off", "yes", "no", "true", "false", "enabled", "disabled"], "2"),
    setting_kinds.NAMES: (["br-guest"], "two words"),
    setting_kinds.LISTENERS: (["192.0.2.1:5391"], "192.0.2.1"),
    setting_kinds.SERVERS: (["192.0.2.53"], "resolver.example"),
    setting_kinds.BITS: (["0xc000c000"], "c000"),
    setting_kinds.PEOPLE: (["Anna, Tom M."], "Anna," + 41 * "x"),
    setting_kinds.HOUSE_URL: (["http://192.168.1.5:8123/hook"], "http://nas.lan/"),
}


def samples(row: settings.Setting) -> tuple[list[str], str]:
    if row.kind == setting_kinds.NUMBER:
        lowest, highest = row.limits
        return [str(row.default), str(lowest), str(highest)], str(int(highest) + 1)
    if row.kind == setting_kinds.CHOICE:
        return [str(word) for word in row.limits], "perhaps"
    return SAMPLES[row.kind]


def turned(text: str, folder: Path) -> tuple[int, str, Path]:
    """The script's exit code and what it said; the file it writes."""
    source, target = folder / "privacy-agent", folder / "settings.json"
    source.write_text(text)
    run = subprocess.run(
        [sys.executable, str(SCRIPT), str(source), str(target)],
        env={**os.environ, "PYTHONPATH": str(packages.PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stderr, target


def section(*lines: str) -> str:
    return "config agent 'main'\n" + "".join(f"\t{line}\n" for line in lines)


def test_every_setting_can_be_given(tmp_path: Path) -> None:
    """One file with each setting at once; the last line of an option counts, as in UCI."""
    lines = [f"option {row.name} '{word}'" for row in settings.TABLE for word in reversed(samples(row)[0])]
    code, said, target = turned(section("option enabled '1'", *lines), tmp_path)
    assert (code, said) == (0, "")
    written = json.loads(target.read_text())
    assert written == {row.name: settings.from_word(row.name, samples(row)[0][0]) for row in settings.TABLE}


@pytest.mark.parametrize("row", settings.TABLE, ids=lambda row: row.name)
def test_each_setting_is_checked_and_its_line_named(row: settings.Setting, tmp_path: Path) -> None:
    keyword = "list" if row.kind in (setting_kinds.NAMES, setting_kinds.LISTENERS, setting_kinds.SERVERS) else "option"
    text = section("option enabled '1'", f"{keyword} {row.name} '{samples(row)[1]}'")
    code, said, target = turned(text, tmp_path)
    assert code == 1 and not target.exists()
    assert "line 3: setting " + row.name in said


def test_items_of_a_list_add_up_and_an_empty_option_is_none(tmp_path: Path) -> None:
    given = ["list interfaces 'br-lan'", "list interfaces 'br-kids'", "option web_listen ''"]
    given += ["option upstream '192.0.2.1'", "option upstream '192.0.2.2'"]
    _, _, target = turned(section(*given), tmp_path)
    expected = {"interfaces": ["br-lan", "br-kids"], "web_listen": [], "upstream": ["192.0.2.2:53"]}
    assert json.loads(target.read_text()) == expected


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("option histroy_days '3'", "did you mean history_days?"),
        ("option history_days 'three'", "line 2: setting history_days"),
        ("option history_days '3", "line 2:"),
        ("history_days 3", "not a line of UCI"),
        ("option mark_slot_bit '20'", "mark_slot_bit"),
        ("option agent_port '6000'", "contradict"),
    ],
)
def test_a_fault_is_told_and_what_runs_stays(line: str, says: str, tmp_path: Path) -> None:
    _, _, target = turned(section("option history_days '3'"), tmp_path)
    before = target.read_bytes()
    code, said, _ = turned(section(line), tmp_path)
    assert code == 1 and says in said
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["privacy-agent", "settings.json"]


def test_other_sections_and_quotes_are_ucis_own(tmp_path: Path) -> None:
    text = "package privacy-agent\n\nconfig other 'x'\n\toption upstream 'nonsense'\n\n" + section(
        "# a remark", 'option leases_file "/tmp/it\'s here"', "option jobs_user somebody # why"
    )
    code, said, target = turned(text, tmp_path)
    assert (code, said) == (0, "")
    assert json.loads(target.read_text()) == {"jobs_user": "somebody", "leases_file": "/tmp/it's here"}


def test_what_is_installed_is_taken(tmp_path: Path) -> None:
    code, said, target = turned((FILES / "privacy-agent.config").read_text(), tmp_path)
    assert (code, said) == (0, "")
    settings.read(target.read_text())


def test_no_file_is_a_fault_too(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path / "none"), str(tmp_path / "settings.json")],
        env={**os.environ, "PYTHONPATH": str(packages.PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1 and "No such file" in run.stderr
