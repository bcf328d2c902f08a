"""P8, P2 and P6 of devices that were never here before: the household chooses nothing, to be told, or protection at
once; their history is never on by itself, and nothing is stored of them but a salted hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.core.model import HISTORY, PROTECTION
from agent.daemon.arrivals import DAY_MAX, HELD_MAX
from agent.daemon.clients import DeviceView
from agent.daemon.daemon import put_in_place
from tests.daemon.test_backup import saved
from tests.promises.household import Home, HomeEdges

TV, PHONE, VISITOR, LAPTOP = "3c:22:fb:00:00:0a", "3c:22:fb:00:00:0b", "3c:22:fb:00:00:0c", "3c:22:fb:00:00:0d"


class Network(HomeEdges):
    """Who is in sight, and what the kernel was told."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self.steered: dict[bytes, DeviceView] = {}
        self.moved: dict[str, object] = {}
        self.off: frozenset[bytes] = frozenset()
        self.refuses = False

    def come(self, mac: str, name: str = "", interface: str = "br-lan") -> None:
        self.where[bytes.fromhex(mac.replace(":", ""))] = frozenset([interface])
        self.names = {**getattr(self, "names", {}), mac: name}

    def neighbours_seen(self) -> list[tuple[bytes, dict[str, object]]]:
        m = {"address": None, "private_mac": False, "many": False}
        return [(mac, {"mac": mac.hex(":"), "hostname": self.names[mac.hex(":")], **m}) for mac in sorted(self.where)]

    def apply(self, wanted: dict[bytes, DeviceView]) -> None:
        self.steered = wanted

    def hold(self, macs: frozenset[bytes]) -> None:
        if self.refuses:
            raise OSError("no room")
        self.off = macs

    def unseen(self, device: object) -> dict[str, object]:
        return self.moved


@pytest.fixture
def network(home: Home) -> Network:
    made = Network(home)
    home.edges = made
    home.start(identity="mark", interfaces=["br-lan", "br-guest"])
    made.come(TV, "tv")
    return made


def choose(home: Home, value: str) -> None:
    home.ask("settings.set", key="new_devices", value=value, actor="web")


def look(home: Home) -> None:
    assert home.household
    home.household.look_for_arrivals()


def new(home: Home) -> list[str]:
    return [row["mac"] for row in home.ask("device.new")["items"] if row["new"]]


def on(home: Home) -> dict[str, list[str]]:
    rows = home.ask("device.list")["items"]
    return {row["label"]: [name for name, one in row["features"].items() if one["on"]] for row in rows}


def test_by_default_nothing_looks_and_nothing_is_stored(home: Home, network: Network) -> None:
    network.come(PHONE)
    look(home)
    assert new(home) == [] and on(home) == {} and network.steered == {}
    assert home.household and home.household.state.meta("known devices", "") == ""
    assert home.ask("activity")["items"] == [] or all(row["action"] == "boot" for row in home.ask("activity")["items"])


def test_told_shows_who_was_not_here_before_and_leaves_them_alone(home: Home, network: Network) -> None:
    choose(home, "told")
    assert new(home) == [], "whoever was here when it was chosen is known"
    network.come(PHONE, "a-phone")
    look(home)
    assert new(home) == [PHONE] and on(home) == {} and network.steered == {}
    assert home.ask("status")["new_devices"] == {"mode": "told", "waiting": 1, "held": 0}
    assert {"event": "device"} in network.events
    home.ask("device.known", mac=PHONE)
    look(home)
    assert new(home) == []
    row = [row for row in home.ask("activity")["items"] if row["action"] == "arrivals"]
    assert [(one["actor"], one["detail"]) for one in row] == [("web", "new_devices:nothing>told")]


