"""A sentence with its values: in English as a whole, and apart for other languages."""

from agent.core.model import BadInput, Sentence, told


def test_it_is_said_and_told() -> None:
    inner = BadInput(Sentence("no device {}", 7))
    outer = BadInput(Sentence("line {} of the chunk: {}", 3, inner))
    assert str(outer) == "line 3 of the chunk: no device 7"
    assert told(outer) == ["line {} of the chunk: {}", "3", ["no device {}", "7"]]
    assert told(BadInput("no PIN")) == "no PIN" and told("x") == "x"


def test_what_stands_in_a_value_is_no_place() -> None:
    said = Sentence("{} and {}", "a {} b", "c")
    assert str(said) == "a {} b and c" and told(said) == ["{} and {}", "a {} b", "c"]
