"""What people type, and what the command line makes of it: whom they mean, which site, and words that work as told."""

import os
import pty
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli.errors import NOT_AGREED, NOT_FOUND, NOT_RUNNING, NOT_WRITTEN, OK, REJECTED, USAGE
from tests.test_cli import ROOT, TABLET, Home, document, say  # noqa: F401 - a fixture


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = Home(tmp_path_factory.mktemp("words"))
    os.environ["PRIVACY_AGENT_SOCKET"] = made.socket
    try:
        made.start()
        yield made
    finally:
        made.close()
        del os.environ["PRIVACY_AGENT_SOCKET"]


@pytest.fixture(scope="module")
def furnished(home: Home) -> Home:
    from agent.cli.main import main

    for words in (
        ("person", "add", "Tom", "child"),
        ("person", "add", "Mia", "child"),
        ("device", "add", "Television", "--address", "127.0.0.7"),
        ("device", "add", "tom", "--address", "127.0.0.8"),
        ("device", "add", "Mia's iPad", "--address", TABLET, "--person", "Mia"),
    ):
        assert main(list(words)) == OK
    return home


def command(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *words], cwd=ROOT, stderr=subprocess.PIPE, text=True, timeout=60, **options
    )  # type: ignore[call-overload,no-any-return]


# Whom somebody means.


def test_an_exact_name_comes_before_one_of_another_case(furnished, say):  # noqa: F811
    assert say("history", "Tom")[1].startswith("No records of Tom ") or "no device" in say("history", "Tom")[1]
    assert "No records of tom " in say("history", "tom")[1]
    code, text = say("history", "TOM")
    assert code == NOT_FOUND
    (first, second) = re.search(r"may be (\S+) or (\S+): write one of these", text).groups()
    assert {first, second} == {"device:tom", "person:Tom"}
    assert say("history", shlex.split(first)[0])[0] == OK


def test_a_bare_number_is_nobody(furnished, say):  # noqa: F811
    """The Television was recorded where a person's number was meant."""
    code, text = say("on", "1", "history", "--agree", "1")
    assert code == NOT_FOUND and "write device:1" in text
    assert not document(say, "device", "list")["items"][0]["features"]["history"]["on"]
    assert say("device", "edit", "device:1", "--label", "Television")[0] == OK
    assert say("person", "edit", "person:1", "--name", "Tom")[0] == OK


def test_only_what_is_near_is_guessed(furnished, say):  # noqa: F811
    assert "Did you mean" not in say("device", "remove", "X")[1]
    assert "Did you mean 'Television'" in say("device", "remove", "televison")[1]


# Which site.


def test_a_site_as_people_paste_it(furnished, say):  # noqa: F811
    for text in ("https://www.bad-site.example/path?x=1", "*.foo.example", "||x.example^", "google.com/search"):
        code, said = say("block", text)
        assert code == OK and "are blocked for everybody" in said, said
        assert say("rule", "remove", said.split("rule remove ")[1].strip())[0] == OK
    assert say("block", "tik tok") == (REJECTED, "privacy-agent: Enter a site such as tiktok.com.\n")


def test_an_address_has_no_subdomains(furnished, say):  # noqa: F811
    code, said = say("block", "https://192.0.2.9/x")
    assert code == OK and "192.0.2.9 is blocked for everybody." in said, said
    assert say("rule", "remove", said.split("rule remove ")[1].strip())[0] == OK


def test_what_is_said_of_an_ipv6_address_can_be_done(furnished, say):  # noqa: F811
    advice = "privacy-agent block 2001:db8::9"
    for typed in ("2001:DB8::9", "[2001:db8::9]", "http://[2001:db8::9]/x"):
        code, said = say("explain", typed)
        assert (code, said) == (OK, f"2001:db8::9 is allowed: no list or rule mentions it. To block it: {advice}\n")
    code, said = say("block", "2001:db8::9")
    assert code == OK and "2001:db8::9 is blocked for everybody." in said
    assert say("rule", "remove", said.split("rule remove ")[1].strip())[0] == OK


def test_what_covers_many_sites_is_asked(furnished, say):  # noqa: F811
    for op, name in (("block", "com"), ("block", "co.uk"), ("allow", "co.uk"), ("block", "github.io")):
        code, said = say(op, name)
        assert code == NOT_AGREED and f"covers every site whose name ends in .{name}" in said
    assert document(say, "rule", "list")["items"] == []
    code, said = say("block", "com", "--yes")
    assert code == OK
    assert say("rule", "remove", said.split("rule remove ")[1].strip())[0] == OK


def test_a_single_label_is_no_site(furnished, say):  # noqa: F811
    for name in ("TikTok", "localhost"):
        code, said = say("block", name)
        assert code == REJECTED and f"Did you mean {name.lower()}.com?" in said


def test_a_rule_for_a_device_without_protection_says_so(furnished, say):  # noqa: F811
    code, said = say("block", "netflix.example", "--device", "Television")
    assert code == OK and "Protection is off for Television" in said
    (advice,) = re.findall(r"To turn it on: privacy-agent (.*)", said)
    assert say(*shlex.split(advice), "--agree", "1")[0] == OK
    assert "EDE: 15" in furnished.ask("netflix.example", "127.0.0.7")


