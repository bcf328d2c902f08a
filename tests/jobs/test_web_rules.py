"""The household's own rules as text, in a browser: saved, looked through, taken over whole or not at all."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.operations.rules import RULES_MAX
from tests.jobs import browser
from tests.jobs.lived_in import Served
from tests.jobs.test_web_pages import serious, served, state, visit  # noqa: F401  fixtures, by name
from tests.jobs.web_peer import wait_until

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")

GAMBLING = "xn--glcksspiel-beb.example"  # glücksspiel


@pytest.fixture(autouse=True)
def no_rules(served: Served) -> Iterator[None]:  # noqa: F811
    yield
    while rows := served.ask("rule.list", limit=200)["items"]:
        for row in rows:
            served.ask("rule.remove", id=row["id"])


def rules(served: Served) -> list[tuple[object, ...]]:  # noqa: F811
    keys = ("name", "action", "scope", "device_id", "person_id", "expires_at")
    return sorted(tuple(row[key] for key in keys) for row in served.ask("rule.list", limit=200)["items"])


def look_through(page, text: str):
    """The sheet after a text was pasted into it."""
    page.get_by_role("button", name="Import rules").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Or paste it here").fill(text)
    sheet.get_by_role("button", name="Check", exact=True).click()
    return sheet


@pytest.mark.parametrize("language", ["en-GB", "de-DE"])
def test_saved_and_read_again(visit, served: Served, language: str, tmp_path: Path) -> None:  # noqa: F811
    german = language == "de-DE"
    served.ask("allow", name="school.example")
    served.ask("block", name="games.example", person_id=1, seconds=3600)
    before = rules(served)
    page = visit("/protection", locale=language)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Regeln exportieren" if german else "Export rules").click()
    file = tmp_path / "rules.txt"
    saving.value.save_as(file)
    lines = file.read_text().splitlines()
    assert lines[0][0] == "#" and sorted(lines[2:]) == sorted(served.ask("rule.export")["items"])
    for row in served.ask("rule.list")["items"][:1]:
        served.ask("rule.remove", id=row["id"])
    page.get_by_role("button", name="Regeln importieren" if german else "Import rules").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Datei" if german else "File").set_input_files(file)
    sheet.get_by_role("button", name="Prüfen" if german else "Check", exact=True).click()
    told = "1 Regel ist neu. 1 gibt es schon" if german else "1 rule is new. 1 exists already"
    sheet.get_by_text(told).wait_for()
    assert len(rules(served)) == 1, "looked through, and nothing was added"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious(page) == []
    browser.shoot_part(sheet, "rules-read-" + language[:2])
    sheet.get_by_role("button", name="2 Regeln importieren" if german else "Import 2 rules").click()
    page.get_by_text("2 Regeln importiert." if german else "2 rules imported.").wait_for()
    assert rules(served) == before
    page.locator(".row", has_text="school.example").wait_for()


def test_what_is_wrong_is_said_by_line_and_nothing_is_added(visit, served: Served) -> None:  # noqa: F811
    """Lines beyond the first request, too."""
    page = visit("/protection", locale="de-DE")
    page.get_by_role("button", name="Regeln importieren").click()
    sheet = page.get_by_role("dialog")
    text = [f"block site{n}.example" for n in range(250)]
    text[1] = "block"
    text[230] = "allow wiki.example for device Nobody's"
    text[231] = "block games.example until tomorrow"
    sheet.get_by_label("Oder hier einfügen").fill("\n".join(text))
    sheet.get_by_role("button", name="Prüfen", exact=True).click()
    sheet.get_by_text("3 Zeilen sind fehlerhaft. Nichts wurde geändert.").wait_for()
    sheet.get_by_text("Zeile 2: Eine Regel beginnt mit allow oder block, dann folgt eine Website").wait_for()
    sheet.get_by_text("Zeile 231: Es gibt kein Gerät").wait_for()
    sheet.get_by_text("Zeile 232: keine Zeit wie 2026-12-24T18:00:00Z").wait_for()
    assert sheet.get_by_role("button", name="importieren").count() == 0
    browser.shoot_part(sheet, "rules-wrong")
    assert rules(served) == []


def test_names_alone_are_taken_as_the_reader_says(visit, served: Served) -> None:  # noqa: F811
    page = visit("/protection")
    sheet = look_through(page, "casino.example\n\n# ein Kommentar für mich\n*.glücksspiel.example")
    sheet.get_by_text("2 lines have errors").wait_for()
    sheet.get_by_label("Lines with only a site").select_option("block")
    sheet.get_by_text("2 lines have errors").wait_for(state="detached")
    sheet.get_by_role("button", name="Check", exact=True).click()
    sheet.get_by_role("button", name="Import 2 rules").click()
    page.locator(".row", has_text=GAMBLING).get_by_text("blocked").wait_for()
    assert [row[:2] for row in rules(served)] == [("casino.example", "block"), (GAMBLING, "block")]


def test_what_is_no_list_of_rules(visit, served: Served, tmp_path: Path) -> None:  # noqa: F811
    page = visit("/protection")
    sheet = look_through(page, "# nothing but a comment\n")
    sheet.get_by_text("There is no rule in it.").wait_for()
    sheet.get_by_label("Or paste it here").fill("block over.example until 2020-01-01T00:00:00Z")
    sheet.get_by_role("button", name="Check", exact=True).click()
    sheet.get_by_text("1 has expired and is skipped. There is no rule in it.").wait_for()
    for content, sentence in (
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"#" * (5 << 20), "more than all rules together"),
    ):
        file = tmp_path / "file.txt"
        file.write_bytes(content)
        sheet.get_by_label("File").set_input_files(file)
        sheet.get_by_role("button", name="Check", exact=True).click()
        sheet.get_by_text(re.compile(sentence)).wait_for()
    assert rules(served) == []


def test_more_than_there_is_room_for(visit, served: Served, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "many.txt"
    file.write_text("\n".join(f"block s{n}.example" for n in range(RULES_MAX + 1)))
    page = visit("/protection")
    page.get_by_role("button", name="Import rules").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("File").set_input_files(file)
    sheet.get_by_role("button", name="Check", exact=True).click()
    sheet.get_by_text("There is room for 2,000 rules, and these are 2,001 new ones.").wait_for()
    assert rules(served) == []


def test_a_rule_that_came_between_is_no_surprise(visit, served: Served) -> None:  # noqa: F811
    """Looked through, then changed by somebody else: what was agreed to is what is added."""
    page = visit("/protection")
    sheet = look_through(page, "block games.example")
    sheet.get_by_text("1 rule is new.").wait_for()
    served.ask("allow", name="games.example")
    sheet.get_by_role("button", name="Import 1 rule").click()
    wait_until(lambda: [row[:2] for row in rules(served)] == [("games.example", "block")])


def test_what_is_changed_while_it_is_looked_through_is_looked_through_again(visit, served: Served) -> None:  # noqa: F811
    page = visit("/protection")
    held = []
    page.route("**/api/v1/rules/text", lambda route: held.append(route))
    sheet = look_through(page, "block games.example")
    wait_until(lambda: page.evaluate("1") and held)
    sheet.get_by_label("Or paste it here").fill("block school.example")
    held[0].continue_()
    page.unroute("**/api/v1/rules/text")
    sheet.get_by_role("button", name="Check", exact=True).click()
    sheet.get_by_role("button", name="Import 1 rule").click()
    page.locator(".row", has_text="school.example").wait_for()
    assert [row[0] for row in rules(served)] == ["school.example"]
