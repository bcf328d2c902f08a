"""Nearest names."""

from agent.core.did_you_mean import distance, nearest


def test_distance_counts_changes():
    for row in (
        "= = 0",
        "= abc 3",
        "abc abc 0",
        "abc abd 1",
        "abc ab 1",
        "abc xabc 1",
        "abc acb 1",
        "kitten sitting 3",
    ):
        left, right, changes = row.replace("=", "").split(" ")
        assert distance(left, right) == int(changes), row
        assert distance(right, left) == int(changes), row


def test_the_nearest_is_near_or_nothing():
    known = ["Mia's tablet", "Mia's phone", "Television"]
    assert nearest("mias tablet", known) == "Mia's tablet"
    assert nearest("televison", known) == "Television"
    assert nearest("printer", known) is None
    assert nearest("x", ["y", "5"]) is None
    assert nearest("x", []) is None
