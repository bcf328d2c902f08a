"""A list of pages blocks hosts that exist for these pages, not those that everybody uses."""

import subprocess
import sys
from pathlib import Path

import pytest

from agent.core.names import PublicSuffixes, compile_suffixes
from agent.core.ruleset import Ruleset
from agent.core.shared_hosts import PAGES_MIN
from agent.jobs.compile import Source, compile_lists
from agent.jobs.knownsites import read_shared
from tests.world.rulesets import opened

ROOT = Path(__file__).parents[2]
TABLES = [str(ROOT / "blocklists" / name) for name in ("shared-hosts.txt", "popular.txt")]
SUFFIXES = ["com", "de", "ie", "jo", "cd", "uk", "co.uk", "ac.uk", "com.ar", "ar", "xyz", "example", "vercel.app"]
PUBLIC = PublicSuffixes(compile_suffixes(SUFFIXES))


def compiled(folder: Path, *urls: str, tables: list[str] = TABLES) -> Ruleset:
    text = folder / "urls"
    text.write_text("".join(url + "\n" for url in urls))
    shared = read_shared(*tables, PUBLIC)
    assert shared is not None
    compile_lists(
        [Source(str(text), "urls", syntax="urls")], str(folder / "set"), public_suffixes=PUBLIC, shared=shared
    )
    return opened(folder / "set")


def blocks(found: Ruleset, host: str) -> bool:
    verdict = found.decide(host.encode())
    return verdict is not None and verdict.blocked


@pytest.mark.parametrize(
    "url",
    [
        "https://www.google.de/url?q=https://phish.example/",
        "https://www.google.jo/amp/s/phish.example",
        "https://www.google.co.uk/url?q=phish.example",
        "https://www.amazon.ie/gp/page",
        "https://articulo.mercadolibre.com.ar/a",
        "https://www.ziprecruiter.com/ekm/a",
        "https://vercel.com/someone",
        "https://u.to/abc",
        "https://telegram.me/someone",
        "https://about.me/someone",
        "https://www.about.me/someone",
        "https://www.flow.page/x",
        "https://www.some-college.ac.uk/~someone/a.html",
        "https://news.example/go?to=https%3A%2F%2Fphish.example%2F",
    ],
)
def test_hosts_that_everybody_uses(tmp_path: Path, url: str) -> None:
    found = compiled(tmp_path, url, "https://phish.example/login")
    authority, _, path = url.split("://", 1)[1].partition("/")
    assert not blocks(found, authority)
    page = found.decide_page(authority.encode(), b"/" + path.encode())
    assert page is not None and page.blocked, "the page itself, where it can be seen"
    assert blocks(found, "phish.example")


def test_a_brand_elsewhere_is_no_front(tmp_path: Path) -> None:
    assert blocks(compiled(tmp_path, "https://roblox.xyz/login"), "roblox.xyz")
    assert blocks(compiled(tmp_path, "https://secure-roblox.cd/login"), "secure-roblox.cd")


def test_what_is_named_as_a_front_falls_with_more_evidence(tmp_path: Path) -> None:
    few = [f"https://roblox.cd/games/{number}" for number in range(PAGES_MIN - 1)]
    same = [f"https://roblox.cd/games/1?x={number}" for number in range(PAGES_MIN)]
    assert not blocks(compiled(tmp_path, *few, *same), "roblox.cd")
    assert blocks(compiled(tmp_path, *few, "https://roblox.cd/one/more"), "roblox.cd")
    assert blocks(compiled(tmp_path, few[0], "https://roblox.cd/"), "roblox.cd"), "its root is listed"


def test_who_registers_at_the_ending_of_academies_is_none(tmp_path: Path) -> None:
    assert not blocks(compiled(tmp_path, "https://some-college.ac.uk/a"), "some-college.ac.uk")
    assert blocks(compiled(tmp_path, "https://ads-support.ac/a"), "ads-support.ac")


def test_popular_sites_may_come_with_a_build(tmp_path: Path) -> None:
    (tmp_path / "top.csv").write_text("1,unheard-of.example\n2,news.paper.example\n3,not a name\n")
    (tmp_path / "list.json").write_text('{\n  "list": [\n    "builder.example",\n    "www.last.example"\n  ]\n}\n')
    (tmp_path / "suffixes.bin").write_bytes(compile_suffixes(SUFFIXES))
    for path in TABLES:
        (tmp_path / Path(path).name).write_bytes(Path(path).read_bytes())
    words = [
        sys.executable,
        str(ROOT / "tools" / "build-popular"),
        "--suffixes",
        "suffixes.bin",
        "top.csv",
        "list.json",
    ]
    subprocess.run([*words, "-o", "popular-sites.bin"], cwd=tmp_path, check=True, capture_output=True)
    stay = ["unheard-of", "news.paper", "www.paper", "builder", "www.builder", "last"]
    fall = ["customer.builder", "other"]
    urls = [f"https://{name}.example/x" for name in stay + fall]
    found = compiled(tmp_path, *urls, tables=[str(tmp_path / Path(path).name) for path in TABLES])
    assert [name for name in stay + fall if blocks(found, name + ".example")] == fall
    (tmp_path / "popular-sites.bin").write_bytes(b"damaged")
    found = compiled(tmp_path, *urls, tables=[str(tmp_path / Path(path).name) for path in TABLES])
    assert all(blocks(found, name + ".example") for name in stay + fall)
