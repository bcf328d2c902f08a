"""A child asks for a name that many sites end in: what it would open is said, and one tap does not allow it."""

import pytest

from agent.core.names import PublicSuffixes, compile_suffixes
from agent.daemon.operations.arguments import OperationRejected
from tests.promises.household import Home

TABLET = "127.0.0.2"
WIDE = {
    "com": "com",
    "co.uk": "co.uk",
    "github.io": "github.io",
    "*.CO.uk": "co.uk",
    "https://github.io/": "github.io",
    "||com^": "com",
}
NARROW = ("example.com", "me.github.io", "www.example.co.uk", "192.0.2.1", "minecraft", "two words", "é" * 200)


@pytest.fixture
def family(home: Home) -> Home:
    made = home.start()
    made.lists.suffixes = PublicSuffixes(compile_suffixes(["com", "co.uk", "github.io"]))
    home.ask("device.add", label="tablet", address=TABLET)
    return home


def requested(family: Home, target: str, kind: str = "unblock") -> dict[str, object]:
    family.ask("request.add", address=TABLET, kind=kind, target=target)
    row = next(one for one in family.ask("request.list")["items"] if one["target"] == target)
    assert row in family.ask("me", address=TABLET)["requests"]
    found: dict[str, object] = row
    return found


@pytest.mark.parametrize("kind", ["unblock", "exception"])
@pytest.mark.parametrize("target", WIDE)
def test_what_it_opens_is_said_and_asked_twice(family: Home, target: str, kind: str) -> None:
    row = requested(family, target, kind)
    assert row["wide"] == WIDE[target]
    rule = {"name": target, "scope": "device", "device_id": row["device_id"]}
    with pytest.raises(OperationRejected) as refused:
        family.ask("allow", **rule)
    assert refused.value.code == "wide" and not family.ask("rule.list")["items"]
    assert family.ask("allow", **rule, sure=True)["name"] == WIDE[target]


@pytest.mark.parametrize("target", NARROW)
def test_one_site_is_one_site(family: Home, target: str) -> None:
    assert requested(family, target)["wide"] is None


def test_a_message_without_a_name(family: Home) -> None:
    assert family.ask("request.add", address=TABLET, kind="objection", text="no")["wide"] is None
