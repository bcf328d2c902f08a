"""Hosts by which devices find out on their own about the network: nobody visits them, so they are no sites.

Put together by hand for this project from what the makers say of themselves; the source stands beside each group. A
name stands for itself alone: what a person opens at the same site is recorded as any other.
"""

from agent.core.known_resolvers import CANARIES

CHECKS = frozenset(
    # Apple: support.apple.com/101555; the others were asked by earlier versions (CaptiveNetworkSupport)
    b"captive.apple.com gsp1.apple.com attwifi.apple.com www.appleiphonecell.com www.airport.us www.ibook.info"
    b" www.itools.info www.thinkdifferent.us"
    # Android: source.android.com, module NetworkStack (config_captive_portal_*); ChromeOS and Chromium: captive_portal
    b" connectivitycheck.gstatic.com connectivitycheck.android.com connectivitycheck.gstatic.cn www.gstatic.com"
    b" www.gstatic.cn clients1.google.com clients2.google.com clients3.google.com clients4.google.com"
    b" play.googleapis.com services.googleapis.cn alt1-connectivitycheck.gstatic.com"
    # Windows and Edge: learn.microsoft.com, Network Connectivity Status Indicator; Xbox asks the same
    b" www.msftconnecttest.com msftconnecttest.com ipv6.msftconnecttest.com www.msftncsi.com msftncsi.com"
    b" ipv6.msftncsi.com dns.msftncsi.com teredo.ipv6.microsoft.com edge-http.microsoft.com internetbeacon.msedge.net"
    # Firefox: support.mozilla.org, captive portal detection; Brave, Vivaldi: theirs in place of Chromium's
    b" detectportal.firefox.com detectportal.prod.mozaws.net detectportal.brave-http-only.com"
    # Linux desktops: NetworkManager.conf(5) as distributed by each; connman.net (main.conf)
    b" network-test.debian.org connectivity-check.ubuntu.com fedoraproject.org nmcheck.gnome.org networkcheck.kde.org"
    b" ping.archlinux.org ping.manjaro.org conncheck.opensuse.org capnet.elementary.io ipv4.connman.net"
    b" ipv6.connman.net"
    # Android without Google: the projects' own settings
    b" connectivitycheck.grapheneos.network grapheneos.online connectivity.ecloud.global captiveportal.kuketz.de"
    # Samsung, Xiaomi, Huawei, Honor, Oppo with OnePlus and Realme, vivo, Meizu: their systems' captive_portal_* values
    b" connectivitycheck.samsung.com connectivity.samsung.com connectivity.samsung.com.cn wifi-test.samsungcloud.com"
    b" connect.rom.miui.com connect.intl.miui.com wifi.miui.com connectivitycheck.platform.hicloud.com"
    b" connectivitycheck.cbg-app.huawei.com connectivitycheck.platform.hihonorcloud.com conn1.oppomobile.com"
    b" conn2.oppomobile.com conn1.coloros.com conn2.coloros.com conn-service-in-04.allawnos.com wifi.vivo.com.cn"
    b" conn-service-in-05.allawnos.com conn-service-eu-04.allawnos.com conn-service-eu-05.allawnos.com"
    b" conn-service-us-04.allawnos.com conn-service-us-05.allawnos.com"
    b" connectivitycheck.meizu.com"
    # Amazon (Kindle, Fire, Echo), Roku, Nintendo, PlayStation, Steam: the makers' hosts for networks
    b" spectrum.s3.amazonaws.com fireoscaptiveportal.com www.fireoscaptiveportal.com captive.roku.com"
    b" conntest.nintendowifi.net ctest.cdn.nintendo.net ctest.cdn.n.nintendoswitch.cn ena.net.playstation.net"
    b" test.steampowered.com ipv6check-http.steamserver.net"
    # Cloudflare WARP and others: developers.cloudflare.com, WARP and firewalls
    b" cp.cloudflare.com connectivity.cloudflareclient.com"
    # Whether the network translates IPv4 into IPv6: RFC 7050
    b" ipv4only.arpa".split()
)
# Whether to use this network's own DNS (see known_resolvers), and where Private Relay begins: developer.apple.com,
# "Prepare your network or web server for iCloud Private Relay".
RELAYS = frozenset(
    b"mask.icloud.com mask-h2.icloud.com mask-api.icloud.com mask.apple-dns.net mask-t.apple-dns.net".split()
)
NO_SITES = CHECKS | RELAYS | frozenset(CANARIES)


def read_needed(lines: list[str]) -> dict[bytes, str]:
    """The names of blocklists/needed-hosts.txt, each with what the heading above it says (`[a time server]`)."""
    found = {}
    what = ""
    for line in lines:
        word = line.split("#", 1)[0].strip()
        if word[:1] == "[":
            what = word.strip("[]")
        elif word:
            found[word.encode()] = what
    return found


# Sites that people open, too, but that are asked along with a check: Android's over HTTPS, Apple's of before.
BESIDE = frozenset(b"www.google.com google.com www.google.cn www.apple.com".split())
BESIDE_S = 5  # a check asks all its hosts at once; the last of them after a time-out or two
