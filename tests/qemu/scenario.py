"""The scenario: a household's router from the first install to the removal, each step a function.

Each step checks from outside where it can: nft for the kernel, a client's resolver for DNS, SQLite on a copy of the
file for what was recorded, ps for what runs.
"""

import json
from collections.abc import Callable
from typing import Any

from tests.qemu.hindrances import flow_offload, missing_modules
from tests.qemu.reports import reports
from tests.qemu.story import JUDGED, MAC, PARCELS, PHISHING, RESOLVER, TABLET, Story, expect

VISITOR = "02:00:00:00:00:33"
PASSWORD = "four plain words together"
CONFIGURATION = "/etc/config/privacy-agent"


def before(story: Story) -> None:
    """A router without the agent."""
    story.dns_works()
    story.dns_works("visitor")
    expect(not story.processes(), "something of the agent runs before it is installed")


def install(story: Story) -> None:
    """The package is installed, the service runs, and nothing is on."""
    with story.asking():
        story.install("privacy-agent", "1")
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
    sites = {item["site"] for item in story.asked("history", TABLET, "--background")["items"]}
    expect("plain.example" in sites or "example" in sites, f"the visit is not shown: {sites}")
    targets = [item["target"] for item in story.asked("blocked", TABLET)["items"]]
    expect(targets == [PHISHING], f"the attempt is not shown: {targets}")


def connections(story: Story) -> None:
    """A TLS connection to a refused name is reset, another one passes: by the kernel's own queue expression."""
    kernel = story.asked("status")["kernel"]
    expect(kernel["connections"] == JUDGED, f"connections are not judged: {kernel}")
    expect(kernel["connections_by"] == "nft queue", f"not by the kernel's own expression: {kernel}")
    expect("queue flags bypass to" in (story.table() or ""), "this kernel's own queue expression is not used")
    story.serve()
    neighbours = story.shaken(f"www.{PHISHING}", "neighbour")
    expect("TLSv1.3" in neighbours, f"the neighbour's connection is not left alone: {neighbours}")
    # The server, which serves one after the other, is not told of a refusal: so this comes last.
    before = story.rows().attempt_hits
    refused = story.shaken(f"www.{PHISHING}")
    expect("errno=104" in refused and "TLSv1.3" not in refused, f"a refused name's connection is not reset: {refused}")
    # One row a rule and minute: the connection may be the second hit of the one that a query made.
    story.until(lambda: story.rows().attempt_hits > before, "no attempt of the connection is recorded")
    story.until(lambda: "tls" in {item["source"] for item in visits(story)}, "no visit")


def visits(story: Story) -> list[dict[str, object]]:
    items: list[dict[str, object]] = story.asked("history", TABLET, "--background")["items"]
    return items


def hard_coded(story: Story) -> None:
    """A resolver that the device has built in is no way around: its queries are taken as well."""
    (answer,) = story.ask(f"{PHISHING}@{RESOLVER}")
    expect(answer.ede == "15", f"a hard-coded resolver goes past the protection: {answer}")
    (answer,) = story.ask(f"plain.example@{RESOLVER}", who="neighbour")
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


def browser(story: Story) -> None:
    """The web page from the client, over TLS: first run by setup code, and a switch each way."""
    code = json.loads(story.cli("setup-code", "--json"))["code"]
    expect(story.browse("set-up", code, PASSWORD)["status"] == 201, "the setup code does not set a password")
    expect(story.browse("switch", PASSWORD, TABLET, "protection", "on")["status"] == 200, "the page does not switch on")
    expect(story.steered() == [MAC], "on by the page did not reach the kernel")
    (refused,) = story.ask(PHISHING)
    expect(refused.ede == "15", f"not refused after on by the page: {refused}")
    expect(
        story.browse("switch", PASSWORD, TABLET, "protection", "off")["status"] == 200, "the page does not switch off"
    )
    expect(story.steered() == [], "off by the page did not reach the kernel")
    actors = {row["actor"] for row in story.asked("activity")["items"]}
    expect(any(actor.startswith("web") for actor in actors), f"the ledger does not say who switched: {actors}")


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
    residents = story.guard_and_daemon()
    with story.asking():
        story.install("privacy-agent", "2")
        story.until(story.running, "the daemon does not answer after the upgrade", 30)
    expect(not set(residents) & set(story.processes()), "the old version still runs after the upgrade")
    expect("-r2" in story.router.ask("opkg list-installed | grep privacy-agent"), "the new version is not installed")
    story.until(lambda: story.steered() == [MAC], "the tablet is not steered after the upgrade")
    expect(story.router.ask("uci get privacy-agent.main.attempts_days") == "29", "the configuration was replaced")
    (refused,) = story.ask(PHISHING)
    expect(refused.ede == "15", f"not refused after the upgrade: {refused}")


