"""Whatever stands in any free text that the router tells, the page shows it as text: no element of it is made.

Each reply of the API has markup put into every text that people, devices, lists or servers chose.
"""

import json

import pytest

from tests.jobs import browser
from tests.jobs.lived_in import Served
from tests.jobs.test_web_look import VIEWS

pytestmark = pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "a browser is there")
MARKUP = "<img src=x onerror='window.broken=1'>\"'><svg onload=broken=1>"
# What somebody else chose, by the name of the field; the rest are words of the program's own, numbers and times.
FREE = set(
    "label name text answer message health trouble purpose contact retention country browser list_name"
    " list_version site target hosts title reads keeps sends for note own said detail licence home sees"
    " receives words reason pattern description version vendor hostname hint left_out missing encrypted address"
    " recipient".split()
)
VIEWS_TOO = {"minutes": "/?person=1&part=minutes"}


def marked(value: object, free: bool = False) -> object:
    if isinstance(value, dict):
        return {name: marked(inner, name in FREE or name.endswith("_sentence")) for name, inner in value.items()}
    if isinstance(value, list):
        return [marked(inner, free) for inner in value]
    return MARKUP + value if isinstance(value, str) and free else value


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("markup"))
    own = served.ask("device.add", label="This phone", address="127.0.0.1", person_id=2)["id"]
    served.ask("on", device_id=own, feature="history", agree=1)
    served.ask("request.add", device_id=own, kind="objection", text="please")
    yield served
    served.stop()


def answer(route) -> None:
    if "/events" in route.request.url:  # never ends
        route.continue_()
        return
    told = route.fetch()
    if "json" not in told.headers.get("content-type", ""):
        route.fulfill(response=told)
        return
    route.fulfill(response=told, body=json.dumps(marked(told.json())))


def test_markup_in_any_text_is_text(chromium, served):
    context = chromium.new_context(locale="en-GB")
    page = browser.watched(context)
    try:
        page.goto(f"http://127.0.0.1:{served.port}/")
        served.sign_in(page)
        page.route("**/api/v1/**", answer)
        seen = set()
        for name, address in {**VIEWS, **VIEWS_TOO}.items():
            page.goto(f"http://127.0.0.1:{served.port}{address}")
            page.locator("h1").first.wait_for()
            page.wait_for_function("!document.querySelector('[aria-busy=true]')")
            # What lies behind a fold, too.
            page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
            made = page.evaluate("[window.broken, document.querySelectorAll('img[src=x], svg[onload]').length]")
            assert made == [None, 0], name
            if MARKUP[:20] in page.locator("body").inner_text():
                seen.add(name)
        assert len(seen) >= 8, seen
        assert page.trouble == []
        page.unroute_all(behavior="ignoreErrors")
    finally:
        context.close()
