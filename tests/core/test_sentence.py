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


def test_one_from_elsewhere_is_bounded() -> None:
    deep: object = "end"
    for _ in range(500):
        deep = ["{}", deep]
    assert told(heard(deep, 9)) == ["{}", ["{}", ["{}", ["{}", ""]]]]
    wide = heard(["{} " * 40] + [str(n) for n in range(40)], 300)
    assert isinstance(wide, Sentence) and wide.values == tuple([str(n) for n in range(16)])
    assert told(heard(["{}{}{}{}", {"x": deep}, None, 7, [[]]], 9)) == ["{}{}{}{}", "", "", "7", ""]
    for text in ('["{}",' * 100000, '["{}",' * 100000 + '"x"' + "]" * 100000, '["{}",' + "[" * 100000):
        assert isinstance(unpacked(text), (str, Sentence))


def test_whatever_stands_there_is_text_or_a_sentence() -> None:
    """Any JSON, whole and cut off anywhere, with one character changed."""
    kinds = [
        '"a"',
        "7",
        "-1.5e3",
        "null",
        "true",
        "{}",
        '{"a":["b"]}',
        "[]",
        '["{}","x"]',
        '["a {} b",["{}",1]]',
        "[[1]]",
    ]
    seed = 1
    for number in range(3000):
        parts = []
        for _ in range(number % 5 + 1):
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            parts.append(kinds[(seed >> 8) % len(kinds)])
        text = '["{}",' + ",".join(parts) + "]"
        at = (seed >> 4) % len(text)
        for given in (text, text[:at], text[:at] + chr(32 + seed % 90) + text[at + 1 :]):
            said = unpacked(given, 5)
            assert isinstance(said, (str, Sentence)) and str(said) is not None
            if isinstance(said, Sentence):
                assert told(heard(told(said), 5)) == told(said), given
