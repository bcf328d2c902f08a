"""Whose a record is, who has to agree to what, and what a change leads to: each rule by its table."""

from agent.core import people
from agent.core.model import ADULT, HISTORY, LIMITS, PROTECTION, USAGE
from agent.core.people import (
    AGREE,
    ASK,
    END,
    FLASH,
    GO,
    HOUSEHOLD,
    RAM,
    RENEW,
    SELF,
    SUSPEND,
    Agreement,
    Subject,
    Terms,
    changes_whose,
)

KID = Subject(5, "child", False)
TEEN = Subject(5, "teen", False)
OTHER_KID = Subject(6, "child", False)
SHARED_KID = Subject(5, "child", True)
GROWN = Subject(4, ADULT, False)
OTHER_GROWN = Subject(8, ADULT, False)
NOBODY = Subject(0, "", False)
WEEK = Terms(7, RAM, HOUSEHOLD)


def agreed(subject, terms=WEEK, notice=2, own=False):
    return Agreement(subject, terms, notice, own)


def test_an_agreement_is_about_the_same_person_of_the_same_standing():
    assert KID.is_same(TEEN) and KID.is_same(KID)
    for other in (OTHER_KID, SHARED_KID, GROWN, Subject(5, ADULT, False), None):
        assert KID.is_same(other) is False
    assert GROWN.adult and not KID.adult and not NOBODY.adult


def test_more_than_was_agreed_to():
    assert WEEK.exceed(None)
    assert not WEEK.exceed(WEEK)
    assert not Terms(6, RAM, SELF).exceed(WEEK)
    assert Terms(8, RAM, HOUSEHOLD).exceed(WEEK)
    assert Terms(7, FLASH, HOUSEHOLD).exceed(WEEK)
    assert not Terms(7, FLASH, HOUSEHOLD).exceed(Terms(7, FLASH, HOUSEHOLD))
    assert not WEEK.exceed(Terms(7, FLASH, HOUSEHOLD))
    assert WEEK.exceed(Terms(7, RAM, SELF))
    assert Terms(7, RAM, HOUSEHOLD + ".9").exceed(WEEK), "another reader since"
    assert not Terms(7, RAM, SELF).exceed(WEEK)


def test_who_reads_what():
    assert people.reader(PROTECTION, GROWN) == SELF
    for feature, subject in ((PROTECTION, KID), (HISTORY, GROWN), (HISTORY, KID), (USAGE, GROWN)):
        assert people.reader(feature, subject) == HOUSEHOLD


def test_what_takes_an_adults_own_word():
    for feature in (HISTORY, LIMITS, USAGE):
        assert people.needs_own_word(feature, GROWN)
        assert not people.needs_own_word(feature, KID)
    assert not people.needs_own_word(PROTECTION, GROWN)


def test_what_an_agreement_lacks():
    def lacks(feature, agreement, subject, terms=WEEK, version=2):
        return people.lacks(feature, agreement, subject, terms, version)

    assert lacks(LIMITS, None, KID) == ""
    assert lacks(LIMITS, None, GROWN) == "person"
    assert lacks(LIMITS, agreed(GROWN, own=True), GROWN) == ""
    assert lacks(LIMITS, agreed(OTHER_GROWN, own=True), GROWN) == "person"
    for feature in (HISTORY, USAGE):
        assert lacks(feature, None, KID) == "person"
        assert lacks(feature, agreed(OTHER_KID), KID) == "person"
        assert lacks(feature, agreed(TEEN), KID) == ""
        assert lacks(feature, agreed(GROWN), GROWN) == "person", "the household's word is not theirs"
        assert lacks(feature, agreed(OTHER_GROWN, own=True), GROWN) == "person"
        assert lacks(feature, agreed(GROWN, own=True), GROWN) == ""
    assert lacks(PROTECTION, agreed(OTHER_KID), KID) == ""
    assert lacks(HISTORY, agreed(KID, notice=1), KID) == "notice"
    assert lacks(HISTORY, agreed(KID, notice=3), KID) == ""
    assert lacks(HISTORY, agreed(GROWN, own=True), GROWN, Terms(8, RAM, HOUSEHOLD)) == "terms"
    assert lacks(HISTORY, agreed(KID), KID, Terms(8, RAM, HOUSEHOLD)) == "", "who raises them agrees by that"


