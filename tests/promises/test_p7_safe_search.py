"""P7: what safe search and strict search do explains itself, to whom it concerns and only while it is on."""

import pytest

from tests.promises.household import Home


@pytest.fixture
def family(home: Home) -> Home:
    """A child with a device, and an adult's device."""
    home.start()
    home.ask("person.add", name="Mia", group="child")
    home.ask("device.add", label="tablet", address="127.0.0.2", person_id=1)
    home.ask("device.add", label="phone", address="127.0.0.3")
    return home


def test_it_says_where_a_host_opens_and_how_to_change_that(family: Home) -> None:
    family.ask("content.set", person_id=1, search="on", youtube="moderate")
    told = family.ask("explain", name="www.google.com", device_id=1)
    assert told["verdict"] == "allow"
    assert told["safe"] == {"operator": "Google", "target": "forcesafesearch.google.com"}
    assert told["how"].endswith(
        "It opens in the safe form that Google offers (forcesafesearch.google.com), as chosen for Mia. "
        "To change that: privacy-agent content Mia search off"
    )
    told = family.ask("explain", name="www.youtube.com", device_id=1)
    assert told["safe"]["target"] == "restrictmoderate.youtube.com" and "Mia youtube off" in told["how"]
    assert family.ask("explain", name="ya.ru", device_id=1)["safe"]["target"] == "213.180.193.56"
    assert family.ask("explain", name="google.com", device_id=1)["safe"] is None
    for device in (2, None):
        arguments = {} if device is None else {"device_id": device}
        assert family.ask("explain", name="www.google.com", **arguments)["safe"] is None


def test_strict_search_says_what_it_refuses_and_how_to_allow_it(family: Home) -> None:
    family.ask("content.set", person_id=1, search="strict")
    told = family.ask("explain", name="www.startpage.com", device_id=1)
    assert told["verdict"] == "block" and told["applies"]
    assert told["how"].startswith("www.startpage.com is blocked because startpage.com is a search engine without")
    assert "privacy-agent allow www.startpage.com" in told["how"]
    family.ask("allow", name="www.startpage.com")
    assert family.ask("explain", name="www.startpage.com", device_id=1)["verdict"] == "allow"


def test_while_limits_are_off_nothing_of_it_applies(family: Home) -> None:
    family.ask("content.set", person_id=1, search="strict")
    family.ask("off", device_id=1, feature="limits")
    assert family.ask("explain", name="www.google.com", device_id=1)["safe"] is None
    told = family.ask("explain", name="www.startpage.com", device_id=1)
    assert not told["applies"] and told["how"].startswith("Limits are off for this device")
