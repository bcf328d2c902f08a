"""P7 for hosts refused for their listed pages: what is refused by DNS, over TLS and over plain HTTP explains itself and
agrees with what happened; nothing shared is ever refused as a whole."""

import random
from pathlib import Path

import pytest

from agent.core.match import BY_PAGES
from agent.core.names import PublicSuffixes, compile_suffixes
from agent.core.shared_hosts import NOT_SHARED, SharedHosts
from agent.core.sniffed_request import url
from agent.jobs.compile import compile_lists
from agent.jobs.list_reader import Source
from tests.promises.household import Home

PUBLIC = PublicSuffixes(compile_suffixes(["example", "test", "pages.test"]))
SHARED = SharedHosts(["files.example"], [b"famous.example"], PUBLIC)
SITES = [f"bad{number}.example" for number in range(12)] + ["files.example", "famous.example", "pages.test"]
HOSTS = [before + site for site in SITES for before in ("", "www.", "a.")]


@pytest.fixture(params=range(5))
def listed(request: pytest.FixtureRequest, home: Home, tmp_path: Path) -> dict[str, str]:
    """A list of random pages in one of the ways that lists are written: host → page."""
    rng = random.Random(request.param)
    pages = {host: f"/{rng.randrange(1000)}/x{rng.choice(('', '?q=1', '.php'))}" for host in rng.sample(HOSTS, 20)}
    mark, end, syntax = rng.choice((("https://", "", "urls"), ("", "", "urls"), ("||", "$all", "adblock")))
    (tmp_path / "lists").mkdir()
    text = tmp_path / "lists" / "links.gz"
    text.write_text("".join(f"{mark}{host}{page}{end}\n" for host, page in pages.items()))
    home.start(lists_dir=str(tmp_path / "lists"))
    source = Source(str(text), "links", "Links", "v1", "phishing", syntax)
    target = home.household.settings.text("ruleset_file")
    compile_lists([source], target, public_suffixes=PUBLIC, shared=SHARED)
    home.household.load_lists()
    home.ask("device.add", label="tablet", address="127.0.0.2")
    home.ask("on", device_id=1, feature="protection", agree=1)
    return pages


def meet(home: Home, host: str, page: str | None, source: str) -> bool:
    """A question, a hello or a plain request; whether it was refused."""
    household = home.household
    client = household.clients.identify(None, "127.0.0.2")
    name, target = host.encode(), host
    if source == "dns":
        verdict = household.policy.decide(client.view, name)
    elif page is None:
        verdict = household.policy.reach(client.view, name, None)
    else:
        verdict = household.policy.reach(client.view, name, None, (name, page.encode()))
        target = url(name, page.encode())
    if verdict.blocked:
        household.recorder.refused(client.slot, client.generation, target, source, 1, verdict)
    return bool(verdict.blocked)


def test_every_refusal_agrees_with_its_explanation(home: Home, listed: dict[str, str]) -> None:
    for host in HOSTS:
        may_be_shared = SHARED.why(host.encode()) is not None
        by_name = [meet(home, host, None, source) for source in ("dns", "tls")]
        assert by_name == [host in listed and not may_be_shared] * 2, host
        if host in listed:
            assert meet(home, host, listed[host], "http"), "the page itself is refused, shared or not"
    rows = home.ask("blocked", limit=200)["items"]
    assert len(rows) >= len(listed)
    for row in rows:
        told = home.ask("explain", attempt_id=row["id"])
        assert told["verdict"] == told["rule"].pop("action") == "block"
        assert told["then"]["rule"] == told["rule"] == row["rule"]
        host = row["target"].split("://")[-1].split("/")[0]
        assert "privacy-agent allow " + host in told["how"]
        if row["rule"]["text"].endswith(BY_PAGES):
            assert NOT_SHARED in told["how"] and host + listed[host] in told["how"]


def test_what_it_says_allows_it(home: Home, listed: dict[str, str]) -> None:
    host = next(host for host in sorted(listed) if SHARED.why(host.encode()) is None)
    assert meet(home, host, None, "tls")
    home.ask("allow", name=host)
    assert not meet(home, host, None, "tls") and not meet(home, host, listed[host], "http")
