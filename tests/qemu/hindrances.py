"""Steps about a kernel that stands in the way: flow offload, and modules that are not there.

Each gap is told in words, DNS goes on all the while, nothing pretends to be on, and what comes back is used soon.
"""

import json

from tests.qemu.story import CLIENT, JUDGED, MAC, PHISHING, RESOLVER, SITE, TABLET, Story, expect

# What fw4 adds for `flow_offloading`: from a flow's second packet on, no chain sees it.
FLOW_TABLE = (
    "add flowtable inet fw4 ft { hook ingress priority 0; devices = { eth0, eth1 }; };"
    " insert rule inet fw4 forward meta l4proto { tcp, udp } flow add @ft"
)
# Modules, in the order in which they can go.
QUEUES = ("nft_queue", "nfnetlink_queue", "nfnetlink_log")
ENDINGS = "nf_conntrack_netlink"
REDIRECTS = "nft_redir"
NO_QUEUE = "DNS only: the kernel has no queue for packets: install kmod-nft-queue and kmod-nfnetlink-log."

CHECKED_S = 6  # the daemon looks every two seconds; the command line takes as long to ask
ENDED_S = 1.5  # after internet off was acknowledged
STREAM = 8443
RETRIED_S = 15  # for a queue every ten


def flow_offload(story: Story) -> None:
    """fw4's flow offload: DNS only, as is told; DNS stays covered, also on a flow that was taken over before."""
    story.serve()
    story.cli("off", TABLET, "protection")
    story.router.ask(f"nft '{FLOW_TABLE}'")
    with story.held(RESOLVER) as answers:
        story.until(lambda: "198.51.100.53" in answers() and offloaded(story), "no flow is taken over")
        story.cli("on", TABLET, "protection", "--agree", "1")
        story.until(lambda: answers()[-1] == "198.51.100.7", "a flow that was taken over goes past the agent")
    story.until(lambda: "DNS only: flow offloading" in story.cli("status"), "DNS only is not told", CHECKED_S)
    found = json.loads(story.router.run("privacy-agent doctor --json", 120)[1])["findings"]
    offload = {row["about"]: row for row in found}["offload"]
    expect(offload["level"] == "note" and "by DNS" in offload["sentence"], f"doctor does not tell: {offload}")
    refused_by_dns(story)
    expect("TLSv1.3" in story.shaken(f"www.{PHISHING}"), "a connection is judged although it is told that none is")
    internet_off_behind_it(story)
    story.router.ask("/etc/init.d/firewall restart")
    judged(story)


def internet_off_behind_it(story: Story) -> None:
    """A connection that the flow table carries ends once its device has no internet, and may begin anew after."""
    server = f"openssl s_server -accept {STREAM} -nocert -psk 1a2b -tls1_3 -quiet -naccept 1"
    client = f"while echo more; do sleep 0.2; done | at client {CLIENT} -connect {SITE}:{STREAM}"
    ended = "read -r up rest < /proc/uptime; echo $up > /tmp/streamed"
    story.world.ask(f"( sleep 60 | at isp {server} ) >/dev/null 2>&1 & true")  # it closes once nobody could type more
    listens = f"at isp grep -qi ':{STREAM:x} ' /proc/net/tcp /proc/net/tcp6"
    story.until(lambda: story.world.run(listens)[0] == 0, "no server listens")
    story.world.ask(f"rm -f /tmp/streamed; ( {client}; {ended} ) >/dev/null 2>&1 & true")
    story.until(lambda: carried(story), "no flow table carries the connection")
    story.cli("internet", "off", TABLET, "--for", "10m")
    told_s = story.uptime_s()
    story.until(lambda: story.world.run("[ -s /tmp/streamed ]")[0] == 0, "a carried connection goes on")
    late_s = float(story.world.ask("cat /tmp/streamed")) - told_s
    expect(late_s < ENDED_S, f"a carried connection goes on for {late_s} s")
    expect("TLSv1.3" not in story.shaken("www.plain.example"), "a new connection passes although internet is off")
    story.cli("internet", "on", TABLET)
    expect("TLSv1.3" in story.shaken("www.plain.example"), "no connection passes although internet is on")
    story.cli("off", TABLET, "limits")


def carried(story: Story) -> bool:
    flows = story.router.ask("cat /proc/net/nf_conntrack 2>/dev/null || conntrack -L").splitlines()
    return any(f"dport={STREAM} " in flow and "[OFFLOAD]" in flow for flow in flows)


def offloaded(story: Story) -> bool:
    return "[OFFLOAD]" in story.router.ask("cat /proc/net/nf_conntrack 2>/dev/null || conntrack -L")


def refused_by_dns(story: Story) -> None:
    """Over UDP and TCP, by the router's resolver and another one; and each time is recorded."""
    before = story.rows().attempt_hits
    ways = [f"{PHISHING}@{server}{how}" for server in ("192.168.1.1", RESOLVER) for how in ("", "/tcp")]
    answers = story.ask(*ways)
    expect([answer.ede for answer in answers] == ["15"] * len(ways), f"not refused by DNS: {answers}")
    story.until(lambda: story.rows().attempt_hits == before + len(ways), "what DNS refused is not recorded")


def judged(story: Story) -> None:
    """Connections are judged, and are said to be."""
    story.until(lambda: story.connections() == JUDGED, "connections are not said to be judged", CHECKED_S)
    seen = story.shaken(f"www.{PHISHING}")
    expect("errno=104" in seen and "TLSv1.3" not in seen, f"a refused name's connection is not reset: {seen}")


def missing_modules(story: Story) -> None:
    """The daemon starts on a kernel that lacks modules; they come one after the other."""
    story.serve()
    story.router.ask("/etc/init.d/privacy-agent stop")
    for module in (*QUEUES, ENDINGS, REDIRECTS):
        story.router.ask(f"p=$(find /lib/modules -name {module}.ko) && mv $p $p.gone && rmmod {module}")
    story.router.ask("/etc/init.d/privacy-agent start")
    story.until(story.running, "does not start on a kernel that lacks modules", 30)
    uncovered(story, "the kernel can't end flows: install kmod-nf-conntrack-netlink.")
    come(story, ENDINGS)
    uncovered(story, "the kernel lacks a part of nftables: install kmod-nft-core, kmod-nft-nat and kmod-nft-fib")
    come(story, REDIRECTS)
    story.until(lambda: story.steered() == [MAC], "not steered with the modules that it takes", CHECKED_S)
    expect(story.connections() == NO_QUEUE, f"the missing queue is not told: {story.connections()}")
    refused_by_dns(story)
    come(story, *reversed(QUEUES))
    story.until(lambda: "queue flags bypass" in (story.table() or ""), "a queue that came is not used", RETRIED_S)
    judged(story)


def uncovered(story: Story, words: str) -> None:
    """The device is not covered and is said not to be, with what to install; DNS goes on as without the agent."""
    sentence = f"refused: Your devices are not protected: {words}"
    story.until(lambda: sentence in story.cli("status"), f"status does not say {sentence!r}", CHECKED_S)
    expect(story.table() is None, "a part of the table stands")
    (answer,) = story.ask(PHISHING)
    expect(answer.ede == "-" and answer.addresses == "198.51.100.7", f"DNS does not go on: {answer}")


def come(story: Story, *modules: str) -> None:
    for module in modules:
        path = f"p=$(find /lib/modules -name {module}.ko.gone)"
        story.router.ask(f"{path} && mv $p ${{p%.gone}} && insmod ${{p%.gone}}")