def test_protected_is_protection_at_once_and_never_history(home: Home, network: Network) -> None:
    choose(home, "protected")
    assert on(home) == {}, "the television was here"
    network.come(PHONE, "a-phone")
    look(home)
    assert on(home) == {"a-phone": [PROTECTION]}
    assert [mac.hex(":") for mac in network.steered] == [PHONE]
    rows = [row for row in home.ask("activity")["items"] if row["enrolment"]]
    assert {row["action"] for row in rows} == {"enrol", "on"} and {row["actor"] for row in rows} == {"new_devices"}
    assert not any(row["feature"] == HISTORY for row in rows)
    assert home.ask("audit")["ok"]


def test_nobody_is_new_twice_also_after_a_restart_or_when_removed(home: Home, network: Network) -> None:
    choose(home, "protected")
    network.come(PHONE, "a-phone")
    look(home)
    home.ask("device.remove", id=1)
    look(home)
    assert on(home) == {}, "the household removed it"
    home.crash()
    home.start(identity="mark", interfaces=["br-lan", "br-guest"])
    look(home)
    assert on(home) == {} and new(home) == []


def test_what_is_stored_is_no_address_and_goes_with_the_choice(home: Home, network: Network) -> None:
    choose(home, "told")
    network.come(PHONE, "a-phone")
    look(home)
    home.ask("device.known", all=True)

    def bytes_of_files() -> bytes:
        return b"".join(path.read_bytes() for path in Path(home.state_dir).iterdir() if path.is_file())

    raw = bytes.fromhex(PHONE.replace(":", ""))
    for form in (raw, PHONE.encode(), raw.hex().encode(), b"a-phone"):
        assert form not in bytes_of_files(), form
    assert home.household and "known" in home.household.state.meta("known devices", "")
    choose(home, "nothing")
    assert "known" not in home.household.state.meta("known devices", "").replace("known devices", "")


def test_guests_are_left_alone(home: Home, network: Network) -> None:
    choose(home, "protected")
    network.come(VISITOR, "visitor", "br-guest")
    look(home)
    assert on(home) == {} and new(home) == []


def test_made_up_addresses_fill_nothing(home: Home, network: Network) -> None:
    choose(home, "protected")
    for number in range(DAY_MAX + 5):
        network.come(f"3e:22:fb:00:01:{number:02x}")
    look(home)
    assert len(on(home)) == DAY_MAX and len(new(home)) == 5
    look(home)
    assert len(on(home)) == DAY_MAX


def test_a_device_of_ours_with_another_address_is_offered_there(home: Home, network: Network) -> None:
    home.ask("device.add", label="tablet", mac="3c:22:fb:00:00:01")
    choose(home, "protected")
    moved = {"mac": PHONE, "address": None, "hostname": "tablet"}
    network.moved = {"unseen": 1, "through": None, "moved": moved}
    network.come(PHONE, "tablet")
    look(home)
    assert on(home) == {"tablet": []} and new(home) == [PHONE]


def test_by_address_nobody_is_protected_by_itself(home: Home) -> None:
    network = home.edges = Network(home)
    home.start()
    choose(home, "protected")
    network.come(PHONE)
    look(home)
    assert on(home) == {} and new(home) == [PHONE]


def off(home: Home) -> set[str]:
    """Whose internet the kernel was told to keep off."""
    assert isinstance(home.edges, Network)
    return {mac.hex(":") for mac in home.edges.off}


def test_held_lets_nothing_out_of_whom_nobody_knows(home: Home, network: Network) -> None:
    choose(home, "held")
    look(home)
    assert off(home) == set(), "whoever was here when it was chosen is known"
    for mac in (PHONE, VISITOR, LAPTOP):
        network.come(mac, interface="br-guest" if mac == VISITOR else "br-lan")
    look(home)
    assert off(home) == {PHONE, LAPTOP}, "guests are left alone"
    assert home.ask("status")["new_devices"] == {"mode": "held", "waiting": 2, "held": 2}
    assert [row["mac"] for row in home.ask("device.new")["items"] if row["held"]] == [PHONE, LAPTOP]
    assert network.steered == {} and on(home) == {}, "nothing of theirs comes to the agent"
    home.ask("device.known", mac=PHONE)
    assert off(home) == {LAPTOP}
    home.ask("device.add", label="laptop", mac=LAPTOP)
    assert off(home) == set(), "at once"


