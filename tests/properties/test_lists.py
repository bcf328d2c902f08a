"""Lists against a plain reading of them: the streamed file agrees with loops over rules, and printing with parsing."""

from contextlib import suppress
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.core.condition import Condition
from agent.core.listrules import ListRule, Network
from agent.core.match import BELOW, EXACT, WHOLE
from agent.core.model import BadInput, Value
from agent.core.rules import SYNTAXES, detect
from agent.core.ruleset import Ruleset
from agent.core.rulewriter import ListMeta, build, identity
from agent.jobs.compile import Source, compile_lists
from agent.jobs.fast_lines import plain_names
from agent.platform.hashing import sha256
from tests.core.whole import parse_line

LABELS = st.sampled_from([b"a", b"b", b"www", b"x-1", b"_s", b"xn--p1ai"])
NAMES = st.builds(lambda labels, top: b".".join([*labels, top]), st.lists(LABELS, min_size=1, max_size=4), LABELS)
SYNTAX = st.sampled_from(sorted(SYNTAXES))

# Pieces of which lines are made that come near to the fast way's patterns.
PIECES = st.sampled_from(
    [b"0.0.0.0 ", b"127.0.0.1\t", b"||", b"^", b"*.", b"address=/", b"local=/", b"/", b"/0.0.0.0", b"/::", b"/#", b"#"]
    + [b'local-zone: "', b'" always_nxdomain', b'" refuse', b" CNAME .", b" IN CNAME .", b" ", b"\r", b"\t", b"."]
    + [b"localhost", b"localhost.localdomain", b"A.Example", b"a.example", b"b-.c.example", b"1.2.3.4", b"a.b.1x"]
    + [b"x" * 62 + b".example", b"y" * 64 + b".example", b"-", b"$", b"\xc3\xbc.example", b"n" * 50 + b".oo.example"]
)
LINES = st.lists(st.one_of(NAMES, PIECES), min_size=1, max_size=4).map(b"".join)


def keys(values: list[Value]) -> list[Value]:
    return [value for value in values if isinstance(value, (ListRule, Network))]


@given(st.lists(LINES, max_size=12), st.sampled_from(sorted(SYNTAXES)))
@example([b"0.0.0.0 a.example", b"x", b"0.0.0.0 b.example\r"], "hosts")
def test_the_fast_way_reads_what_the_parser_reads(lines: list[bytes], syntax: str) -> None:
    chunk = b"\n".join(lines)
    names, kind, rest = plain_names(chunk, syntax)
    fast: list[Value] = [ListRule(name, kind) for name in names]
    for line in rest:
        fast += parse_line(line, syntax)
    slow = [value for line in chunk.split(b"\n") for value in parse_line(line, syntax)]
    assert sorted(map(repr, fast)) == sorted(map(repr, slow))


PRINTED = {
    "hosts": {WHOLE: b"0.0.0.0 %b"},
    "domains": {WHOLE: b"%b", EXACT: b"=%b"},
    "adblock": {WHOLE: b"||%b^", EXACT: b"|%b^", BELOW: b"||*.%b^"},
    "dnsmasq": {WHOLE: b"local=/%b/", BELOW: b"address=/*.%b/"},
    "unbound": {WHOLE: b'local-zone: "%b." always_null', EXACT: b'local-data: "%b. A 0.0.0.0"'},
    "bind": {WHOLE: b'zone "%b" { type master; file "null"; };'},
    "rpz": {EXACT: b"%b CNAME .", BELOW: b"*.%b CNAME ."},
    "tpl": {WHOLE: b"-d %b"},
}


@given(NAMES, SYNTAX)
def test_a_printed_rule_reads_back(name: bytes, syntax: str) -> None:
    for kind, form in PRINTED.get(syntax, {}).items():
        assert parse_line(form % name, syntax) == [ListRule(name, kind)]


@given(st.binary(max_size=300), SYNTAX)
def test_any_bytes_are_values_or_bad_input(data: bytes, syntax: str) -> None:
    for line in data.split(b"\n"):
        assert all(isinstance(value, Value) for value in parse_line(line, syntax))
    with suppress(BadInput):
        assert detect(data) in SYNTAXES


