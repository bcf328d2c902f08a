"""Which names and addresses are of this network."""

from agent.core.addresses import parse
from agent.core.localnames import is_local, is_private, leads_nowhere


def test_names_of_this_network():
    for name in (
        b"nas",
        b"nas.lan",
        b"a.b.home.arpa",
        b"printer.local",
        b"localhost",
        b"x.internal",
        b"5.1.168.192.in-addr.arpa",
        b"1.0.0.10.in-addr.arpa",
        b"4.3.20.172.in-addr.arpa",
        b"1.0.64.100.in-addr.arpa",
        b"1.2.0.0.0.0.0.0.d.f.ip6.arpa",
        b"1.0.8.e.f.ip6.arpa",
    ):
        assert is_local(name), name
    assert is_local(b"nas.fritz.box", frozenset([b"fritz.box"]))


def test_names_of_the_internet():
    for name in (
        b"",
        b"example.com",
        b"lan.example",
        b"nas.fritz.box",
        b"8.8.8.8.in-addr.arpa",
        b"1.2.32.172.in-addr.arpa",
        b"in-addr.arpa",
        b"8.b.d.0.1.0.0.2.ip6.arpa",
        b"192.168.1.1",
        b"fe80::1",
    ):
        assert not is_local(name), name


def test_addresses():
    for text in (
        "10.1.2.3",
        "172.31.0.1",
        "192.168.0.1",
        "127.0.0.1",
        "0.0.0.0",
        "100.127.0.1",
        "169.254.0.1",
        "255.255.255.255",
    ):
        assert is_private(parse(text)), text
        for prefix in ("::", "::ffff:", "64:ff9b::"):
            assert is_private(parse(prefix + text)), text
    for text in ("::", "::1", "fe80::1", "febf::1", "fc00::1", "fdff::1"):
        assert is_private(parse(text)), text
    for text in ("8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1", "::ffff:8.8.8.8", "fec0::1"):
        assert not is_private(parse(text)), text


def test_the_unspecified_address_leads_nowhere():
    assert leads_nowhere([parse("0.0.0.0"), parse("::")]) and leads_nowhere([])
    assert not leads_nowhere([parse("0.0.0.0"), parse("192.0.2.1")])