def test_what_may_begin():
    def begin(lack, feature, subject, agreed=False, own=False, resuming=False):
        return people.may_begin(lack, feature, subject, agreed, own, resuming)

    assert begin("person", HISTORY, KID) == AGREE
    assert begin("person", HISTORY, KID, agreed=True) == GO
    assert begin("person", HISTORY, GROWN, agreed=True) == ASK
    assert begin("", HISTORY, GROWN, agreed=True) == ASK, "an earlier word counts for a resume only"
    assert begin("", HISTORY, GROWN, resuming=True) == GO
    assert begin("", HISTORY, KID, resuming=True) == GO
    assert begin("person", HISTORY, KID, resuming=True) == AGREE
    assert begin("notice", HISTORY, KID, agreed=True, resuming=True) == GO
    assert begin("terms", PROTECTION, GROWN, agreed=True, resuming=True) == ASK
    assert begin("terms", PROTECTION, GROWN, agreed=True) == GO
    assert begin("notice", PROTECTION, GROWN, agreed=True, resuming=True) == GO
    assert begin("person", HISTORY, GROWN, agreed=True, own=True) == GO
    assert begin("person", HISTORY, GROWN, own=True) == AGREE
    assert begin("person", HISTORY, KID, agreed=True, own=True) == AGREE, "a child agrees to nothing"


def test_what_a_change_leads_to():
    def after(lack, feature, subject, changed=True):
        return people.on_change(lack, feature, subject, changed)

    assert after("", HISTORY, KID) == RENEW
    assert after("", HISTORY, KID, changed=False) == ""
    assert after("person", HISTORY, GROWN) == ASK
    assert after("person", LIMITS, GROWN) == ASK
    assert after("person", HISTORY, KID) == SUSPEND
    assert after("notice", HISTORY, GROWN) == SUSPEND
    assert after("terms", HISTORY, GROWN) == SUSPEND
    assert after("person", PROTECTION, KID) == RENEW
    assert after("person", PROTECTION, GROWN, changed=False) == ""
    assert after("notice", PROTECTION, KID) == SUSPEND


def test_what_becomes_of_a_question():
    assert people.while_waiting(HISTORY, GROWN, GROWN) == ""
    assert people.while_waiting(HISTORY, GROWN, OTHER_GROWN) == ASK
    assert people.while_waiting(HISTORY, GROWN, KID) == END
    assert people.while_waiting(HISTORY, KID, KID) == END, "a child is not asked"
    assert people.while_waiting(HISTORY, None, GROWN) == ASK
    assert people.while_waiting(PROTECTION, None, GROWN) == END


def test_differences_are_words():
    assert people.differences(KID, KID) == []
    assert people.differences(KID, GROWN) == ["person:5>4", "group:child>adult"]
    assert people.differences(None, NOBODY) == ["shared:none>no"]
    assert people.differences(KID, SHARED_KID) == ["shared:no>yes"]
    assert people.differences(None, WEEK) == ["days:none>7", "kept:none>ram", "reader:none>household"]


def test_a_detail_says_what_it_said():
    for subject in (KID, SHARED_KID, GROWN, NOBODY):
        for own in (True, False):
            detail = people.agreement_detail(subject, WEEK, own, ["days:3>7"])
            assert people.read_subject(detail) == subject
            assert people.read_terms(detail) == WEEK
            assert people.is_own(detail) is own
            assert people.told(detail)["days"] == "3>7"
    assert people.agreement_detail(KID, WEEK, False, []) == "subject:5/child/own terms:7/ram/household"
    assert people.agreement_detail(KID, WEEK, True, ["a:b"]) == "a:b subject:5/child/own terms:7/ram/household by:self"
    assert people.agreement_detail(NOBODY, WEEK, False, []) == "subject:0/none/own terms:7/ram/household"
    assert people.told("a:b:c d e:") == {"a": "b:c", "e": ""}


def test_a_detail_that_is_none_tells_nothing():
    for bad in ("", "subject:5/child", "subject:5/child/own/x", "subject:x/child/own", "subject:/child/own"):
        assert people.read_subject(bad) is None
    for bad in ("", "terms:7/ram", "terms:7/ram/x/y", "terms:x/ram/self", "terms:-1/ram/self"):
        assert people.read_terms(bad) is None
    assert people.read_subject("subject:12/none/else") == Subject(12, "", False)
    assert not people.is_own("by:household") and not people.is_own("")


def test_numbers_are_plain_digits():
    assert people.is_number("0") and people.is_number("9" * 15) and people.is_number("1")
    for bad in ("", "9" * 16, "\u00b2", "-1", "1a", "1.0"):
        assert not people.is_number(bad)


def test_another_reader_is_one_who_was_not_named():
    assert not people.widened([], []) and not people.widened([], ["Anna"]), "whoever had the password is named now"
    assert not people.widened(["Anna", "Tom"], ["Tom"]) and not people.widened(["Anna", "Tom"], ["Tom", "Anna"])
    assert people.widened(["Anna"], ["Anna", "Tom"]) and people.widened(["Anna"], ["Tom"])
    assert people.widened(["Anna"], []), "nobody named is anybody"


def test_what_makes_records_anothers():
    for detail in ("person:1>2", "group:adult>teen", "shared:no>yes", "label:x shared:no>yes"):
        assert changes_whose(detail) is True, detail
    for detail in ("", "label:a>b", "person:1", "group:adult", "shared:yes", "other:1>2"):
        assert changes_whose(detail) is False, detail
