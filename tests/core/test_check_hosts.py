"""What devices ask by themselves is nobody's visit."""

from agent.core.check_hosts import BESIDE_S, CHECKS, NO_SITES
from agent.core.names import parse
from tests.core.test_page_loads import Device

NIGHT = range(1000, 1000 + 9 * 3600, 20 * 60)


def test_the_table_holds_canonical_names():
    assert [host for host in sorted(NO_SITES) if parse(host.decode()) != host] == []
    for host in (b"www.msftconnecttest.com", b"captive.apple.com", b"use-application-dns.net", b"mask.icloud.com"):
        assert host in NO_SITES


def test_check_hosts_leave_no_rows():
    for host in sorted(NO_SITES):
        device = Device()
        for age in NIGHT:
            device.contact(age, host)
        assert device.rows == [], host


def test_a_night_of_a_phone_is_no_visit_of_google():
    for hosts in (
        (b"www.google.com", b"connectivitycheck.gstatic.com"),
        (b"connectivitycheck.gstatic.com", b"www.google.com"),
        (b"www.google.com", b"www.google.com", b"clients3.google.com", b"www.google.com"),
        (b"www.apple.com", b"captive.apple.com"),
    ):
        device = Device()
        for age in NIGHT:
            device.contact(age, *hosts)
        assert device.visits.dirty() == [], hosts


def test_google_before_the_check_is_undone_within_seconds_only():
    device = Device()
    device.contact(100, b"www.google.com", source="dns")
    device.contact(101, b"www.google.com")
    device.contact(101 + BESIDE_S, b"captive.apple.com")
    assert device.visits.dirty() == []
    device.contact(1000, b"www.google.com")
    device.contact(1001 + BESIDE_S, b"captive.apple.com")
    assert device.opened() == [b"google.com"]


def test_what_somebody_opened_ends_when_they_left_whatever_the_phone_checks():
    device = Device()
    device.contact(100, b"www.google.com")
    device.contact(130, b"www.google.com")
    (visit,) = device.visits.dirty()
    for age in NIGHT:
        device.contact(age, b"www.google.com", b"connectivitycheck.gstatic.com")
    assert (visit.first, visit.last, visit.background) == (100, 130, False)
    assert device.visits.dirty() == [visit]


def test_what_is_stored_already_becomes_background():
    device = Device()
    device.contact(100, b"www.google.com")
    (visit,) = device.visits.dirty()
    visit.id = 1
    device.visits.written()
    device.contact(101, b"connectivitycheck.gstatic.com")
    assert device.visits.dirty() == [visit] and visit.background and visit.last == visit.first


def test_a_stay_begins_when_it_was_opened():
    device = Device()
    for age in NIGHT:
        device.contact(age, b"api.app.example")
    opened = NIGHT[-1] + 900
    device.contact(opened, b"www.app.example", b"a.cdn1.example1", b"b.cdn2.example2", b"c.cdn3.example3")
    device.contact(opened + 10, b"www.app.example")
    (visit,) = [visit for visit in device.rows if visit.site == b"app.example"]
    assert not visit.background and visit.last - visit.first == 10


def test_other_hosts_of_the_same_sites_are_visited():
    for host in (b"docs.fedoraproject.org", b"www.samsung.com", b"store.steampowered.com"):
        device = Device()
        device.contact(100, host)
        device.contact(101, *CHECKS)
        assert len(device.rows) == 1, host