def test_a_rule_for_one_is_told_to_who_asks_for_nobody(furnished, say):  # noqa: F811
    assert say("block", "tiktok.example", "--device", "Mia's iPad")[0] == OK
    code, said = say("explain", "tiktok.example")
    assert code == OK and "For Mia's iPad it is blocked by rule" in said
    said = say("explain", "tiktok.example", "--device", "Mia's iPad")[1]
    (advice,) = re.findall(r"To allow it: privacy-agent (.*)", said)
    assert say(*shlex.split(advice))[0] == OK
    assert "is allowed" in say("explain", "tiktok.example", "--device", "Mia's iPad")[1]


def test_an_https_address_is_judged_by_its_site(furnished, say):  # noqa: F811
    for address in ("https://login.bank.example/x", "http://login.bank.example/x", "login.bank.example/x"):
        code, said = say("explain", address)
        assert code == OK and "is blocked because the list" in said, address
        (advice,) = re.findall(r"To allow it: privacy-agent (.*)", said)
        code, said = say(*shlex.split(advice))
        assert code == OK
        assert say("rule", "remove", said.split("rule remove ")[1].strip())[0] == OK


def test_a_rule_that_is_over_is_gone(furnished, say):  # noqa: F811
    assert say("allow", "over.example", "--for", "1s")[0] == OK
    deadline = time.monotonic() + 30
    while "over.example" in say("rule", "list")[1] and time.monotonic() < deadline:
        time.sleep(0.2)
    assert "over.example" not in say("rule", "list")[1] + say("rule", "export")[1]


# Words that are true.


def test_limits_and_months_are_checked_where_they_are_typed(furnished, say, capsys):  # noqa: F811
    for words in (("history", "Mia", "--limit", "0"), ("person", "add", "Ada", "child", "--born", "2012-0²")):
        with pytest.raises(SystemExit) as ended:
            say(*words)
        assert ended.value.code == USAGE
    assert say("device", "edit", "Television") == (
        USAGE,
        "privacy-agent: Nothing to change: give --label, --mac, --person, --no-person, --shared or --never-off.\n",
    )


def test_a_listing_that_ends_early_says_so(furnished, say):  # noqa: F811
    assert say("on", "Mia's iPad", "history", "--agree", "1")[0] == OK
    for number in range(4):
        furnished.ask(f"site{number}.example")
        furnished.ask(f"www.site{number}.example")
    shown = ("history", "Mia's iPad", "--background")
    deadline = time.monotonic() + 30
    while len(document(say, *shown)["items"]) < 4 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert "These are the newest 2; --all shows the rest." in say(*shown, "--limit", "2")[1]
    assert document(say, *shown, "--limit", "2")["more"] is True
    assert document(say, *shown)["more"] is False


def test_no_at_the_prompt_is_not_about_scripts(furnished):
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "agent", "on", "Mia's iPad", "protection"]
    with subprocess.Popen(words, cwd=ROOT, stdin=theirs, stderr=subprocess.PIPE, stdout=-3, text=True) as process:
        os.write(ours, b"n\n")
        _, said = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == NOT_AGREED and said == "privacy-agent: Not turned on.\n"


def test_an_output_that_cannot_be_written(furnished):
    with open("/dev/full", "w") as full:
        run = command("export", "Mia's iPad", stdout=full)
    assert run.returncode == NOT_WRITTEN
    assert "the output could not be written: No space left on device" in run.stderr and "Traceback" not in run.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="not here: another user to be")
def test_another_user_is_told_that_they_may_not(furnished):
    os.chmod(furnished.folder.parent, 0o755)
    for folder in (furnished.folder, furnished.folder / "run"):
        os.chmod(folder, 0o755)
    code = "import sys; from agent.cli.main import main; sys.exit(main(['status']))"
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        user=65534,
        cwd="/",
        capture_output=True,
        text=True,
        env={"PRIVACY_AGENT_SOCKET": furnished.socket, "PATH": os.environ["PATH"]},
        timeout=60,
    )
    assert run.returncode == NOT_RUNNING and "try again as root" in run.stderr, run.stderr


def test_tables_fit_the_terminal(furnished):
    run = command("device", "list", stdout=subprocess.PIPE, env={**os.environ, "COLUMNS": "80"})
    assert run.returncode == OK and max(len(line) for line in run.stdout.splitlines()) <= 80
    listed = command("setting", "list", stdout=subprocess.PIPE).stdout
    assert "True" not in listed and "False" not in listed


def test_a_spreadsheet_gets_dates_and_names(furnished, tmp_path: Path):
    command("on", "device:Mia's iPad", "history", "--agree", "1")
    furnished.ask("www.spreadsheet.example")
    run = command("export", "Mia's iPad", "--format", "csv", "--output", str(tmp_path / "mia"), stdout=-3)
    assert run.returncode == OK
    text = (tmp_path / "mia" / "visit.csv").read_text(encoding="utf-8")
    assert text.startswith("\ufeff") and "Mia's iPad" in text
    assert re.search(r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\b", text)