CONDITIONS = st.one_of(
    st.none(),
    st.builds(lambda name: Condition("denyallow", denyallow=(name,)), NAMES),
    st.builds(lambda types: Condition("types", types=types), st.sampled_from([(1,), (28,), (1, 28)])),
    st.builds(lambda types: Condition("except", except_types=types), st.sampled_from([(1,), (28,)])),
)
RULES = st.builds(
    ListRule,
    NAMES,
    st.sampled_from([WHOLE, WHOLE, EXACT, BELOW]),
    st.booleans(),
    st.booleans(),
    st.just(False),
    CONDITIONS,
)


def plainly(rules: list[ListRule], name: bytes, qtype: int) -> str:
    """The verdict by going through all rules: "block", "allow" or "-"."""
    found = []
    for rule in rules:
        below = name.endswith(b"." + rule.key)
        covers = {WHOLE: below or name == rule.key, EXACT: name == rule.key, BELOW: below}[rule.kind]
        if covers and (rule.condition is None or rule.condition.holds(name, qtype)):
            found.append((rule.important, rule.allow))
    if not found:
        return "-"
    return "allow" if max(found)[1] else "block"


def verdict(found: Ruleset, name: bytes, qtype: int) -> str:
    match = found.find(name, qtype)
    return "-" if match is None else "allow" if match.allow else "block"


@settings(max_examples=60)
@given(st.lists(RULES, max_size=12), st.lists(NAMES, max_size=12), st.sampled_from([0, 1, 28]))
def test_a_built_set_decides_like_a_loop_over_its_rules(rules: list[ListRule], names: list[bytes], qtype: int) -> None:
    file = BytesIO()
    build(file, [(ListMeta("l", "L", "1", "c"), rules)], b"0123456789abcdef", sha256)
    found = Ruleset(file, sha256)
    for name in names + [rule.key for rule in rules] + [b"www." + rule.key for rule in rules]:
        assert verdict(found, name, qtype) == plainly(rules, name, qtype), name


FORMS = st.sampled_from(
    [b"||%b^", b"||%b^", b"|%b^", b"||*.%b^", b"@@||%b^", b"||%b^$important", b"@@||%b^$important", b"||%b^$badfilter"]
    + [b"||%b^$dnstype=A", b"||%b^$denyallow=www.a.b", b"||%b^$dnstype=A,badfilter"]
)
TEXTS = st.lists(st.builds(lambda form, name: form % name, FORMS, NAMES), min_size=1, max_size=12)


@settings(max_examples=60)
@given(st.lists(TEXTS, min_size=1, max_size=3), st.lists(NAMES, max_size=8), st.sampled_from([0, 1, 28]))
def test_streamed_and_folded_lists_decide_the_same(texts: list[list[bytes]], names: list[bytes], qtype: int) -> None:
    lists = []
    for text in texts:
        own = [value for line in text for value in parse_line(line, "adblock") if isinstance(value, ListRule)]
        bad = [identity(rule) for rule in own if rule.badfilter]
        lists.append([rule for rule in own if not rule.badfilter and identity(rule) not in bad])
    rules = [rule for own in lists for rule in own]
    with TemporaryDirectory() as folder:
        sources = []
        for at, text in enumerate(texts):
            path = Path(folder, str(at))
            # At least one rule, so that each is a list.
            path.write_bytes(b"\n".join([*text, b"||never.asked.for^"]))
            sources.append(Source(str(path), str(at), syntax="adblock"))
        report = compile_lists(sources, folder + "/set")
        with open(folder + "/set", "rb", buffering=0) as file:
            found = Ruleset(file, sha256)
            found.verify()
            assert found.count == report.count
            for name in names + [rule.key for rule in rules] + [b"www." + rule.key for rule in rules]:
                each = [plainly(own, name, qtype) for own in lists]
                assert verdict(found, name, qtype) == max(each, key=["-", "allow", "block"].index), name


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_set_is_bad_input_or_still_right(data: st.DataObject) -> None:
    file = BytesIO()
    build(file, [(ListMeta("l", "L", "1", "c"), [ListRule(b"a.example")])], b"0123456789abcdef", sha256)
    damaged = bytearray(file.getvalue())
    start = data.draw(st.sampled_from([0, 60, 100, len(damaged) - 500]))
    at = start + data.draw(st.integers(0, 400))
    piece = data.draw(st.binary(max_size=40))
    damaged[at : at + data.draw(st.integers(0, 40))] = piece
    try:
        found = Ruleset(BytesIO(bytes(damaged)), sha256)
        found.verify()
    except BadInput:
        return
    assert bytes(damaged) == file.getvalue()
    assert found.find(b"a.example") is not None