def upgrade_beneath(story: Story) -> None:
    """What apk does, which stops nothing: new files under the running service, a start, the package's own script."""
    residents = story.guard_and_daemon()
    story.router.ask(
        f"cp -p {CONFIGURATION} /tmp/kept"
        f" && tar -xzOf {PARCELS}/privacy-agent_*-r2_all.ipk ./data.tar.gz | tar -xzf - -C /"
        f" && cp -p /tmp/kept {CONFIGURATION} && export PKG_UPGRADE=1 && /etc/init.d/privacy-agent start"
        " && sh /usr/lib/opkg/info/privacy-agent.postinst-pkg"
    )
    story.until(lambda: story.steered() == [MAC], "the tablet is not steered after an upgrade beneath", 30)
    expect(not set(residents) & set(story.processes()), "the old version still runs after an upgrade beneath")


def remove(story: Story) -> None:
    """Removed with a device on: no table, no process, no flow of ours; DNS as before."""
    with story.asking():
        story.remove("privacy-agent")
    expect(story.table() is None, "the kernel's table outlived the package")
    expect(not story.processes(), f"processes outlived the package: {story.processes()}")
    # opkg itself leaves the package's version of a configuration file that the owner has changed.
    left = story.router.ask("find / -xdev -name '*privacy*agent*' ! -name '*-opkg' | sort")
    expect(left == "/etc/config/privacy-agent\n/etc/privacy-agent", f"files outlived the package: {left}")
    story.dns_works()
    story.dns_works("visitor")
    (answer,) = story.ask(PHISHING)
    expect(answer.ede == "-", f"refused without the agent: {answer}")


def confined(story: Story) -> None:
    """The residents hold five capabilities, cannot gain more, and see what they need; the guard is process 1."""
    guard, daemon = story.guard_and_daemon()
    wanted = sum(1 << bit for bit in (5, 6, 7, 10, 12))  # KILL, SETGID, SETUID, NET_BIND_SERVICE, NET_ADMIN
    for pid in (guard, daemon):
        status = story.proc_status(pid)
        for name in ("CapBnd", "CapPrm", "CapEff"):
            expect(int(status[name], 16) == wanted, f"{name} of {pid} is {status[name]}")
        expect(status["NoNewPrivs"] == "1", f"{pid} may gain privileges")
    expect(story.proc_status(guard)["NSpid"].split()[-1] == "1", "the guard is not process 1 of its jail")
    seen = story.router.ask(f"ls /proc/{daemon}/root/ /proc/{daemon}/root/etc")
    expect("root" not in seen.split() and "shadow" not in seen.split(), f"the jail shows too much: {seen}")
    expect(story.router.run(f"touch /proc/{daemon}/root/usr/lib/written")[0] != 0, "the jail can write to /usr/lib")


def crash(story: Story) -> None:
    """The daemon is killed with the tablet steered: DNS goes on at once, the daemon and its table come back."""
    _, daemon = story.guard_and_daemon()
    with story.asking():
        story.router.ask(f"kill -9 {daemon}")
        story.dns_works(tries=1)
    story.until(lambda: story.steered() == [MAC], "not steered again after a crash")
    expect(story.guard_and_daemon()[1] != daemon, "the daemon was not restarted")


def hang(story: Story) -> None:
    """A stopped daemon is a plain router within two seconds, and is replaced."""
    _, daemon = story.guard_and_daemon()
    with story.asking():
        story.router.ask(f"kill -STOP {daemon}; sleep 2")
        story.dns_works(tries=1)
    story.until(lambda: story.steered() == [MAC], "not steered again after a hang")
    expect(story.router.run(f"kill -0 {daemon}")[0] != 0, "the hung daemon is still there")


def guard_dies(story: Story) -> None:
    """Without its guard the daemon goes too, the kernel removes the table, procd starts both again."""
    guard, _ = story.guard_and_daemon()
    story.router.ask(f"kill -9 {guard}; sleep 0.5")
    expect(story.table() is None, "the table outlived the guard")
    expect(not story.processes(), f"processes outlived the guard: {story.processes()}")
    story.dns_works()
    story.until(lambda: story.steered() == [MAC], "procd did not bring the agent back", 30)


def power_cut(story: Story) -> None:
    """Without power and back: what was acknowledged as on is on, and the audit is content."""
    story.router.power_cut()
    story.until(lambda: story.steered() == [MAC], "what was on is not on after a power cut", 40)
    expect(story.asked("audit")["ok"], "the audit found something after a power cut")
    story.dns_works()


