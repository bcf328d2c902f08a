"""doctor in the lab's router: quiet when all is well, and right about each thing that is not."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.lab import ALICE_MAC, FIREWALL, Lab
from tests.lab.resident import ROOT, Resident

Row = dict[str, str]


# The router's release is the one that these tests are built on; the newest one lies beside it (tools/setup.sh).
PYROUTE2 = {"on the router": None, "newest": Path(sys.prefix) / "newest"}


class Doctor:
    def __init__(self, lab: Lab, resident: Resident, libraries: Path | None) -> None:
        self.lab, self.resident = lab, resident
        self.environment = os.environ if libraries is None else {**os.environ, "PYTHONPATH": str(libraries)}
        self.code = -1

    def __call__(self, **overrides: object) -> list[Row]:
        """The findings that ask for something to be done."""
        command = [sys.executable, "-m", "agent.jobs.doctor", str(self.resident.settings), json.dumps(overrides)]
        process = self.lab.router.start([*command, "--json"], cwd=ROOT, stdout=subprocess.PIPE, env=self.environment)
        output = process.communicate(timeout=30)[0]
        self.code = process.returncode
        findings = json.loads(output)["findings"]
        # No list is loaded in the lab, and it may be that bridges show the firewall their packets.
        return [row for row in findings if row["level"] in ("warning", "failure") and row["about"] != "lists"]


@pytest.fixture(params=PYROUTE2)
def doctor(request: pytest.FixtureRequest, lab: Lab, resident: Resident) -> Iterator[Doctor]:
    libraries = PYROUTE2[request.param]
    if libraries is not None and not libraries.is_dir():
        pytest.skip(f"no newer pyroute2 in {libraries}: tools/test puts it there")
    resident.on(resident.add("Tablet", ALICE_MAC))
    yield Doctor(lab, resident, libraries)


@pytest.fixture
def nft(lab: Lab) -> Iterator[Callable[[str], str]]:
    """Loads rules, and restores the firewall in the end."""
    yield lambda rules: lab.router.run(["nft", "-f", "-"], input=rules)
    lab.router.run(["nft", "flush", "ruleset"])
    lab.router.run(["nft", "-f", str(FIREWALL)])


def only(rows: list[Row]) -> Row:
    assert len(rows) == 1, rows
    return rows[0]


def test_all_is_well(doctor: Doctor) -> None:
    assert doctor() == []
    assert doctor.code == 1, "the missing list is worth a warning"


def test_text_says_what_to_do(lab: Lab, doctor: Doctor) -> None:
    command = [sys.executable, "-m", "agent.jobs.doctor", str(doctor.resident.settings), "{}"]
    process = lab.router.start(command, cwd=ROOT, stdout=subprocess.PIPE)
    lines = process.communicate(timeout=30)[0].decode().splitlines()
    assert "ok      The kernel steers exactly the 1 device(s) that are on." in lines
    at = next(number for number, line in enumerate(lines) if line.startswith("warning"))
    assert lines[at + 1].startswith("        → ")


@pytest.mark.parametrize(
    "rule",
    [
        "udp dport 53 redirect to :53",
        "tcp dport 53 dnat ip to 192.168.50.9",
        "meta l4proto { tcp, udp } th dport { 53, 853 } counter redirect",
    ],
)
def test_a_rule_that_forces_dns(doctor: Doctor, nft: Callable[[str], str], rule: str) -> None:
    for priority, level in (("dstnat", "warning"), ("-110", "failure")):
        nft(f"table inet other {{\nchain force {{\ntype nat hook prerouting priority {priority};\n{rule}\n}}\n}}")
        found = only(doctor())
        assert (found["about"], found["level"]) == ("dns-rules", level)
        assert "table inet other, chain force" in found["sentence"]
        nft("delete table inet other")


def test_a_rule_about_another_port_is_none_of_ours(doctor: Doctor, nft: Callable[[str], str]) -> None:
    nft("table ip other {\nchain force {\ntype nat hook prerouting priority dstnat;\nudp dport 123 redirect\n}\n}")
    assert doctor() == []


def test_marks_of_others(doctor: Doctor, nft: Callable[[str], str]) -> None:
    chain = "table inet other {{\nchain m {{\ntype filter hook prerouting priority mangle;\n{}\n}}\n}}"
    nft(chain.format("ct mark set ct mark & 0xff00ffff | 0x00010000"))
    assert doctor() == [], "bits that the agent leaves to others"
    nft(chain.format("ct mark set 0x80000000"))
    found = only(doctor())
    assert (found["about"], found["level"]) == ("marks", "warning")


def test_a_routing_rule_that_catches_the_answers(lab: Lab, doctor: Doctor) -> None:
    for rule, expected in (("0x10000/0xff0000", []), ("0x40000000/0x40000000", ["marks"])):
        lab.router.run(["ip", "rule", "add", "fwmark", rule, "lookup", "100"])
        assert [row["about"] for row in doctor()] == expected
        lab.router.run(["ip", "rule", "del", "fwmark", rule, "lookup", "100"])


def test_a_zone_that_lets_no_dns_in(lab: Lab, doctor: Doctor, nft: Callable[[str], str]) -> None:
    lab.router.run(["nft", "flush", "chain", "inet", "fw4", "input_guest"])
    found = only(doctor())
    assert (found["about"], found["level"]) == ("zones", "failure")
    assert "br-guest" in found["sentence"]
    assert doctor.code == 7


@pytest.mark.parametrize(
    "rule",
    [
        "insert rule inet fw4 forward iifname wan0 accept",
        "flush chain inet fw4 forward; chain inet fw4 forward { policy accept; }",
    ],
)
def test_a_way_in_by_ipv6(lab: Lab, doctor: Doctor, nft: Callable[[str], str], rule: str) -> None:
    nft(rule)
    found = only(doctor())
    assert (found["about"], found["level"]) == ("from-outside", "warning")
    assert "from wan0 to br-lan" in found["sentence"]


def test_settings_that_do_not_fit(doctor: Doctor) -> None:
    found = only(doctor(interfaces=["br-lan", "br-nowhere"]))
    assert (found["about"], found["level"]) == ("interfaces", "warning")
    rows = doctor(upstream=["127.0.0.1:5300", "127.0.0.1:5399"])
    assert [(row["about"], row["level"]) for row in rows] == [("upstream", "warning")]
    rows = doctor(upstream=["127.0.0.1:5399"])
    assert [(row["about"], row["level"]) for row in rows] == [("upstream", "failure")]


def test_a_daemon_that_is_not_there(lab: Lab, doctor: Doctor) -> None:
    assert doctor.resident.stop() == 0
    found = only(doctor())
    assert (found["about"], found["level"]) == ("daemon", "failure")
    taken = lab.router.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("0.0.0.0", 5391))
    assert [row["about"] for row in doctor()] == ["daemon", "port"]


def test_rules_that_nobody_owns(lab: Lab, doctor: Doctor) -> None:
    assert doctor.resident.stop() == 0
    lab.router.run(["nft", "add", "table", "inet", "privacy_agent"])
    try:
        rows = [row for row in doctor() if row["about"] == "table"]
        assert [row["level"] for row in rows] == ["failure", "warning"]
    finally:
        lab.router.run(["nft", "delete", "table", "inet", "privacy_agent"])


def test_it_changes_nothing(lab: Lab, doctor: Doctor) -> None:
    before = lab.router.run(["nft", "-a", "list", "ruleset"])
    doctor()
    assert lab.router.run(["nft", "-a", "list", "ruleset"]) == before


def test_bad_settings_are_said(lab: Lab, tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text('{"agent_porrt": 1}')
    process = lab.router.start(
        [sys.executable, "-m", "agent.jobs.doctor", str(settings)], cwd=ROOT, stderr=subprocess.PIPE
    )
    assert b"agent_port?" in process.communicate()[1]
    assert process.returncode == 2
