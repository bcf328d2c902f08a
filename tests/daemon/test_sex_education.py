"""Help is not blocked: sites of sex education and for LGBTQ people over every category, by name and below it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.core.model import ALLOW, BLOCK
from agent.daemon.lists.loaded import helplines
from agent.jobs.compile import Source, compile_lists
from tests.promises.household import Home

TABLES = Path(__file__).resolve().parents[2] / "blocklists"
EDUCATION = sorted(name.decode() for name in helplines(str(TABLES / "sex-education.txt")))
PROTECTS = "phishing-database"
HELP = sorted(name.decode() for name, note in helplines(str(TABLES / "helplines.txt")).items() if note[:5] == "lgbtq")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Mia, for whom every category is blocked that a list here fills; each has all of these names."""
    folder = tmp_path_factory.mktemp("education")
    (folder / "names").write_text("\n".join([*EDUCATION, *HELP, "porn.example", "notscarleteen.com"]))
    sources = [
        Source(str(folder / "names"), feed, feed, "1", kind, "domains")
        for feed, kind in (("sinfonietta-adult", "adult"), ("ut1-dating", "dating"), (PROTECTS, "phishing"))
    ]
    compile_lists(sources, str(folder / "rules.bin"))
    made = Home(str(folder))
    household = made.start(data_dir=str(TABLES), ruleset_file=str(folder / "rules.bin"))
    household.load_lists()
    made.ask("person.add", name="Mia", group="child")
    made.ask("device.add", label="tablet", address="127.0.0.2", person_id=1)
    yield made
    made.crash()


def test_no_category_blocks_them(home: Home) -> None:
    home.ask("content.set", person_id=1, categories=["adult", "dating"], lists={PROTECTS: "off"})
    assert len(EDUCATION) > 30 and len(HELP) > 10
    for name in [*EDUCATION, *HELP]:
        for asked in (name, "www." + name):
            assert home.ask("explain", name=asked, person_id=1)["verdict"] == ALLOW, asked
    for name in ("porn.example", "www.porn.example", "notscarleteen.com"):
        assert home.ask("explain", name=name, person_id=1)["verdict"] == BLOCK, name


def test_what_protects_and_the_household_still_may(home: Home) -> None:
    home.ask("content.set", person_id=1, categories=["adult"], lists={PROTECTS: "on"})
    assert home.ask("explain", name="scarleteen.com", person_id=1)["rule"]["category"] == "phishing"
    home.ask("content.set", person_id=1, lists={PROTECTS: "off"})
    home.ask("block", name="scarleteen.com", scope="person", person_id=1)
    assert home.ask("explain", name="www.scarleteen.com", person_id=1)["verdict"] == BLOCK


def test_the_table_is_of_these_alone() -> None:
    assert not set(HELP) & set(EDUCATION), "a helpline stands in its own table"
    lines = (TABLES / "sex-education.txt").read_text().splitlines()
    assert all("; " in line.partition("#")[2] for line in lines if line and line[0] != "#"), "who and where"
