"""The sampler in exact arithmetic, and the budget. Statistics are in tests/properties/test_noise.py."""

from agent.core import noise
from agent.core.model import BadInput


class Bytes:
    """A fixed sequence; asking for more than there is is an error."""

    def __init__(self, data):
        self.data = bytes(data)

    def __call__(self, size):
        assert len(self.data) >= size, "more was drawn than expected"
        taken, self.data = self.data[:size], self.data[size:]
        return taken


def refused(call):
    try:
        call()
    except BadInput:
        return True
    return False


def test_a_draw_without_bias_rejects_the_rest():
    assert noise.below(1, Bytes([77])) == 0
    assert noise.below(256, Bytes([255])) == 255
    assert noise.below(100, Bytes([199])) == 99
    assert noise.below(100, Bytes([200, 255, 7])) == 7  # 200 and above would favour small ones
    assert noise.below(257, Bytes([255, 255, 1, 1])) == 0
    assert refused(lambda: noise.below(0, Bytes([0])))


def test_every_byte_is_as_likely():
    for limit in (1, 2, 3, 7, 85, 100, 128, 255, 256):
        counts = [0] * limit
        for byte in range(256):
            draw = Bytes([byte, 0])
            value = noise.below(limit, draw)
            if len(draw.data) == 1:
                counts[value] += 1
        assert min(counts) == max(counts) == 256 // limit


def test_a_coin_with_exp_zero_always_falls_true():
    assert noise.coin_exp(0, 5, Bytes([0, 0]))


def test_zero_comes_up_once_only():
    # low is 0 and its coin passes, high stops at once, and the sign is minus: drawn again; then the sign is plus.
    zero, minus, plus = [0, 0, 0, 255], [0], [255]
    draw = Bytes(zero + minus + zero + plus)
    assert noise.discrete_laplace(1, 1, draw) == 0
    assert draw.data == b""


def test_scales_must_be_positive():
    for t, s in ((0, 1), (1, 0), (-1, 1)):
        assert refused(lambda a=t, b=s: noise.discrete_laplace(a, b, Bytes([0])))


def test_the_budget_is_never_overdrawn():
    spent, reports = 0, 0
    while (after := noise.charge(spent, 300, 1000)) is not None:
        spent, reports = after, reports + 1
    assert (spent, reports) == (900, 3)
    assert noise.charge(700, 300, 1000) == 1000
    assert noise.charge(701, 300, 1000) is None


def test_a_damaged_budget_is_a_spent_one():
    for spent, epsilon, lifetime in (
        (-1, 300, 1000),
        (None, 300, 1000),
        ("0", 300, 1000),
        (0, 9, 1000),
        (0, 2001, 10000),
        (0, 300, noise.LIFETIME_MAX + 1),
        (0, -300, 1000),
    ):
        assert noise.charge(spent, epsilon, lifetime) is None


class Stream:
    """Bytes without end, the same each time: xorshift."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self, size):
        made = []
        for _ in range(size):
            self.state ^= (self.state << 13) & 0xFFFFFFFF
            self.state ^= self.state >> 17
            self.state ^= (self.state << 5) & 0xFFFFFFFF
            made.append(self.state >> 11 & 255)
        return bytes(made)


def share(sample, count=4000):
    """How often each value comes up."""
    draw, found = Stream(20261201), {}
    for _ in range(count):
        value = sample(draw)
        found[value] = found.get(value, 0) + 1
    return {value: found[value] / count for value in found}


def near(shares, value, wanted, within=0.025):
    return abs(shares.get(value, 0) - wanted) < within


def test_what_falls_beyond_is_drawn_again_in_two_bytes_as_well():
    draw = Bytes([255, 255, 1, 3])
    assert noise.below(257, draw) == 2 and draw.data == b""


def test_a_coin_with_an_exponent():
    for numerator, denominator, wanted in ((1, 2, 0.6065), (1, 1, 0.3679), (3, 2, 0.2231), (2, 1, 0.1353)):
        shares = share(lambda draw, n=numerator, d=denominator: noise.coin_exp(n, d, draw))
        assert sorted(shares) == [False, True] and near(shares, True, wanted), (numerator, denominator)


def test_numbers_around_zero():
    """Proportional to exp(-|x| * s / t)."""
    for t, s, ratio in ((1, 1, 0.3679), (3, 2, 0.5134), (5, 1, 0.8187)):
        shares = share(lambda draw, t=t, s=s: noise.discrete_laplace(t, s, draw))
        zero = (1 - ratio) / (1 + ratio)
        for value in (0, 1, -1, 2, -2, 3, -3):
            assert near(shares, value, zero * ratio ** abs(value)), (t, s, value)


def test_a_choice():
    """The true one is e^epsilon times as likely as any other."""
    for choices, epsilon, odds in ((3, 1000, 2.718), (4, 2000, 7.389), (2, 10, 1.01)):
        shares = share(lambda draw, c=choices, e=epsilon: noise.randomized(c, 1, e, draw))
        assert sorted(shares) == list(range(choices))
        for value in range(choices):
            assert near(shares, value, (odds if value == 1 else 1) / (odds + choices - 1)), (choices, epsilon, value)


def test_the_limits_of_the_budget_are_within():
    assert noise.charge(0, noise.EPSILON_MIN, 1000) == noise.EPSILON_MIN
    assert noise.charge(0, noise.EPSILON_MAX, noise.LIFETIME_MAX) == noise.EPSILON_MAX


def test_the_same_bytes_make_the_same_numbers():
    """Neither sign nor size is by chance alone: a sampler that draws otherwise is another one."""
    draw = Stream(7)
    drawn = [noise.discrete_laplace(3, 1, draw) for _ in range(16)]
    assert drawn == [0, -5, 2, 2, 3, -3, 1, 1, -2, -5, -3, 6, 1, -12, 2, -14]


def test_epsilon_is_counted_in_thousandths():
    # One that is not the true one; its coin falls at 1000 of 1000, then stops at 1500 of 2000; then the true one.
    assert noise.randomized(2, 0, 1000, Bytes([1, 3, 232, 5, 220, 0])) == 0
