"""A sentence with its values: in English as a whole, and apart for other languages."""

from agent.core.model import BadInput, Sentence, heard, packed, said_by, spoken, told, unpacked


def test_it_is_said_and_told() -> None:
    inner = BadInput(Sentence("no device {}", 7))
    outer = BadInput(Sentence("line {} of the chunk: {}", 3, inner))
    assert str(outer) == "line 3 of the chunk: no device 7"
    assert told(outer) == ["line {} of the chunk: {}", "3", ["no device {}", "7"]]
    assert told(BadInput("no PIN")) == "no PIN" and told("x") == "x"


def test_what_stands_in_a_value_is_no_place() -> None:
    said = Sentence("{} and {}", "a {} b", "c")
    assert str(said) == "a {} b and c" and told(said) == ["{} and {}", "a {} b", "c"]


def test_it_is_stored_and_comes_back_with_its_values() -> None:
    said = Sentence("the server answers {}", Sentence("{}!", 500))
    assert unpacked(packed(said)).values[1:] == () and told(unpacked(packed(said))) == told(said)
    assert unpacked(packed("plain")) == "plain" and unpacked('["cut o') == '["cut o'
    assert heard(["x" * 9, "y" * 9], 4) == "xxxx" and heard({"no": 1}, 9) == "" and heard([7], 9) == ""


def test_a_field_has_its_values_beside_it() -> None:
    assert spoken("message", Sentence("no device {}", 7)) == {
        "message": "no device 7",
        "message_sentence": ["no device {}", "7"],
    }
    assert spoken("message", "all is well") == {"message": "all is well"}
    assert said_by(BadInput(Sentence("no device {}", 7))) == "no device 7" and said_by(BadInput("no PIN")) == "no PIN"
