"""Noise with integer arithmetic, for a number and for a choice, and the lifetime budget that it is paid from.

Numbers are sampled by algorithm 2 of Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy"
(2020): no floating point, so that no bit of a mantissa tells what was hidden. Randomness is handed in as
`draw(n) -> n bytes`; it has to come from a cryptographic source.
"""

from agent.core.model import BadInput
from agent.core.shapes import Draw

# Thousandths, so that budgets add up exactly. Below a hundredth nothing is left but noise; above 2 too little of it.
EPSILON_MIN, EPSILON_MAX = 10, 2000
LIFETIME_MAX = 100_000


def below(limit: int, draw: Draw) -> int:
    """Uniform in [0, limit), without bias: what falls beyond is drawn again."""
    if limit < 1:
        raise BadInput("nothing can be drawn below " + str(limit))
    size, span = 1, 256
    while span < limit:
        size += 1
        span <<= 8
    usable = span - span % limit
    while True:
        value = int.from_bytes(draw(size), "big")
        if value < usable:
            return value % limit


def coin(numerator: int, denominator: int, draw: Draw) -> bool:
    """True with the probability numerator / denominator."""
    return below(denominator, draw) < numerator


def coin_exp(numerator: int, denominator: int, draw: Draw) -> bool:
    """True with the probability exp(-numerator / denominator); algorithm 1 of the paper."""
    while numerator > denominator:
        if not _coin_exp_to_one(1, 1, draw):
            return False
        numerator -= denominator
    return _coin_exp_to_one(numerator, denominator, draw)


def _coin_exp_to_one(numerator: int, denominator: int, draw: Draw) -> bool:
    tries = 1
    while coin(numerator, denominator * tries, draw):
        tries += 1
    return tries % 2 == 1


def discrete_laplace(t: int, s: int, draw: Draw) -> int:
    """A whole number; x has a probability proportional to exp(-|x| * s / t). The scale is t / s."""
    if t < 1 or s < 1:
        raise BadInput("the scale of the noise must be positive")
    while True:
        low = below(t, draw)
        if not coin_exp(low, t, draw):
            continue
        high = 0
        while coin_exp(1, 1, draw):
            high += 1
        size = (low + t * high) // s
        negative = coin(1, 2, draw)
        if negative and size == 0:
            continue  # else zero would come up twice as often
        return -size if negative else size


def randomized(choices: int, true: int, epsilon: int, draw: Draw) -> int:
    """One of the choices: the true one e^epsilon (thousandths) times as likely as any other. Randomized response
    (Warner 1965), for more than two as in Kairouz, Oh and Viswanath, "Extremal Mechanisms" (2016)."""
    while True:
        given = below(choices, draw)
        if given == true or coin_exp(epsilon, 1000, draw):
            return given


def charge(spent: int, epsilon: int, lifetime: int) -> int | None:
    """What is spent after one more report, in thousandths; None when that is not to be had: no report is made then.

    A number that can't be (negative, not whole) is a damaged one and counts as all spent.
    """
    for value in (spent, epsilon, lifetime):
        if not isinstance(value, int) or value < 0:
            return None
    if not EPSILON_MIN <= epsilon <= EPSILON_MAX or lifetime > LIFETIME_MAX:
        return None
    after = spent + epsilon
    return after if after <= lifetime else None