def bad_configuration(story: Story) -> None:
    """A fault in the configuration is named in the log, and the agent goes on as it was."""
    _, daemon = story.guard_and_daemon()
    story.router.ask(
        "cp -p /etc/config/privacy-agent /tmp/good; echo \"	option histroy_days '3'\" >> /etc/config/privacy-agent"
    )
    story.router.ask("reload_config")
    story.until(lambda: "did you mean history_days" in story.logged("histroy_days"), "the fault is not explained")
    expect(story.guard_and_daemon()[1] == daemon and story.steered() == [MAC], "a faulty configuration disturbed it")
    expect("read again" not in story.router.ask("logread | tail -n 2"), "reloaded for a faulty configuration")
    story.router.ask("cat /tmp/good > /etc/config/privacy-agent")


def reload(story: Story) -> None:
    """A changed option reaches the running daemon; an interface event does not disturb it."""
    _, daemon = story.guard_and_daemon()
    story.router.ask("uci set privacy-agent.main.history_days=5 && uci commit privacy-agent")
    story.router.ask("reload_config")
    written = "cat /var/run/privacy-agent/settings.json"
    story.until(lambda: json.loads(story.router.ask(written)).get("history_days") == 5, "the change is not read")
    for interface in ("lan", "wan"):
        event = json.dumps({"type": "interface.update", "data": {"interface": interface}})
        story.router.ask(f"ubus call service event '{event}'")
    story.router.ask("sleep 2")
    expect(story.guard_and_daemon()[1] == daemon and story.steered() == [MAC], "a reload restarted the daemon")
    settings = {item["key"]: item["value"] for item in story.asked("setting", "list")["items"]}
    expect(settings["history_days"] == 5, f"the daemon does not know the changed setting: {settings}")


def guests(story: Story) -> None:
    """A zone whose input is rejected but for DNS: an enrolled visitor is served, refused and recorded like anybody."""
    story.router.ask("uci add_list privacy-agent.main.interfaces=br-guest && uci commit privacy-agent")
    story.router.ask("reload_config")
    story.until(lambda: "br-guest" in (story.table() or ""), "a reload does not put the interface into force", 30)
    story.until(story.running, "not running with a guest zone", 30)
    story.cli("device", "add", "--mac", VISITOR, "Visitor")
    story.cli("on", "Visitor", "protection", "--agree", "1")
    story.dns_works("visitor")
    answers = story.ask(f"{PHISHING}@192.168.3.1", f"{PHISHING}@192.168.3.1/tcp", who="visitor")
    expect([answer.ede for answer in answers] == ["15", "15"], f"the visitor was not refused: {answers}")
    story.cli("device", "remove", "Visitor", "--yes")
    expect(story.steered() == [MAC], "a forgotten device is still steered")


def without_wan(story: Story) -> None:
    """No WAN: the agent runs, off takes effect, a query fails soon; with the WAN back, DNS is back."""
    story.router.ask("/sbin/ifdown wan")
    story.router.ask("/etc/init.d/privacy-agent restart")
    story.until(story.running, "does not start without a WAN", 30)
    story.cli("off", TABLET, "protection")
    story.cli("on", TABLET, "protection", "--agree", "1")
    story.router.ask("/sbin/ifup wan")
    story.until(lambda: story.ask("back.example")[0].addresses == "198.51.100.7", "DNS did not come back with the WAN")


def restore(story: Story) -> None:
    """What sysupgrade keeps, put back as sysupgrade does: everything is off until somebody confirms."""
    story.router.ask("sysupgrade -b /tmp/kept.tgz")
    kept = story.router.ask("tar -tzf /tmp/kept.tgz")
    expect("etc/privacy-agent/kept/state.db" in kept, f"the consent is not among what is kept: {kept}")
    expect("history" not in kept and "anchor" not in kept, f"more is kept than should be: {kept}")
    story.router.ask("/etc/init.d/privacy-agent stop; rm -rf /etc/privacy-agent /var/run/privacy-agent")
    story.router.ask("sysupgrade -r /tmp/kept.tgz && /etc/init.d/privacy-agent start")
    story.until(story.running, "not running after a restore", 30)
    expect(story.asked("status")["devices_on"] == 0 and story.steered() == [], "something is on after a restore")
    expect(story.asked("audit")["ok"], "the audit found something after a restore")
    expect(story.router.run("ls /etc/privacy-agent/kept")[0] != 0, "the copy is still there after it was used")
    story.dns_works()
    story.cli("resume", "--yes")
    story.until(lambda: story.steered() == [MAC], "what was confirmed is not on")


