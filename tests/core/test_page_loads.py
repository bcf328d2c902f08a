"""What somebody opened, and what followed by itself."""

from agent.core.history import GAP_S, Visits
from agent.core.model import HISTORY, Observation, Permit, Visit
from agent.core.page_loads import BURST_S, FOLLOWERS, FOLLOWERS_PULLED, NAMES_MAX, PageLoads, Recent, at_front


def site_of(host):
    return b".".join(host.split(b".")[-2:])


class Device:
    """Contacts of one device; rows are what was stored last of each visit."""

    def __init__(self, epoch=1):
        self.visits = Visits(site_of)
        self.epoch = epoch
        self.rows = []

    def contact(self, age, *hosts, source="tls"):
        for host in hosts:
            seen = Observation(host, source, 1, age, age)
            self.visits.observe(Permit(1, HISTORY, self.epoch), seen)
            self.rows += [visit for visit in self.visits.dirty() if visit not in self.rows]

    def opened(self):
        return sorted([visit.site for visit in self.rows if not visit.background])

    def causes(self):
        return {visit.site: visit.cause and visit.cause.site for visit in self.rows if visit.background}


def test_a_page_pulls_in_what_follows_within_seconds():
    device = Device()
    device.contact(100, b"www.news.example")
    device.contact(101, b"t.ads.example1", b"cdn.example2")
    device.contact(100 + BURST_S, b"x.late.example3")
    assert device.opened() == [b"news.example"]
    assert device.causes() == {
        b"ads.example1": b"news.example",
        b"cdn.example2": b"news.example",
        b"late.example3": b"news.example",
    }


def test_the_next_page_is_opened_after_the_burst():
    device = Device()
    device.contact(100, b"one.example", b"t.ads.example1")
    device.contact(101 + BURST_S, b"www.two.example", b"t.ads.example1", b"new.example2")
    assert device.opened() == [b"one.example", b"two.example"]
    assert device.causes() == {b"ads.example1": b"one.example", b"new.example2": b"two.example"}


def test_a_front_is_the_bare_name_or_a_word_for_people():
    for host in (b"a.example", b"www.a.example", b"en.a.example", b"docs.a.example"):
        assert at_front(host, b"a.example"), host
    for host in (b"api.a.example", b"www.api.a.example", b"t.www.a.example", b"wwwa.example"):
        assert not at_front(host, b"a.example"), host


def test_an_app_that_calls_home_alone_opens_nothing():
    device = Device()
    for minute in range(10):
        device.contact(60 * minute, b"api.app.example")
    assert device.opened() == [] and device.causes() == {b"app.example": None}


def test_what_is_not_at_a_front_is_opened_once_enough_follows():
    device = Device()
    device.contact(100, b"mail2.app.example")
    for number in range(FOLLOWERS):
        assert device.opened() == []
        device.contact(101, b"x%d.cdn%d.example" % (number, number))
    assert device.opened() == [b"app.example"]
    assert set(device.causes().values()) == {b"app.example"}


def test_what_was_pulled_in_is_opened_only_if_much_follows_after_a_silence():
    device = Device()
    device.contact(100, b"one.example", b"video.example1")
    device.contact(200, b"video.example1")
    assert device.opened() == [b"one.example"]
    names = [b"t.n%d.example" % number for number in range(FOLLOWERS_PULLED)]
    device.contact(300, b"video.example1", *names[:-1])
    assert device.opened() == [b"one.example"]
    device.contact(302, names[-1])
    assert device.opened() == [b"one.example", b"video.example1"]
    assert b"video.example1" not in device.causes(), "it is nobody's background any more"
    device.contact(400, b"one.example")
    device.contact(420, b"three.example")
    device.contact(421 + BURST_S, b"video.example1")
    assert device.opened() == [b"one.example", b"three.example", b"video.example1"]


