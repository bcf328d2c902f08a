"""The settings table: defaults, overrides, and refusals that say what to do."""

from agent.core import settings
from agent.core.model import BadInput


def refusal(work, *arguments):
    try:
        work(*arguments)
    except BadInput as error:
        return str(error)
    raise AssertionError("not refused: " + repr(arguments))


def test_an_empty_file_gives_every_default():
    values = settings.read("")
    assert sorted(values.values) == sorted([row.name for row in settings.TABLE])
    assert values.text("state_dir") == "/etc/privacy-agent"
    assert values.number("history_days") == 7
    assert values.number("attempts_days") == 30
    assert values.flag("keep_history") is False
    assert values.texts("interfaces") == ["br-lan"]


def test_paths_follow_the_folder_they_are_in():
    values = settings.read('{"run_dir": "/tmp/x/"}')
    assert values.text("run_dir") == "/tmp/x"
    assert values.text("ruleset_file") == "/tmp/x/rules.bin"
    assert settings.read('{"ruleset_file": "/y"}').text("ruleset_file") == "/y"


def test_overrides_go_before_the_file():
    values = settings.read('{"history_days": 3, "blocked_ttl": 5}', {"history_days": 4})
    assert values.number("history_days") == 4
    assert values.number("blocked_ttl") == 5


def test_an_unknown_name_is_refused_with_the_nearest():
    assert "did you mean history_days?" in refusal(settings.read, '{"history_day": 3}')
    assert "did you mean" not in refusal(settings.read, '{"colour": 3}')
    assert "did you mean run_dir?" in refusal(settings.read, "", {"rundir": "/tmp"})


def test_what_is_not_a_json_object_is_refused():
    assert "not JSON" in refusal(settings.read, "{history_days: 3}")
    assert "not a JSON object" in refusal(settings.read, "[1]")


def test_each_kind_refuses_what_it_cannot_be():
    for name, value in (
        ("state_dir", "relative"),
        ("state_dir", 3),
        ("state_dir", "/a\0b"),
        ("web_user", "two words"),
        ("keep_history", 1),
        ("history_days", 31),
        ("history_days", 0),
        ("history_days", True),
        ("history_days", "7"),
        ("history_days", 7.5),
        ("identity", "name"),
        ("identity", []),
        ("interfaces", "br-lan"),
        ("interfaces", [3]),
        ("dns_listen", ["127.0.0.1"]),
        ("dns_listen", []),
        ("upstream", ["resolver.example"]),
        ("upstream", ["1.2.3.4:70000"]),
    ):
        message = refusal(settings.read, "", {name: value})
        assert name in message, message


def test_endpoints_become_canonical():
    values = settings.read("", {"upstream": ["9.9.9.9", "[2620:FE:0::fe]:5353", "::1"], "web_listen": []})
    assert values.texts("upstream") == ["9.9.9.9:53", "[2620:fe::fe]:5353", "[::1]:53"]
    assert values.texts("web_listen") == []


def test_queries_are_steered_to_a_port_where_somebody_listens():
    assert "agent_port" in refusal(settings.read, "", {"agent_port": 5400})
    assert settings.read("", {"agent_port": 5400, "identity": "address"})["agent_port"] == 5400


def test_the_port_of_multicast_dns_is_not_taken():
    assert "multicast" in refusal(settings.read, "", {"agent_port": 5353, "dns_listen": ["0.0.0.0:5353"]})


def test_the_bits_of_marks():
    layout = settings.mark_layout(settings.read(""))
    assert (layout.tag_mask, layout.mask) == (0xC000C000, 0xFF00C0FF)
    given = {"mark_signature": "0xF0000000", "mark_slot_bit": 8, "mark_generation_bit": 0}
    values = settings.read("", given)
    assert values.text("mark_signature") == "0xf0000000"
    assert settings.mark_layout(values).pack(255, 63) == 0x6000FF3F


def test_bits_of_marks_that_do_not_fit_are_refused():
    for given in (
        {"mark_signature": "0x1"},
        {"mark_signature": "c000c000"},
        {"mark_signature": "0xc000c000c"},
        {"mark_signature": "0x"},
        {"mark_signature": 0xC000C000},
        {"mark_slot_bit": 24},
        {"mark_generation_bit": 26},
        {"mark_generation_bit": 4},
    ):
        message = refusal(settings.read, "", given)
        assert "mark_signature" in message or sorted(given)[0] in message, message


def test_words_of_a_command_line_become_values():
    for name, word, value in (
        ("history_days", "12", 12),
        ("keep_history", "yes", True),
        ("keep_history", "false", False),
        ("interfaces", "br-lan, br-guest", ["br-lan", "br-guest"]),
        ("upstream", "", []),
        ("upstream", "1.1.1.1,[::1]:54", ["1.1.1.1:53", "[::1]:54"]),
        ("identity", "address", "address"),
        ("run_dir", "/tmp/r", "/tmp/r"),
        ("mark_signature", "0xf000", "0x0000f000"),
    ):
        assert settings.from_word(name, word) == value, name
    for name, word in (
        ("history_days", "x"),
        ("history_days", ""),
        ("keep_history", "perhaps"),
        ("nosuch", "1"),
    ):
        refusal(settings.from_word, name, word)


def test_every_row_explains_itself():
    for row in settings.TABLE:
        assert row.sentence.endswith("."), row.name
