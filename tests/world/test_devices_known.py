"""A device is added only as it can be recognised."""

from pathlib import Path

import pytest

from agent.core.model import BadInput
from tests.promises.household import Home


@pytest.fixture(params=["address", "mark"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    made = Home(str(tmp_path))
    made.start(identity=request.param)
    made.known_by = {"address": {"address": "192.0.2.7"}, "mark": {"mac": "3c:22:fb:00:00:0a"}}[request.param]  # type: ignore[attr-defined]
    return made


def test_by_the_other_thing_it_is_told(home: Home) -> None:
    by_address = "address" in home.known_by  # type: ignore[attr-defined]
    other = {"mac": "3c:22:fb:00:00:0a"} if by_address else {"address": "192.0.2.7"}
    with pytest.raises(BadInput, match="address here" if by_address else "MAC here"):
        home.ask("device.add", label="tablet", **other)
    assert home.ask("device.list")["items"] == []


def test_no_groups_or_unspecified_addresses(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    home.start()
    for address in ("0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "::ffff:0.0.0.0"):
        with pytest.raises(BadInput):
            home.ask("device.add", label="tablet", address=address)
    assert home.ask("device.add", label="tablet", address="::ffff:192.0.2.7")["address"] == "192.0.2.7"


def test_a_person_and_shared_at_once_is_told(home: Home) -> None:
    home.ask("person.add", name="Mia", group="child")
    known_by = home.known_by  # type: ignore[attr-defined]
    with pytest.raises(BadInput, match="shared"):
        home.ask("device.add", label="tablet", person_id=1, shared=True, **known_by)
    home.ask("device.add", label="tablet", person_id=1, **known_by)
    with pytest.raises(BadInput, match="shared"):
        home.ask("device.edit", id=1, person_id=1, shared=True)
    assert home.ask("device.list")["items"][0]["person"]["name"] == "Mia"
