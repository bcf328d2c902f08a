"""What the router does not take is said beside the field that it is about; what was typed stays."""

import pytest

from tests.jobs import browser
from tests.jobs.lived_in import Served
from tests.jobs.test_web_pages import serious, state, visit  # noqa: F401 - fixtures
from tests.jobs.web_peer import PASSWORD

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
NARROW = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("errors"))
    yield served
    served.stop()


def beside(page, label: str) -> str:
    """The sentence that belongs to that field."""
    field = page.get_by_label(label).and_(page.locator("[aria-invalid=true]"))
    field.wait_for()
    (name,) = [one for one in field.get_attribute("aria-describedby").split() if one.endswith("-error")]
    return page.locator("#" + name).inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_setting_says_beside_it_what_is_wrong(visit, served, scheme):  # noqa: F811
    page = visit("/account", NARROW, color_scheme=scheme)
    hours = page.get_by_label("Hours between two updates of the lists")
    before = hours.input_value()
    hours.fill("100000")
    hours.blur()
    assert beside(page, "Hours between two updates of the lists") == "Enter a whole number from 1 to 168."
    assert hours.input_value() == "100000" and page.locator(".toast").count() == 0
    browser.shoot(page, f"errors-{scheme}")
    assert serious(page) == []
    hours.fill(before)
    hours.blur()
    page.get_by_text("Saved").wait_for()
    page.locator("[aria-invalid=true]").wait_for(state="detached")
    page.trouble.clear()


def test_a_backup_says_beside_the_passphrase_and_the_file_what_is_wrong(visit, served):  # noqa: F811
    page = visit("/account", NARROW)
    page.locator("[name=passphrase]").fill("password12")
    page.get_by_role("button", name="Back up").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("dialog").get_by_role("button").last.click()
    page.locator("#passphrase-error").wait_for()
    assert page.locator("[name=passphrase]").input_value() == "password12"
    page.get_by_role("button", name="Restore", exact=True).click()
    page.locator("#file-error").get_by_text("Choose a backup file.").wait_for()
    page.get_by_label("File").set_input_files({"name": "b", "mimeType": "x/y", "buffer": b"none of ours" * 20})
    page.locator("[name=with]").fill("three slow green trains")
    page.get_by_role("button", name="Restore", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    page.locator("#file-error").get_by_text("not a Privacy Agent backup").wait_for()
    browser.shoot(page, "errors-backup")
    page.trouble.clear()


def test_a_site_that_is_none_is_said_beside_it(visit, served):  # noqa: F811
    page = visit("/protection", NARROW)
    for wrong in ("", "a b.example"):
        page.get_by_label("Site").fill(wrong)
        page.get_by_role("button", name="Check", exact=True).click()
        assert beside(page, "Site")
        assert page.get_by_label("Site").input_value() == wrong
    page.get_by_label("Site").fill("school.example")
    page.get_by_role("button", name="Check", exact=True).click()
    page.locator(".answer strong", has_text="school.example").wait_for()
    assert page.locator("[aria-invalid=true]").count() == 0
    page.trouble.clear()
