"""Makes a fresh OpenWrt the router of the scenario: its addresses and zones by UCI, what our packages need, a probe.

Written after OpenWrt's documentation and sources (24.10); LIMITS.md says what of it has been run.
"""

from pathlib import Path

from tests.qemu.story import PARCELS, Story, expect

PROBES = Path(__file__).parent / "guest" / "usr" / "bin"

# br-lan with 192.168.1.1 over eth0 and a WAN on eth1 are what OpenWrt sets up by itself on such a machine.
CONFIGURATION = """
add_list network.lan.ip6addr=fd00:1::1/64
set network.wan.proto=static
set network.wan.ipaddr=203.0.113.2
set network.wan.netmask=255.255.255.0
set network.wan.gateway=203.0.113.1
add_list network.wan.dns=203.0.113.1
set network.wan6.proto=static
add_list network.wan6.ip6addr=fd00:ee::2/64
set network.guests=device
set network.guests.name=br-guest
set network.guests.type=bridge
add_list network.guests.ports=eth2
set network.guest=interface
set network.guest.device=br-guest
set network.guest.proto=static
set network.guest.ipaddr=192.168.3.1
set network.guest.netmask=255.255.255.0
set firewall.guest=zone
set firewall.guest.name=guest
add_list firewall.guest.network=guest
set firewall.guest.input=REJECT
set firewall.guest.output=ACCEPT
set firewall.guest.forward=REJECT
set firewall.guest_wan=forwarding
set firewall.guest_wan.src=guest
set firewall.guest_wan.dest=wan
set firewall.guest_dns=rule
set firewall.guest_dns.name=Allow-DNS-Guest
set firewall.guest_dns.src=guest
set firewall.guest_dns.dest_port=53
set firewall.guest_dns.target=ACCEPT
set dhcp.@dnsmasq[0].noresolv=1
add_list dhcp.@dnsmasq[0].server=203.0.113.1
"""
SERVICES = ("network", "firewall", "dnsmasq")
# A card with a way out, while packages are fetched.
OUTSIDE = "set network.outside=interface", "set network.outside.device=eth3", "set network.outside.proto=dhcp"


def adopt(story: Story, depends: list[str], online: bool) -> None:
    """From the first login to a router that the scenario can begin on."""
    story.router.ask(f"mkdir -p {PARCELS}; mount | grep -q {PARCELS} || mount -t ext4 -o ro /dev/vdb {PARCELS}")
    for probe in ("rows", "later"):
        story.router.put((PROBES / probe).read_bytes(), f"/usr/bin/{probe}", 0o755)
    if story.router.run("test -e /etc/openwrt_release")[0] != 0:
        return  # one of ours, which is set up from the start
    expect(story.router.run("test -e /sys/class/net/eth2")[0] == 0, "the image has no driver for the virtio cards")
    if online:
        fetch(story, depends)
    else:
        story.router.ask(f"opkg install {PARCELS}/more/*.ipk", 600)
    configure(story, CONFIGURATION.split("\n"))
    for service in SERVICES:
        story.router.ask(f"/etc/init.d/{service} restart")
    story.until(lambda: story.ask("plain.example")[0].addresses != "-", "no DNS after the set-up", 60)


def configure(story: Story, lines: list[str]) -> None:
    """UCI commands, one a line, and the commit."""
    for line in filter(None, lines):
        action, _, rest = line.partition(" ")
        story.router.ask(f"uci {action} '{rest}'")
    story.router.ask("uci commit")


def fetch(story: Story, depends: list[str]) -> None:
    """What our packages need from OpenWrt's own feeds, by the router's package manager."""
    configure(story, list(OUTSIDE))
    story.router.ask("/sbin/ifup outside")
    story.until(lambda: story.router.run("ifstatus outside | grep -q '\"up\": true'")[0] == 0, "no way out", 60)
    story.router.ask(f"opkg update && opkg install {' '.join(depends)}", 900)
    story.router.ask("/sbin/ifdown outside; uci delete network.outside; uci commit network")
