from io import BytesIO

from agent.core.listrules import ListRule
from agent.core.match import BELOW, EXACT, WHOLE, Match
from agent.core.model import BadInput
from agent.core.ruleset import HEAD_SIZE, INDEX_START, Ruleset
from agent.core.rulewriter import ListMeta, build
from agent.platform.hashing import sha256

SALT = b"salt of the test"


def compiled(*lists: list[ListRule]) -> BytesIO:
    file = BytesIO()
    metas = [ListMeta("list" + str(at), "List " + str(at), "v" + str(at), "phishing", 0, 1700000000) for at in range(9)]
    build(file, list(zip(metas, lists)), SALT, sha256)
    return file


def rules(*names: bytes) -> list[ListRule]:
    return [ListRule(name) for name in names]


def opened(*lists: list[ListRule]) -> Ruleset:
    return Ruleset(compiled(*lists), sha256)


def test_a_listed_name_and_all_below_it_are_found() -> None:
    found = opened(rules(b"phish.example", b"deep.down.example"))
    assert found.find(b"phish.example") == Match(b"phish.example", WHOLE, 0)
    assert found.find(b"www.login.phish.example") == Match(b"phish.example", WHOLE, 0)
    assert found.find(b"a.deep.down.example") == Match(b"deep.down.example", WHOLE, 0)
    for name in (b"example", b"down.example", b"notphish.example", b"phish.example.com", b"", b"."):
        assert found.find(name) is None, name


def test_the_most_specific_rule_is_found_first() -> None:
    found = opened(rules(b"example.com"), rules(b"www.example.com"))
    assert found.find(b"a.www.example.com") == Match(b"www.example.com", WHOLE, 1)
    assert found.find(b"a.example.com") == Match(b"example.com", WHOLE, 0)


def test_a_rule_can_be_for_the_name_alone_or_for_those_below() -> None:
    found = opened([ListRule(b"one.example", EXACT), ListRule(b"two.example", BELOW)])
    assert found.find(b"one.example") == Match(b"one.example", EXACT, 0)
    assert found.find(b"a.one.example") is None
    assert found.find(b"two.example") is None
    assert found.find(b"a.two.example") == Match(b"two.example", BELOW, 0)


def test_a_verdict_names_the_rule_and_its_list() -> None:
    found = opened(rules(b"a.example"), rules(b"b.example", b"a.example"))
    verdict = found.decide(b"www.b.example")
    assert verdict is not None
    assert verdict.blocked
    rule = verdict.rule
    assert rule is not None
    assert (rule.text, rule.list_id, rule.list_name) == ("b.example", "list1", "List 1")
    assert (rule.list_version, rule.category, rule.scope) == ("v1", "phishing", "list")
    assert found.decide(b"c.example") is None


def test_the_meta_counts_each_rule_once() -> None:
    found = opened(rules(b"a.example", b"a.example"), rules(b"b.example", b"a.example"))
    assert found.count == 2
    assert [of["count"] for of in found.lists] == [1, 1]
    assert found.lists[0]["fetched"] == 1700000000


def test_an_empty_set_finds_nothing() -> None:
    found = opened([])
    assert found.count == 0
    assert found.find(b"phish.example") is None
    found.verify()


def refusal(data: bytes) -> str:
    try:
        Ruleset(BytesIO(data), sha256).verify()
    except BadInput as error:
        return str(error)
    return "taken"


def test_a_foreign_file_is_refused() -> None:
    assert refusal(b"") == "the rule set is cut short"
    assert refusal(b"0.0.0.0 phish.example\n" * 1000) == "this is not a compiled rule set"
    data = compiled(rules(b"a.example")).getvalue()
    assert "format 9" in refusal(data[:8] + b"\0\x09" + data[10:])


def test_a_truncated_file_is_refused_at_every_length() -> None:
    data = compiled(rules(b"a.example", b"b.example")).getvalue()
    for size in list(range(INDEX_START + 40)) + list(range(len(data) - 300, len(data))):
        assert "cut short" in refusal(data[:size]), size
    assert "cut short" in refusal(data + b"\0")


def test_a_changed_byte_is_noticed_wherever_it_is() -> None:
    data = compiled(rules(b"a.example", b"b.example")).getvalue()
    places = (
        list(range(INDEX_START + 9)) + list(range(HEAD_SIZE, len(data), 4999)) + list(range(len(data) - 300, len(data)))
    )
    for at in places:
        changed = bytearray(data)
        changed[at] ^= 1
        assert refusal(bytes(changed)) != "taken", at


def test_another_salt_gives_other_fingerprints() -> None:
    first, second = BytesIO(), BytesIO()
    for file, salt in ((first, SALT), (second, b"another salt, 16")):
        build(file, [(ListMeta("l", "L", "1", "malware"), rules(b"a.example"))], salt, sha256)
        assert Ruleset(file, sha256).find(b"a.example") is not None
    assert first.getvalue() != second.getvalue()
