"""Places that devices share."""

from agent.core.shares import Shares


def test_one_alone_has_half_and_others_still_get_some() -> None:
    shares = Shares(64)
    assert sum(shares.take("greedy") for _ in range(100)) == 32
    assert sum(shares.take("other") for _ in range(100)) == 16
    assert shares.take("third")


def test_what_is_given_back_is_there_again() -> None:
    shares = Shares(8)
    for _ in range(3):
        assert [shares.take("one") for _ in range(5)] == [True] * 4 + [False]
        for _ in range(4):
            shares.give("one")
    assert shares._of == {}
