"""Observations become visits; ages count running time."""

from agent.core import history
from agent.core.history import DAY_S, GAP_S, HOSTS_MAX, OPEN_MAX, AgeClock, Visits, oldest_kept
from agent.core.model import HISTORY, Observation, Permit


def site_of(host):
    return b".".join(host.split(b".")[-2:])


def seen(host, age, hits=1, source="dns"):
    return Observation(host, source, hits, 5000 + age, age)


def permit(device=1, epoch=1):
    return Permit(device, HISTORY, epoch)


def test_one_visit_of_one_site():
    visits = Visits(site_of)
    visits.observe(permit(), seen(b"en.wikipedia.org", 10))
    visits.observe(permit(), seen(b"upload.wikipedia.org", 40, hits=3))
    (visit,) = visits.dirty()
    assert visit.site == b"wikipedia.org"
    assert visit.hosts == [b"en.wikipedia.org", b"upload.wikipedia.org"]
    assert (visit.first, visit.last, visit.age, visit.hits) == (5010, 5040, 40, 4)


def test_a_gap_starts_a_new_visit():
    visits = Visits(site_of)
    visits.observe(permit(), seen(b"a.example", 0))
    visits.observe(permit(), seen(b"a.example", GAP_S))
    visits.observe(permit(), seen(b"a.example", GAP_S + GAP_S + 1))
    assert sorted([(visit.first, visit.hits) for visit in visits.dirty()]) == [(5000, 2), (5000 + 2 * GAP_S + 1, 1)]


def test_a_visit_never_crosses_an_epoch_or_a_device():
    visits = Visits(site_of)
    visits.observe(permit(1, 1), seen(b"a.example", 0))
    visits.observe(permit(1, 3), seen(b"a.example", 1))
    visits.observe(permit(2, 2), seen(b"a.example", 2))
    assert sorted([(visit.device_id, visit.epoch) for visit in visits.dirty()]) == [(1, 1), (1, 3), (2, 2)]


def test_ending_an_epoch_hands_over_what_is_not_stored_and_nothing_else():
    visits = Visits(site_of)
    visits.observe(permit(1, 1), seen(b"a.example", 0))
    visits.observe(permit(2, 2), seen(b"b.example", 0))
    ended = visits.close([1])
    assert [visit.site for visit in ended] == [b"a.example"]
    assert [visit.site for visit in visits.dirty()] == [b"b.example"]
    assert visits.close([1]) == []


def test_written_visits_grow_on():
    visits = Visits(site_of)
    visits.observe(permit(), seen(b"a.example", 0))
    visits.written()
    assert visits.dirty() == []
    visits.observe(permit(), seen(b"a.example", 5))
    (visit,) = visits.dirty()
    assert visit.hits == 2


def test_a_removed_visit_does_not_grow_on():
    visits = Visits(site_of)
    visits.observe(permit(), seen(b"a.example", 0))
    visits.dirty()[0].id = 9
    visits.drop({9})
    visits.observe(permit(), seen(b"a.example", 5))
    (visit,) = visits.dirty()
    assert visit.id is None and visit.hits == 1


def test_hosts_are_bounded():
    visits = Visits(site_of)
    for number in range(HOSTS_MAX + 5):
        visits.observe(permit(), seen(b"h%d.a.example" % number, 0))
    (visit,) = visits.dirty()
    assert len(visit.hosts) == HOSTS_MAX and visit.hits == HOSTS_MAX + 5


def test_a_burst_is_bounded_and_counted():
    visits = Visits(site_of)
    for number in range(OPEN_MAX + 7):
        visits.observe(permit(), seen(b"n%d.example" % number, 0))
    assert len(visits.dirty()) == OPEN_MAX and visits.dropped == 7
    visits.written()
    visits.observe(permit(), seen(b"later.example", 1))
    assert [visit.site for visit in visits.dirty()] == [b"later.example"]
    assert len(visits) <= OPEN_MAX


def test_a_connection_outranks_dns_as_source():
    visits = Visits(site_of)
    visits.observe(permit(), seen(b"a.example", 0))
    visits.observe(permit(), seen(b"a.example", 1, source="tls"))
    visits.observe(permit(), seen(b"a.example", 2))
    assert visits.dirty()[0].source == "tls"


def test_age_counts_running_time_and_no_jump():
    clock = AgeClock(100, "boot1", 50, 1_000_000, 100)
    assert clock.tick("boot1", 60, 1_000_010) == 110
    assert clock.tick("boot1", 70, 9_000_000) == 120  # the wall clock jumped ahead: nothing
    assert clock.tick("boot1", 80, 5) == 130  # and back: nothing


def test_age_adds_the_time_off_once():
    clock = AgeClock(100, "boot1", 50, 1_000_000, 100)
    assert clock.tick("boot2", 30, 1_000_000 + 500) == 100 + 500
    assert clock.tick("boot2", 40, 1_000_000 + 510) == 100 + 510


def test_age_waits_for_a_clock_that_is_set():
    clock = AgeClock(100, "boot1", 50, 1_000_000, 100)
    assert clock.tick("boot2", 30, None) == 130
    assert clock.tick("boot2", 90, 1_000_000 + 1090) == 100 + 1090
    assert clock.tick("boot2", 100, 1_000_000 + 1100) == 100 + 1100


def test_age_never_runs_back_and_a_long_absence_is_bounded():
    clock = AgeClock(100, "boot1", 50, 1_000_000, 100)
    assert clock.tick("boot2", 30, 900_000) == 130
    clock = AgeClock(100, "boot1", 50, 1_000_000, 100)
    assert clock.tick("boot2", 0, 10**12) == 100 + history.AgeClock.OFF_MAX_S


def test_two_reboots_without_a_clock():
    clock = AgeClock(0, "boot1", 0, 1_000_000)
    clock.tick("boot2", 100, None)
    clock.tick("boot3", 50, None)
    assert clock.tick("boot3", 60, 1_000_000 + 1000) == 1000


def test_oldest_kept():
    assert oldest_kept(10 * DAY_S, 7) == 3 * DAY_S
