"""Lists by device, categories and services: who is refused what, and what is never refused by them."""

import json
from io import BytesIO

from agent.core.block_page import page
from agent.core.list_masks import filtering, protecting
from agent.core.listrules import ListRule
from agent.core.model import ALLOW, BLOCK, BadInput
from agent.core.policy import CONTENT, OwnRule, Policy, View, recorded
from agent.core.ruleset import Ruleset
from agent.core.rulewriter import ListMeta, build
from agent.core.services import SERVICE, Service, Services, blocked_at, read_services
from agent.core.timezone import UTC
from agent.platform.hashing import sha256

LISTS = (
    ("phishing", "phishing", [b"bad.example", b"both.example", b"deep.both2.example", b"both3.example"]),
    ("own", "own", [b"mine.example"]),
    ("adults", "adult", [b"adult.example", b"both.example", b"both2.example", b"deep.both3.example", b"help.example"]),
    ("casinos", "gambling", [b"casino.example", b"adult.example", b"facebook.example"]),
)
SERVICES = Services(
    {
        "tok": Service("tok", "Tok", "social", ["tok.example", "=cdn.shared.example"]),
        "game": Service("game", "Game", "games", ["game.example", "casino.example"]),
    }
)
SCOPES = (("person", 7), ("household", 0))


def rules() -> Ruleset:
    file = BytesIO()
    build(
        file,
        [(ListMeta(id, id, "v", category), [ListRule(n) for n in names]) for id, category, names in LISTS],
        b"s" * 16,
        sha256,
    )
    file.seek(0)
    return Ruleset(file, sha256)


def policy(*own: OwnRule) -> Policy:
    return Policy(rules(), list(own), [b"help.example"], needed=[b"time.facebook.example"], services=SERVICES)


def view(
    *categories: str, services: "tuple[str, ...]" = (), off: "tuple[str, ...]" = (), protected: bool = True
) -> View:
    lists = rules().lists
    choices = [{id: "off" for id in off}]
    mask = protecting(lists, choices) if protected else 0
    return View(SCOPES, "off", "off", mask, filtering(lists, list(categories), choices), services)


def scope(of: View, name: bytes, *own: OwnRule) -> str:
    verdict = policy(*own).decide(of, name)
    return "" if not verdict.blocked or verdict.rule is None else verdict.rule.scope + " " + verdict.rule.category


def test_a_category_is_for_whom_it_is_on() -> None:
    assert scope(view("adult"), b"www.adult.example") == "content adult"
    assert scope(view("gambling"), b"www.adult.example") == "content gambling"
    assert scope(view("games"), b"www.adult.example") == ""
    assert scope(view(), b"casino.example") == ""


def test_protection_comes_before_categories() -> None:
    for name in (b"both.example", b"deep.both2.example", b"deep.both3.example"):
        assert scope(view("adult"), name) == "list phishing", name
        assert scope(view("adult", protected=False), name) == "content adult", name
        assert scope(view(), name) == "list phishing", name
    assert scope(view("adult"), b"both2.example") == "content adult"


def test_a_list_is_off_for_some() -> None:
    assert scope(view(), b"mine.example") == "list own"
    assert scope(view(off=("own",)), b"mine.example") == ""
    assert scope(view("adult", off=("adults",)), b"both2.example") == ""
    lists = rules().lists
    particular_first = [{"own": "on"}, {"own": "off", "phishing": "off"}]
    assert protecting(lists, particular_first) & 0b1111 == 0b0010


def test_services() -> None:
    assert scope(view(services=("tok",)), b"v.tok.example") == "content " + SERVICE
    assert scope(view(services=("tok",)), b"cdn.shared.example") == "content " + SERVICE
    assert scope(view(services=("tok",)), b"a.cdn.shared.example") == ""
    assert scope(view(services=("game",)), b"tok.example") == ""
    verdict = policy().decide(view("gambling", services=("game",)), b"casino.example")
    assert verdict.rule is not None and (verdict.rule.list_id, verdict.rule.list_name) == ("game", "Game")


def test_never_refused_by_a_category_or_a_service() -> None:
    for of in (view("adult", "gambling"), view(services=("tok",))):
        assert scope(of, b"chat.help.example") == ""
        assert scope(of, b"time.facebook.example") == "" and scope(of, b"1.time.facebook.example") == ""
    assert scope(view("gambling"), b"www.facebook.example") == "content gambling"


def test_the_households_rules_come_before() -> None:
    allow = OwnRule(1, b"adult.example", ALLOW, "person", 7, None, 0)
    block = OwnRule(2, b"time.facebook.example", BLOCK, "household", 0, None, 0)
    assert scope(view("adult"), b"www.adult.example", allow) == ""
    assert scope(view("gambling"), b"time.facebook.example", block) == "household "


