"""The scenario: a household's router from the first install to the removal, each step a function.

Each step checks from outside where it can: nft for the kernel, a client's resolver for DNS, SQLite on a copy of the
file for what was recorded, ps for what runs.
"""

from collections.abc import Callable

from tests.qemu.story import Story, expect

MAC = "02:00:00:00:00:03"
TABLET = "Tablet"
PHISHING = "login.phishing.example"


def before(story: Story) -> None:
    """A router without the agent."""
    story.dns_works()
    story.dns_works("visitor")
    expect(not story.processes(), "something of the agent runs before it is installed")


def install(story: Story) -> None:
    """opkg installs, the service runs, and nothing is on."""
    story.router.ask(f"opkg install {story.parcels}/privacy-agent_*-r1_all.ipk", 60)
    story.until(story.running, "the daemon does not answer after the install")
    expect(story.asked("status")["devices_on"] == 0, "something is on after the install")
    expect(story.steered() == [], "the kernel steers a device after the install")
    story.dns_works()
    expect(story.rows() == (0, 0, 0, 0), "something was recorded before anything was on")


def enrol(story: Story) -> None:
    """A device is enrolled; that alone changes nothing."""
    story.cli("device", "add", "--mac", MAC, TABLET)
    story.cli("block", PHISHING)
    (answer,) = story.ask(PHISHING)
    expect(answer.rcode == "NOERROR" and answer.ede == "-", f"refused although nothing is on: {answer}")
    expect(story.steered() == [] and story.rows() == (0, 0, 0, 0), "enrolment alone steers or records")


def on(story: Story) -> None:
    """Both features on: the device is steered, visits and refusals are recorded, the neighbour is not touched."""
    story.cli("on", TABLET, "history", "--agree", "1")
    story.cli("on", TABLET, "protection", "--agree", "1")
    expect(story.steered() == [MAC], "the kernel does not steer exactly the tablet")
    story.dns_works()
    story.dns_works("neighbour")
    (refused,) = story.ask(PHISHING)
    expect(refused.ede == "15" and refused.addresses == "0.0.0.0", f"not refused with EDE 15: {refused}")
    (other,) = story.ask(PHISHING, who="neighbour")
    expect(other.ede == "-", f"the neighbour was refused: {other}")
    story.until(lambda: story.rows().attempts == 1 and story.rows().visits >= 1, "visit and attempt are not recorded")
    sites = {item["site"] for item in story.asked("history", TABLET)["items"]}
    expect("plain.example" in sites or "example" in sites, f"the visit is not shown: {sites}")
    targets = [item["target"] for item in story.asked("attempts", TABLET)["items"]]
    expect(targets == [PHISHING], f"the attempt is not shown: {targets}")


def hard_coded(story: Story) -> None:
    """A resolver that the device has built in is no way around: its queries are taken as well."""
    (answer,) = story.ask(PHISHING, flags="-s 203.0.113.53")
    expect(answer.ede == "15", f"a hard-coded resolver goes past the protection: {answer}")
    (answer,) = story.ask("plain.example", flags="-s 203.0.113.53", who="neighbour")
    expect(answer.addresses == "198.51.100.53", f"the neighbour's own resolver is not left alone: {answer}")


def off(story: Story) -> None:
    """Off is off: not steered, not refused, not one row more."""
    for feature in ("history", "protection"):
        story.cli("off", TABLET, feature)
    expect(story.steered() == [], "the kernel still steers the tablet after off")
    before_rows = story.rows()
    queries = story.asked("status")["dns"]["queries"]
    story.dns_works()
    (answer,) = story.ask(PHISHING)
    expect(answer.ede == "-" and answer.addresses == "198.51.100.7", f"still refused after off: {answer}")
    story.ask("after.off.example", "again.off.example")
    story.router.ask("sleep 2")
    expect(story.rows() == before_rows, f"recorded after off: {before_rows} → {story.rows()}")
    expect(story.asked("status")["dns"]["queries"] == queries, "the agent saw queries after off")


def reboot(story: Story) -> None:
    """A reboot keeps what was off off, and the ledger whole."""
    story.router.reboot()
    story.until(story.running, "the daemon does not answer after the reboot", 30)
    status = story.asked("status")
    expect(status["devices_on"] == 0 and story.steered() == [], "something is on after the reboot")
    features = story.asked("device", "list")["items"][0]["features"]
    expect(not any(row["on"] or row["suspended"] for row in features.values()), f"not plainly off: {features}")
    story.dns_works()
    expect(story.rows().visits == 0 or story.rows().visit_hits == 0, "the tablet was recorded after the reboot")
    expect(story.asked("audit")["ok"], "the audit found something after the reboot")


def upgrade(story: Story) -> None:
    """A new version over the old one: DNS goes on, consent stays, the owner's configuration stays."""
    story.cli("on", TABLET, "protection", "--agree", "1")
    story.router.ask("uci set privacy-agent.main.attempts_days=29 && uci commit privacy-agent")
    story.router.ask(f"opkg install {story.parcels}/privacy-agent_*-r2_all.ipk", 60)
    story.dns_works()
    story.until(story.running, "the daemon does not answer after the upgrade", 30)
    expect("r2" in story.router.ask("opkg list-installed"), "the new version is not installed")
    story.until(lambda: story.steered() == [MAC], "the tablet is not steered after the upgrade")
    expect(story.router.ask("uci get privacy-agent.main.attempts_days") == "29", "the configuration was replaced")
    (refused,) = story.ask(PHISHING)
    expect(refused.ede == "15", f"not refused after the upgrade: {refused}")


def remove(story: Story) -> None:
    """Removed with a device on: no table, no process, no flow of ours; DNS as before."""
    story.router.ask("opkg remove privacy-agent", 60)
    expect(story.table() is None, "the kernel's table outlived the package")
    expect(not story.processes(), f"processes outlived the package: {story.processes()}")
    # opkg itself leaves the package's version of a configuration file that the owner has changed.
    left = story.router.ask("find / -xdev -name '*privacy*agent*' ! -name '*-opkg' | sort")
    expect(left == "/etc/config/privacy-agent\n/etc/privacy-agent", f"files outlived the package: {left}")
    story.dns_works()
    story.dns_works("visitor")
    (answer,) = story.ask(PHISHING)
    expect(answer.ede == "-", f"refused without the agent: {answer}")


BASIC: tuple[Callable[[Story], None], ...] = (
    before,
    install,
    enrol,
    on,
    hard_coded,
    off,
    reboot,
    upgrade,
    remove,
)
