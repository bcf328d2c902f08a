"""Names against other code: the official vectors of the public suffix list, a plain reading of it, and the codecs."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.model import BadInput
from agent.core.names import PublicSuffixes, canonical, compile_suffixes, labels, parse, to_wire
from agent.platform.idna import to_ascii
from tests.core.whole import from_wire

PSL = Path(__file__).parents[3] / "shared" / "data" / "psl"
DEBIAN = Path("/usr/share/publicsuffix/public_suffix_list.dat")


def present(*paths: Path) -> Path:
    for path in paths:
        if path.exists():
            return path
    pytest.skip("not here: " + ", ".join(str(path) for path in paths))


def rule_lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [to_ascii(line.split()[0]) for line in lines if line.strip() and not line.startswith("//")]


@pytest.fixture(scope="module")
def rules() -> list[str]:
    return rule_lines(present(PSL / "public_suffix_list.dat", DEBIAN))


@pytest.fixture(scope="module")
def public(rules: list[str]) -> PublicSuffixes:
    return PublicSuffixes(compile_suffixes(rules))


def check(public: PublicSuffixes, text: str, expected: str) -> None:
    """One vector: "null" where there is no registrable domain."""
    try:
        name = parse(to_ascii(text))
    except BadInput:
        assert expected == "null", text
        return
    site = None if public.suffix(name) == name else public.registrable(name)
    assert site == (None if expected == "null" else parse(to_ascii(expected))), text


def test_official_vectors(public: PublicSuffixes) -> None:
    path = present(PSL / "tests.txt")
    vectors = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    vectors = [words for words in vectors if words and words[0] != "//" and not words[0].startswith("//")]
    assert len(vectors) > 70
    for text, expected in vectors:
        if text != "null":
            check(public, text, expected)


def test_official_vectors_in_their_other_form(public: PublicSuffixes) -> None:
    path = present(PSL / "test_psl.txt")
    count = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("checkPublicSuffix(") and "(null" not in line:
            text, expected = line[len("checkPublicSuffix(") : line.index(")")].replace("'", "").split(", ")
            check(public, text, expected)
            count += 1
    assert count > 70


class PlainList:
    """The algorithm as the list's own page words it, with sets and no shortcuts."""

    def __init__(self, rules: list[str]) -> None:
        self.rules = {rule for rule in rules if rule[0] not in "!*"}
        self.wildcards = {rule[2:] for rule in rules if rule.startswith("*.")}
        self.exceptions = {rule[1:] for rule in rules if rule.startswith("!")}

    def suffix(self, name: str) -> str:
        parts = name.split(".")
        tails = [".".join(parts[at:]) for at in range(len(parts))]
        for at, tail in enumerate(tails):
            if tail in self.exceptions:
                return tails[at + 1]
        for at, tail in enumerate(tails):
            if tail in self.rules or ".".join(parts[at + 1 :]) in self.wildcards:
                return tail
        return tails[-1]


def test_every_rule_and_its_neighbours_agree_with_a_plain_reading(public: PublicSuffixes, rules: list[str]) -> None:
    plain = PlainList(rules)
    for rule in rules:
        base = rule.lstrip("!*.")
        for name in (base, "x." + base, "x.y." + base, base[1:].lstrip(".") or base, "x." + base + "x"):
            expected = plain.suffix(name).encode()
            assert public.suffix(name.encode()) == expected, name
            start = len(name) - len(expected)
            site = name.encode() if not start else name[:start].split(".")[-2].encode() + b"." + expected
            assert public.registrable(name.encode()) == site or name.rpartition(".")[2].isdigit()


label_bytes = st.binary(min_size=1, max_size=63)


@given(st.lists(label_bytes, max_size=12))
def test_wire_names_and_canonical_names_are_one_to_one(raw: list[bytes]) -> None:
    wire = b"".join(bytes([len(label)]) + label for label in raw) + b"\0"
    if len(wire) > 255:
        with pytest.raises(BadInput):
            from_wire(wire)
        return
    name = from_wire(wire)
    assert to_wire(name) == wire.lower()
    assert labels(name) == [label.lower() for label in raw]
    assert set(name) <= set(b"abcdefghijklmnopqrstuvwxyz0123456789-_.\\")
    assert canonical(raw) == name
    if raw:
        assert parse(name) == name


@given(st.text(max_size=80) | st.text("abcAB019-_.\\", max_size=300) | st.binary(max_size=80))
def test_parse_gives_a_fixed_point_or_bad_input(text: str | bytes) -> None:
    try:
        name = parse(text)
    except BadInput:
        return
    assert parse(name) == name
    assert parse(name + b".") == name
    assert from_wire(to_wire(name)) == name
    assert len(to_wire(name)) <= 255


@given(st.text(max_size=80))
def test_any_text_has_an_ascii_form_or_is_bad_input(text: str) -> None:
    try:
        name = to_ascii(text)
    except BadInput:
        return
    assert name.isascii()
    assert to_ascii(name) == name


def test_names_in_all_scripts() -> None:
    for text, name in (
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.Example", "xn--bcher-kva.Example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("食狮.公司.cn", "xn--85x722f.xn--55qx5d.cn"),
        ("食狮。中国", "xn--85x722f.xn--fiqs8s"),
        ("faß.de", "xn--fa-hia.de"),
        ("ＡＢＣ.example", "abc.example"),
        ("παράδειγμα.δοκιμή", "xn--hxajbheg2az3al.xn--jxalpdlp"),
        ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
        ("soft\u00adhyphen.example", "softhyphen.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ):
        assert to_ascii(text) == name, text
    for text in ("a\u2028b.example", "☃\u0000.example", "xn--ü.example", "\ud800.example", "½/x.example"):
        with pytest.raises(BadInput):
            parse(to_ascii(text))