def test_what_came_alone_once_is_no_visit_the_next_time():
    device = Device()
    device.contact(0, b"ping.example")
    device.contact(1000, b"other.example", b"cdn.example2")
    device.contact(2000 + GAP_S, b"ping.example")
    assert [visit.background for visit in device.rows if visit.site == b"ping.example"] == [False, True]


def test_a_page_takes_over_from_what_only_might_have_been_opened():
    device = Device()
    device.contact(100, b"api.app.example")
    device.contact(102, b"www.news.example")
    assert device.opened() == [b"news.example"] and device.causes() == {b"app.example": None}


def test_another_page_of_the_same_site_pulls_in_again():
    device = Device()
    device.contact(100, b"news.example")
    device.contact(160, b"news.example", b"t.new.example1")
    assert device.opened() == [b"news.example"] and device.causes() == {b"new.example1": b"news.example"}


def test_dns_and_connection_of_one_page_are_one_visit():
    device = Device()
    device.contact(100, b"www.a.example", source="dns")
    device.contact(100, b"www.a.example")
    device.contact(101, b"www.a.example", source="dns")
    (visit,) = device.rows
    assert not visit.background and (visit.hits, visit.source) == (1, "tls")


def test_epochs_and_devices_do_not_see_each_other():
    device = Device(epoch=1)
    device.contact(100, b"one.example", b"cdn.example2")
    device.epoch = 2
    device.contact(101, b"cdn.example2")
    assert [visit.background for visit in device.rows if visit.epoch == 2] == [False]


def test_ending_and_erasing_leave_nothing_behind():
    device = Device()
    device.contact(100, b"one.example", b"cdn.example2")
    device.visits.close([1])
    device.contact(100 + BURST_S, b"cdn.example2")
    assert not device.rows[-1].background, "what the epoch before had shown is forgotten"
    device.contact(101 + BURST_S, b"t.example3")
    device.rows[-1].id = 7
    device.visits.drop(set([7]))
    device.contact(102 + BURST_S, b"fresh.example")
    assert not device.rows[-1].background


def test_a_cause_has_no_cause():
    device = Device()
    device.contact(100, b"one.example", b"two.example")
    device.contact(200, b"two.example", b"three.example", b"four.example")
    for visit in device.rows:
        assert visit.cause is None or visit.cause.cause is None


def test_what_is_remembered_is_bounded():
    leads = PageLoads()
    for number in range(3 * NAMES_MAX):
        visit = Visit(None, 1, 1 + number % 50, b"s%d.example" % number, 0, 0, 0, 1, [], "dns")
        leads.place(visit, True, b"api." + visit.site, number // 10)
    assert len(leads) <= 2 * NAMES_MAX + 50
    leads.close(list(range(60)))
    assert len(leads) == 0


def test_the_names_added_last_are_kept():
    recent = Recent(4)
    for name in (b"a", b"b", b"a", b"c", b"d", b"e"):
        recent.add((1, name))
    assert [name for name in (b"a", b"b", b"c", b"d", b"e") if (1, name) in recent] == [b"c", b"d", b"e"]
    recent.drop([1])
    recent.add((2, b"f"))
    assert len(recent) == 1 and (2, b"f") in recent


def test_no_name_is_remembered_for_longer_than_a_day():
    recent = Recent(100)
    for hour in range(100):
        recent.turn(3600 * hour)
        recent.add((1, b"h%d" % hour))
        known = [old for old in range(hour + 1) if (1, b"h%d" % old) in recent]
        assert hour - known[0] < 24 and (hour < 12 or hour - known[0] >= 11)
    recent.turn(3600 * 200)
    assert len(recent) == 0


def test_what_is_contacted_again_and_again_stays_known():
    device = Device()
    for hour in range(60):
        device.contact(3600 * hour, b"page%d.example" % hour, b"ads.example1")
    device.contact(3600 * 60, b"ads.example1")
    assert b"ads.example1" not in device.opened()
