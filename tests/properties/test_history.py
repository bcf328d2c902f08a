"""Visits and what is told apart as background, whatever a device contacts and however it is switched."""

from hypothesis import given
from hypothesis import strategies as st

from agent.core.history import GAP_S, OPEN_MAX, Visits
from agent.core.model import HISTORY, Observation, Permit, Visit
from agent.core.page_loads import NAMES_MAX

HOSTS = [b"www.a.example", b"a.example", b"t.a.example", b"b.example", b"x.b.example", b"c.example", b"api.d.example"]
CONTACT = st.tuples(
    st.integers(0, 40), st.sampled_from(HOSTS), st.sampled_from(["dns", "tls", "http", "ech"]), st.integers(1, 3)
)
SWITCH = st.tuples(st.just(-1), st.integers(1, 3))  # a new epoch of that device


def site_of(host: bytes) -> bytes:
    return b".".join(host.split(b".")[-2:])


class Life:
    """Devices that contact and are switched off and on; keeps every visit that was ever handed out to be stored."""

    def __init__(self) -> None:
        self.visits = Visits(site_of)
        self.epochs = {device: device for device in (1, 2, 3)}
        self.next = 10
        self.stored: dict[int, Visit] = {}
        self.ended: set[int] = set()
        self.age = 0

    def contact(self, device: int, wait: int, host: bytes, source: str) -> None:
        self.age += wait * 2
        self.visits.observe(
            Permit(device, HISTORY, self.epochs[device]), Observation(host, source, 1, self.age, self.age)
        )

    def switch(self, device: int) -> None:
        for visit in self.visits.close([self.epochs[device]]):
            self.stored[id(visit)] = visit
        self.ended.add(self.epochs[device])
        self.epochs[device] = self.next = self.next + 1

    def store(self) -> None:
        for visit in self.visits.dirty():
            assert visit.epoch not in self.ended, "nothing of a closed epoch is ever handed out to be stored again"
            self.stored[id(visit)] = visit
        self.visits.written()


def lived(steps: list[tuple]) -> Life:
    life = Life()
    for step in steps:
        if step[0] == -1:
            life.switch(step[1])
        else:
            wait, host, source, device = step
            life.contact(device, wait, host, source)
            life.store()
    return life


@given(st.lists(st.one_of(CONTACT, CONTACT, CONTACT, SWITCH), max_size=120))
def test_a_cause_is_of_the_same_device_and_epoch_and_has_none_itself(steps: list[tuple]) -> None:
    for visit in lived(steps).stored.values():
        if visit.cause is not None:
            assert visit.background and visit.cause.cause is None
            assert (visit.cause.device_id, visit.cause.epoch) == (visit.device_id, visit.epoch)
            assert visit.cause.first <= visit.first and visit.cause is not visit


@given(st.lists(CONTACT, max_size=120))
def test_a_site_is_counted_once_whoever_sees_it(steps: list[tuple]) -> None:
    """Of one device and site no two rows overlap or lie closer than a gap, by whatever it was seen."""
    life = lived(steps)
    rows = sorted((visit.device_id, visit.site, visit.first, visit.last) for visit in life.stored.values())
    for before, after in zip(rows, rows[1:], strict=False):
        assert before[:2] != after[:2] or after[2] - before[3] > GAP_S


@given(st.lists(CONTACT, max_size=80), st.randoms())
def test_what_is_recorded_hangs_on_no_order_within_a_second(steps: list[tuple], random: object) -> None:
    """Contacts of one second may come in any order: which rows there are and how often stays, as do their hosts."""
    seconds: dict[int, list[tuple]] = {}
    age = 0
    for wait, host, source, device in steps:
        age += wait
        seconds.setdefault(age, []).append((host, source, device))
    found = []
    for shuffled in (False, True):
        life = Life()
        for age, contacts in sorted(seconds.items()):
            contacts = sorted(contacts)
            if shuffled:
                random.shuffle(contacts)  # type: ignore[attr-defined]
            for host, source, device in contacts:
                life.age = age
                life.contact(device, 0, host, source)
        life.store()
        found.append(sorted((v.device_id, v.site, v.first, v.last, v.hosts) for v in life.stored.values()))
    assert found[0] == found[1]


@given(st.lists(CONTACT, max_size=60))
def test_other_devices_change_nothing(steps: list[tuple]) -> None:
    both, alone = Life(), Life()
    age = 0
    for wait, host, source, device in steps:
        age += wait * 2
        for life in (both, alone) if device == 1 else (both,):
            life.age = age
            life.contact(device, 0, host, source)
    found = []
    for life in (both, alone):
        life.store()
        own = [visit for visit in life.stored.values() if visit.device_id == 1]
        found.append(sorted((v.site, v.first, v.last, v.hits, v.background, v.cause is None) for v in own))
    assert found[0] == found[1]


def test_memory_is_bounded_whatever_comes() -> None:
    life = Life()
    for number in range(4 * NAMES_MAX):
        host = b"%s.s%d.example" % (b"www" if number % 3 else b"t", number)
        life.contact(1 + number % 3, number % 7 == 0, host, "dns")
        life.store()
    assert len(life.visits) <= OPEN_MAX
    assert len(life.visits._leads) <= 2 * NAMES_MAX + 3
