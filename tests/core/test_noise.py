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
