"""A device that took another MAC: the page says it at the device, and takes the new one over with one tap."""

import re

import pytest

from tests.jobs import browser
from tests.jobs.lived_in import Served
from tests.jobs.test_web_pages import serious, state, visit  # noqa: F401 - fixtures
from tests.jobs.web_peer import wait_until

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
NARROW = {"width": 360, "height": 740}
NEW = "3c:22:fb:00:00:66"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("unseen"), "--moved")
    yield served
    served.stop()


def test_the_new_address_is_offered_and_taken_over(visit, served):  # noqa: F811
    question = re.compile("^This looks like Mia's tablet with a new address .*: is it[?]")
    page = visit("/?person=1", NARROW)
    page.get_by_text(question).wait_for()
    assert page.get_by_text("could not set its rules").count() == 0, "nothing is wrong with the rules"
    for scheme in ("light", "dark"):
        for view in ("/devices", "/?person=1"):
            page = visit(view, NARROW, color_scheme=scheme)
            page.get_by_text(question).wait_for()
            browser.shoot(page, f"unseen-{view[1:4].strip('?')}-{scheme}")
            assert serious(page) == []
    german = visit("/devices", NARROW, "de-DE")
    german.get_by_text("Das sieht nach Mia's tablet mit einer neuen Adresse aus").wait_for()
    page = visit("/devices", NARROW)
    page.get_by_role("button", name="Yes, it is").click()
    page.get_by_text("known by its new address").wait_for()
    wait_until(lambda: NEW in [one["mac"] for one in served.ask("device.list")["items"]])
    page.get_by_text(question).wait_for(state="detached")
    page.get_by_role("button", name="Undo").click()
    page.get_by_text(question).wait_for()