def luci(story: Story) -> None:
    """The rpcd plugin lists its methods, shows state, switches, and hands out a setup code."""
    plugin = "/usr/libexec/rpcd/privacy-agent"
    story.install("luci-app-privacy-agent", "1")
    methods = json.loads(story.router.ask(f"{plugin} list"))
    wanted = {"status", "devices", "features", "on", "off", "setup_code", "people", "hold", "release"}
    expect(set(methods) == wanted, f"methods: {methods}")

    def call(method: str, **arguments: object) -> Any:
        return json.loads(story.router.ask(f"echo '{json.dumps(arguments)}' | {plugin} call {method}"))

    expect(call("status")["devices_on"] == 1, "the plugin shows another state")
    (device,) = call("devices")["items"]
    expect(call("off", device=device["id"], feature="protection")["devices"], "the plugin does not switch off")
    expect(story.steered() == [], "off by the plugin did not reach the kernel")
    expect("error" in call("on", device=device["id"], feature="protection"), "on without agreement was taken")
    call("on", device=device["id"], feature="protection", agree=1)
    expect(story.steered() == [MAC], "on by the plugin did not reach the kernel")
    actors = {row["actor"] for row in story.asked("activity")["items"]}
    expect("luci" in actors, f"the ledger does not say who switched: {actors}")
    expect(call("setup_code")["code"], "no setup code")
    story.remove("luci-app-privacy-agent")


def doctor(story: Story) -> None:
    """The outside witness agrees with the daemon about this kernel, and sees when it is gone."""
    for name in ("python3-dnslib", "privacy-agent-doctor"):
        story.install(name, "1")
    status, output = story.router.run("privacy-agent doctor --json", 120)
    document = json.loads(output)
    bad = [row for row in document["findings"] if row["level"] == "failure"]
    expect(not bad and status in (0, 1), f"doctor ended with {status}: {bad}")
    expect(all(row["sentence"] for row in document["findings"]), f"a finding says nothing: {document}")
    levels = {row["about"]: row["level"] for row in document["findings"]}
    expect({levels[about] for about in ("table", "upstream", "daemon")} == {"ok"}, f"not well: {levels}")
    story.router.ask("/etc/init.d/privacy-agent stop")
    status, output = story.router.run("privacy-agent doctor --json", 120)
    levels = {row["about"]: row["level"] for row in json.loads(output)["findings"]}
    expect(status == 7 and levels["daemon"] == "failure", f"a stopped agent is not seen: {status}, {levels}")
    story.router.ask("/etc/init.d/privacy-agent start")
    story.until(lambda: story.steered() == [MAC], "not steered again after a stop and a start", 30)


def doctor_removed(story: Story) -> None:
    """The witness goes without a trace of its own; what it looked at stays."""
    story.remove("privacy-agent-doctor")
    story.remove("python3-dnslib")
    expect(story.steered() == [MAC], "removing the doctor disturbed the agent")


def without_clock(story: Story) -> None:
    """A router that thinks it is 1970, as most do at a start: it serves, switches and records; then time comes."""
    story.router.ask("date -s '1970-01-01 00:02:00' && /etc/init.d/privacy-agent restart")
    story.until(lambda: story.steered() == [MAC], "not steered with an unset clock", 30)
    before_rows = story.rows()
    (refused,) = story.ask(PHISHING)
    expect(refused.ede == "15", f"not refused with an unset clock: {refused}")
    story.until(lambda: story.rows().attempt_hits > before_rows.attempt_hits, "nothing is recorded with an unset clock")
    story.cli("off", TABLET, "protection")
    expect(story.steered() == [], "off with an unset clock did not reach the kernel")
    story.cli("on", TABLET, "protection", "--agree", "1")
    story.router.ask("date -s '2026-05-01 12:00:00'")
    story.dns_works()
    expect(story.asked("audit")["ok"], "the audit found something after the clock was set")


Step = Callable[[Story], None]

BASIC: tuple[Step, ...] = (
    before,
    install,
    confined,
    enrol,
    on,
    connections,
    hard_coded,
    off,
    browser,
    reboot,
    upgrade,
    remove,
)

# Goes on from `upgrade`, where protection is on.
FULL: tuple[Step, ...] = (
    *BASIC[: BASIC.index(upgrade) + 1],
    crash,
    hang,
    guard_dies,
    power_cut,
    upgrade_beneath,
    bad_configuration,
    reload,
    guests,
    without_wan,
    reports,
    without_clock,
    luci,
    doctor,
    flow_offload,
    doctor_removed,
    missing_modules,
    restore,
    remove,
)