def test_where_an_answer_leads_is_no_categorys_business() -> None:
    assert not policy().review(view("adult"), [b"adult.example"], []).blocked
    assert policy().review(view("adult"), [b"bad.example"], []).blocked


def test_what_content_refuses_is_recorded_for_nobody() -> None:
    assert not recorded(policy().decide(view("adult"), b"adult.example"))
    assert not recorded(policy().decide(view(services=("tok",)), b"tok.example"))
    assert recorded(policy().decide(view("adult"), b"both.example"))
    verdict = policy().decide(view("adult"), b"adult.example")
    assert verdict.rule is not None and (verdict.rule.scope, verdict.rule.list_version) == (CONTENT, "v")


def test_a_service_by_the_clock() -> None:
    afternoon = [{"days": "mon,tue", "begin": "16:00", "end": "18:00"}]
    monday = 4 * 86400  # 5 January 1970
    for hour, only, not_then in ((15, True, False), (16, False, True), (17, False, True), (18, True, False)):
        at = monday + hour * 3600
        assert blocked_at("only", afternoon, at, UTC) == only and blocked_at("not", afternoon, at, UTC) == not_then
        assert blocked_at("block", [], at, UTC)
    assert blocked_at("only", afternoon, monday + 2 * 86400 + 17 * 3600, UTC)
    night = [{"days": "mon", "begin": "22:00", "end": "06:00"}]
    assert blocked_at("not", night, monday + 29 * 3600, UTC) and not blocked_at("not", night, monday + 5 * 3600, UTC)


def test_the_table_of_services() -> None:
    text = (
        '{"format": 1, "services": [{"id": "a", "title": "A", "group": "games", "names": ["a.example", "=b.example"]}]}'
    )
    assert read_services(text) == [Service("a", "A", "games", ["a.example", "=b.example"])]
    for wrong in ("", "[]", '{"format": 2, "services": []}', '{"format": 1, "services": [{"id": "a"}]}', "[" * 100000):
        try:
            read_services(wrong)
        except ValueError:
            continue
        raise AssertionError(wrong[:60])


def test_a_table_of_services_with_a_line_for_each() -> None:
    head = '{"format": 1, "services": ['
    rows = [json.dumps({"id": id, "title": "T", "group": "games", "names": [id + ".example"]}) for id in "ab"]
    text = head + "\n" + ",\n".join(rows) + "\n]}\n"
    assert read_services(text) == read_services(head + ",".join(rows) + "]}")
    assert [one.id for one in read_services(text)] == ["a", "b"]
    assert read_services(head + "\n]}") == []
    for wrong in (head, head + "\n" + rows[0], text.replace("1", "2"), text.replace("]}\n]}", "]}"), head + "\n7\n]}"):
        try:
            read_services(wrong)
        except BadInput:
            continue
        raise AssertionError(wrong[:60])


def test_a_table_of_services_with_what_no_text_is() -> None:
    good = {"id": "a", "title": "A", "group": "games", "names": ["a.example"]}
    half = "HALF"  # of a character: JSON can say it, nothing can write it
    for key, values in (
        ("id", ["", half, 5, None]),
        ("title", ["", "x" + half, 5, []]),
        ("group", ["", half, None]),
        ("names", [[half], ["=" + half + ".example"], [5], [""], ["="], ["A.example"], ["a..example"], "ab", None]),
    ):
        for value in values:
            try:
                table = json.dumps({"format": 1, "services": [dict(good, **{key: value})]})
                read_services(table.replace("HALF", "\\ud800"))
            except BadInput:
                continue
            raise AssertionError((key, value))


def test_the_page_says_the_category_and_not_the_line() -> None:
    verdict = policy().decide(view("adult"), b"adult.example")
    told = page("adult.example", verdict.rule, None)
    assert b"this kind of site is blocked for you: adult" in told and b"adults" not in told


def test_an_exception_of_a_categorys_list_refuses_nothing() -> None:
    """Also where the list names what is above it."""
    file = BytesIO()
    names = [ListRule(b"adult.example"), ListRule(b"fine.adult.example", allow=True)]
    build(file, [(ListMeta("adults", "adults", "v", "adult"), names)], b"s" * 16, sha256)
    file.seek(0)
    found = Ruleset(file, sha256)
    made = Policy(found, [])
    of = View((), protecting=0, filtering=filtering(found.lists, ["adult"], [{}]))
    assert made.decide(of, b"www.adult.example").blocked
    assert not made.decide(of, b"fine.adult.example").blocked
