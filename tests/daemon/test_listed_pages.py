"""Which page of a host a list names, and an explanation that agrees with what was refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.names import PublicSuffixes, compile_suffixes
from agent.core.shared_hosts import NOT_SHARED, SharedHosts
from agent.daemon.lists import listed_pages
from agent.daemon.lists.listed_pages import host_of, listed_page
from agent.jobs.compile import Source, compile_lists
from tests.promises.household import Home

URLS = """https://files.example/f/1
https://Bad.example/Login?x=1
bad.example.org/other
http://user@worse.example:8080/a
||third.example/x$all
"""


def found(path: Path, host: str) -> str | None:
    steps = listed_page(str(path), host.encode())
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


@pytest.mark.parametrize("piece", [40, 64, 1 << 18])
def test_the_page_is_found_in_pieces_of_any_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(listed_pages, "PIECE", piece)
    path = tmp_path / "list"
    path.write_text(URLS + "last.example/without-end")
    assert found(path, "bad.example") == "https://Bad.example/Login?x=1"
    assert found(path, "bad.example.org") == "bad.example.org/other"
    assert found(path, "worse.example") == "http://user@worse.example:8080/a"
    assert found(path, "third.example") == "third.example/x$all"
    assert found(path, "last.example") == "last.example/without-end"
    assert found(path, "example.org") is None and found(path, "x.example") is None
    assert found(tmp_path / "none", "bad.example") is None


def test_a_host_is_read_from_any_form() -> None:
    forms = [b"https://H.example/x", b"h.example/", b"http://u:p@h.example:81/x@y", b"h.example:80/x"]
    assert {host_of(form) for form in forms} == {b"h.example"}
    assert host_of(b"h.example") is None


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A tablet with protection, and a list of URLs."""
    made = Home(str(tmp_path))
    (tmp_path / "lists").mkdir()
    text = tmp_path / "lists" / "links.gz"
    text.write_text(URLS)
    made.start(lists_dir=str(tmp_path / "lists"))
    public = PublicSuffixes(compile_suffixes(["example", "org"]))
    shared = SharedHosts(["files.example"], [b"famous.example"], public)
    source = Source(str(text), "links", "Links", "v1", "phishing", "urls")
    compile_lists([source], made.household.settings.text("ruleset_file"), public_suffixes=public, shared=shared)
    made.household.load_lists()
    made.ask("device.add", label="tablet", address="127.0.0.2")
    made.ask("on", device_id=1, feature="protection", agree=1)
    yield made
    made.crash()


def meet(home: Home, host: bytes) -> bool:
    """A connection that opens with a TLS hello: only the host is seen."""
    client = home.household.clients.identify(None, "127.0.0.2")
    verdict = home.household.policy.reach(client.view, host, None)
    if verdict.blocked:
        home.household.recorder.refused(client.slot, client.generation, host.decode(), "tls", 1, verdict)
    return verdict.blocked


def test_an_explanation_names_the_page_and_says_why_all_of_the_host(home: Home) -> None:
    assert meet(home, b"bad.example") and meet(home, b"worse.example") and not meet(home, b"files.example")
    rows = home.ask("blocked")["items"]
    assert len(rows) == 2
    for row in rows:
        told = home.ask("explain", attempt_id=row["id"])
        assert told["verdict"] == told["rule"].pop("action") == "block"
        assert told["then"]["rule"] == told["rule"] == row["rule"]
        assert "'Links' has http" in told["how"] and NOT_SHARED in told["how"]
        assert "privacy-agent allow " + row["target"] in told["how"]
    assert "https://Bad.example/Login?x=1" in home.ask("explain", name="bad.example")["how"]
    assert home.ask("explain", name="files.example")["verdict"] == "allow"
    assert "bad.example" in home.ask("block.report", attempt_id=rows[-1]["id"])["text"]
    home.ask("allow", name="bad.example")
    assert not meet(home, b"bad.example")


def test_a_list_whose_text_is_gone_has_pages_of_it(home: Home) -> None:
    (Path(home.household.settings.text("lists_dir")) / "links.gz").unlink()
    assert "'Links' has pages of it, and bad.example" in home.ask("explain", name="bad.example")["how"]
