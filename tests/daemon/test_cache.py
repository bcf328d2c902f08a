from agent.daemon.dns.cache import ENTRY_BYTES, Cache


class Message:
    def __init__(self, size: int = 50) -> None:
        self.body = bytes(size)


def key(number: int) -> bytes:
    return b"%06d" % number


def test_what_is_kept_is_found_and_what_is_not_is_none() -> None:
    cache = Cache(10, 100_000)
    message = Message()
    cache.store(b"a", message)
    assert cache.find(b"a") is message
    assert cache.find(b"b") is None


def test_never_more_entries_than_the_cap() -> None:
    cache = Cache(10, 1 << 20)
    for number in range(1000):
        cache.store(key(number), Message())
        assert len(cache) <= 10


def test_never_more_bytes_than_the_cap_also_when_old_ones_are_asked_again_and_again() -> None:
    most = 20 * (ENTRY_BYTES + 1000)
    cache = Cache(10_000, most)
    held: dict[bytes, int] = {}
    for number in range(500):
        size = 1 + number * 37 % 900
        held[key(number)] = size + ENTRY_BYTES + 6
        cache.store(key(number), Message(size))
        for earlier in range(max(0, number - 30), number):
            cache.find(key(earlier))
        assert sum(size for name, size in held.items() if name in cache.young or name in cache.old) <= most


def test_what_is_asked_for_outlives_what_is_not() -> None:
    cache = Cache(10, 1 << 20)
    cache.store(b"often", Message())
    cache.store(b"once", Message())
    for number in range(100):
        cache.store(key(number), Message())
        assert cache.find(b"often") is not None
    assert cache.find(b"once") is None


def test_what_is_too_large_is_not_kept_and_pushes_nothing_out() -> None:
    cache = Cache(10, 2000)
    cache.store(b"small", Message())
    cache.store(b"large", Message(2000))
    assert cache.find(b"large") is None
    assert cache.find(b"small") is not None


def test_clear_forgets_both_generations() -> None:
    cache = Cache(4, 1 << 20)
    for number in range(4):
        cache.store(key(number), Message())
    cache.clear()
    assert len(cache) == 0
    assert all(cache.find(key(number)) is None for number in range(4))
