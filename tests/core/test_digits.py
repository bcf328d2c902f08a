from agent.core.digits import is_digits, whole
from agent.core.leases import parse
from agent.core.listrules import bounds
from agent.core.model import BadInput, Person

ODD = ("", " ", "²", "1²", "٣", "१", "１", "-1", "+1", "1_0", " 1", "1 ", "1\n", "0x1", "1.0", "1e3", "\ud800", "\0")


def test_digits_are_ascii():
    assert is_digits("0123456789") and whole("0") == 0 and whole("0042") == 42 and whole("9" * 16) == 10**16 - 1
    for text in ODD:
        assert not is_digits(text) and whole(text) is None


def test_a_number_that_is_too_long_is_none():
    assert whole("1" * 17) is None and whole("1" * 17, 17) == 11111111111111111 and whole("1" * 5000) is None


def test_a_birth_month_that_is_none_tells_no_age():
    for month in ("201²-05", "2012-0²", "2012", "", "-", "2012-05-01", "a-b", "٢٠١٢-٠٥"):
        assert not Person(1, "Mia", "child", month).of_age(2031, 1)
    assert Person(1, "Mia", "child", "2012-05").of_age(2030, 5)


def test_a_network_whose_bits_are_no_number():
    for bits in (b"", b"\xc2\xb2", b"1_0", b"+8", b"33", b"1" * 5000):
        try:
            bounds(b"192.0.2.0/" + bits)
        except BadInput:
            continue
        raise AssertionError(bits[:10])


def test_a_lease_whose_mac_has_signs():
    assert parse("1 +2:00:5e:00:53:01 192.0.2.7 tablet *\n") == []
