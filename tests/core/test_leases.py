"""dnsmasq's lease file."""

from agent.core import leases
from agent.core.leases import Lease

TABLET = b"\x3c\x22\xfb\x00\x00\x0a"


def test_a_file_as_dnsmasq_writes_it():
    text = (
        "1732400000 3c:22:fb:00:00:0a 192.168.50.100 mias-tablet 01:3c:22:fb:00:00:0a\n"
        "0 DA:A1:19:00:00:0b 192.168.50.101 * *\n"
        "duid 00:01:00:01:2b:5f:8e:3a:02:00:00:00:01:01\n"
        "1732400000 16777217 fd50::100 mias-tablet 00:01:00:01:2b\n"
    )
    assert leases.parse(text) == [
        Lease(TABLET, "192.168.50.100", "mias-tablet"),
        Lease(b"\xda\xa1\x19\x00\x00\x0b", "192.168.50.101", ""),
    ]


def test_lines_of_another_form_are_passed_over():
    good = "1 3c:22:fb:00:00:0a 192.168.50.100 name *"
    for line in (
        "",
        "   ",
        "1",
        "1 3c:22:fb:00:00 1.2.3.4 a",
        "1 3c:22:fb:00:00:zz 1.2.3.4 a",
        "1 06-3c:22:fb:00:00:0a 1.2.3.4 a *",
    ):
        assert leases.parse(line) == []
        assert leases.parse(line + "\n" + good) == [Lease(TABLET, "192.168.50.100", "name")]
    for end in range(len("1 3c:22:fb:00:00:0a 192.168.50.100 ")):
        assert leases.parse(good[:end]) == []


def test_names_that_are_no_host_names_are_not_shown():
    for name in ("*", "<b>", "a b", "a\x1b[31m", "Mia\u2019s", "a" * 64):
        assert leases.shown(name) == ""
    for name in ("mias-tablet", "Pixel_7.lan", "a" * 63):
        assert leases.shown(name) == name