def test_who_is_the_new_address_of_a_device_is_held_no_more(home: Home, network: Network) -> None:
    home.ask("device.add", label="tablet", mac="3c:22:fb:00:00:01")
    choose(home, "held")
    network.come(PHONE)
    look(home)
    assert off(home) == {PHONE}
    home.ask("device.edit", id=1, mac=PHONE)
    assert off(home) == set() and new(home) == []


def test_a_backup_frees_nobody_who_is_held(home: Home, network: Network) -> None:
    """Neither does it make new who was added since: whoever is in sight was told apart here, not there."""
    home.ask("device.add", label="laptop", mac=LAPTOP)
    rows = saved(home, False)
    network.come(LAPTOP)
    network.come("3c:22:fb:00:00:01")
    home.ask("device.add", label="tablet", mac="3c:22:fb:00:00:01")
    choose(home, "held")
    rows += [row for row in saved(home, False) if row["kind"] == "setting"]
    network.come(PHONE)
    look(home)
    assert off(home) == {PHONE}
    household = home.household
    assert household
    for part, of in (("first", rows), ("last", [])):
        home.ask("restore", part=part, rows=of)
    home.crash()
    put_in_place(household)
    network.off = frozenset()
    home.start(identity="mark", interfaces=["br-lan", "br-guest"])
    look(home)
    assert [row["label"] for row in home.ask("device.list")["items"]] == ["laptop"]
    assert off(home) == {PHONE} and new(home) == [PHONE]
    assert [row["detail"] for row in home.ask("activity")["items"] if row["action"] == "arrivals"] == []
    assert home.ask("audit")["ok"]


def test_held_outlives_a_restart_and_ends_with_the_choice(home: Home, network: Network) -> None:
    choose(home, "held")
    network.come(PHONE)
    look(home)
    home.crash()
    network.off = frozenset()
    home.start(identity="mark", interfaces=["br-lan", "br-guest"])
    look(home)
    assert off(home) == {PHONE}
    choose(home, "told")
    assert off(home) == set() and new(home) == [PHONE]
    choose(home, "held")
    assert off(home) == {PHONE}
    choose(home, "nothing")
    assert off(home) == set()
    details = [row["detail"] for row in home.ask("activity")["items"] if row["action"] == "arrivals"]
    assert "new_devices:told>held" in details and home.ask("audit")["ok"]


def test_made_up_addresses_fill_no_table_of_the_kernel(home: Home, network: Network) -> None:
    choose(home, "held")
    for number in range(HELD_MAX + 9):
        network.come(f"3e:22:fb:00:{number >> 8:02x}:{number & 255:02x}")
    look(home)
    assert len(off(home)) == HELD_MAX


def test_made_up_addresses_free_nobody(home: Home, network: Network) -> None:
    """As many as the kernel's table of neighbours has, and all of them before the one that is held."""
    choose(home, "held")
    network.come(PHONE)
    look(home)
    assert off(home) == {PHONE}
    for number in range(2 * HELD_MAX):
        network.come(f"02:22:fb:00:{number >> 8:02x}:{number & 255:02x}")
    look(home)
    assert PHONE in off(home) and len(off(home)) == HELD_MAX
    look(home)
    assert PHONE in off(home) and len(off(home)) == HELD_MAX


def test_what_the_kernel_did_not_take_is_told_it_again(home: Home, network: Network) -> None:
    choose(home, "held")
    network.come(PHONE)
    network.refuses = True
    with pytest.raises(OSError, match="no room"):
        look(home)
    network.refuses = False
    look(home)
    assert off(home) == {PHONE}


def test_by_address_nobody_is_held_by_itself(home: Home) -> None:
    network = home.edges = Network(home)
    home.start()
    choose(home, "held")
    network.come(PHONE)
    look(home)
    assert off(home) == set() and new(home) == [PHONE]
    assert home.ask("status")["new_devices"]["held"] == 0
