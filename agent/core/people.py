"""The rules about people: whose a record is, who has to agree to what, and who may read it.

A record is judged by what stood when it was made: its epoch names its subject and the terms that were agreed to. No
state of today's changes that. What is not known is treated as an adult's.
"""

from agent.core.model import ADULT, HISTORY, LIMITS, PROTECTION, USAGE, Value

HOUSEHOLD = "household"  # readers: whoever manages this network
SELF = "self"  # the person behind the device, at the device's own page
FLASH, RAM = "flash", "ram"
# A day to notice it, and to speak up, before somebody who was an adult until now may be watched without being asked.
NOTICE_S = 24 * 3600

# What may follow when something is to be switched on.
GO = "go"
ASK = "ask"  # the adult's own word is outstanding
AGREE = "agree"  # the household has to read what changed, and to agree
# What may follow when something changed while it is on.
RENEW = "renew"  # under the agreement that there is; what is recorded from here on is a part of its own
SUSPEND = "suspend"
END = "end"


class Subject(Value):
    """Whom a device's records are about: `person` is 0 for nobody, `group` "" where it is not known.

    A shared device's records are nobody's in particular; they keep the group, for sharing undoes no agreement.
    """

    __slots__ = ("person", "group", "shared")

    def __init__(self, person: int, group: str, shared: bool) -> None:
        self.person = person
        self.group = group
        self.shared = shared

    @property
    def adult(self) -> bool:
        return self.group == ADULT

    def is_same(self, other: "Subject | None") -> bool:
        """Whether an agreement about the one holds for the other: a child who becomes a teen stays who they were."""
        if other is None:
            return False
        return (self.person, self.adult, self.shared) == (other.person, other.adult, other.shared)

    def text(self) -> str:
        return "/".join((str(self.person), self.group or "none", "shared" if self.shared else "own"))


class Terms(Value):
    """What an agreement is about, beside the feature and the notice: for how many days it is stored, in RAM only or on
    flash, and who reads it: HOUSEHOLD has the time after it at which somebody was added to those that it names."""

    __slots__ = ("days", "kept", "reader")

    def __init__(self, days: int, kept: str, reader: str) -> None:
        self.days = days
        self.kept = kept
        self.reader = reader

    def exceed(self, agreed: "Terms | None") -> bool:
        """Whether any of them is more than what was agreed to."""
        if agreed is None:
            return True
        more_kept = self.kept == FLASH and agreed.kept != FLASH
        return self.days > agreed.days or more_kept or (self.reader != SELF and self.reader != agreed.reader)

    def text(self) -> str:
        return "/".join((str(self.days), self.kept, self.reader))


class Agreement(Value):
    """What was agreed to last: about whom (None where the ledger does not tell), to which terms and notice, and whether
    it was the person's `own` word."""

    __slots__ = ("subject", "terms", "notice", "own")

    def __init__(self, subject: Subject | None, terms: Terms | None, notice: int, own: bool) -> None:
        self.subject = subject
        self.terms = terms
        self.notice = notice
        self.own = own


def reader(feature: str, subject: Subject) -> str:
    """Who reads what the feature records. An adult's blocked attempts are their own; others see counts."""
    return SELF if feature == PROTECTION and subject.adult else HOUSEHOLD


def widened(before: list[str], after: list[str]) -> bool:
    """Whether somebody reads now who was not named before. Nobody named is anybody with the password."""
    return bool(before) and (not after or any([name not in before for name in after]))


def needs_own_word(feature: str, subject: Subject) -> bool:
    return feature in (HISTORY, LIMITS, USAGE) and subject.adult


def lacks(feature: str, agreement: Agreement | None, subject: Subject, terms: Terms, version: int) -> str:
    """Why the agreement that there is does not hold for this: "person", "notice", "terms", or "" when it does.

    The household that raises the terms agrees to them by that; an adult is asked.
    """
    if feature == LIMITS and not subject.adult:
        return ""  # nothing is recorded of a child: there is nothing to agree to
    if agreement is None:
        return "person"
    if feature in (HISTORY, USAGE) and not subject.is_same(agreement.subject):
        return "person"
    if needs_own_word(feature, subject) and not (agreement.own and subject.is_same(agreement.subject)):
        return "person"
    if agreement.notice < version:
        return "notice"
    if subject.adult and terms.exceed(agreement.terms):
        return "terms"
    return ""


def may_begin(lack: str, feature: str, subject: Subject, agreed: bool, own: bool, resuming: bool) -> str:
    """Whether recording may begin: GO, ASK or AGREE. `agreed` says that somebody just read and agreed, `own` that it
    was the person at their own device, `resuming` that an earlier agreement counts; `lack` is what that one lacks."""
    if own:
        return GO if agreed and subject.adult else AGREE
    if resuming and not lack:
        return GO
    if needs_own_word(feature, subject) or (resuming and lack == "terms"):
        return ASK
    return GO if agreed else AGREE


def on_change(lack: str, feature: str, subject: Subject, changed: bool) -> str:
    """What becomes of something that is on: RENEW, SUSPEND, ASK, or "" when it goes on as it is. `changed` says that
    its subject or terms are no longer those that it was begun with."""
    if lack == "person" and needs_own_word(feature, subject):
        return ASK
    if lack and not (lack == "person" and feature == PROTECTION):
        return SUSPEND
    return RENEW if changed else ""


def while_waiting(feature: str, asked: Subject | None, subject: Subject) -> str:
    """What becomes of a question to an adult: "" (it stands), ASK (another adult), END (theirs no more)."""
    if subject.is_same(asked) and subject.adult:
        return ""
    return ASK if needs_own_word(feature, subject) else END


def differences(before: Value | None, after: Value) -> list[str]:
    """What changed, as words of a ledger row: "group:child>adult"."""
    found = []
    for name in after.__slots__:
        old, new = [_word(None if of is None else getattr(of, name)) for of in (before, after)]
        if old != new:
            found.append(name + ":" + old + ">" + new)
    return found


def _word(value: object) -> str:
    if value is True or value is False:
        return "yes" if value else "no"
    return str(value or "none")


# A ledger row's detail: words KEY:VALUE with blanks between. It holds numbers and the words above, never a name.


def told(detail: str) -> dict[str, str]:
    """The words of a detail by their keys."""
    return {word.split(":", 1)[0]: word.split(":", 1)[1] for word in detail.split(" ") if ":" in word}


def changes_whose(detail: str) -> bool:
    """Whether it tells of another person, age group, or that others use the device too."""
    words = told(detail)
    return any([">" in words.get(name, "") for name in ("person", "group", "shared")])


def read_subject(detail: str) -> Subject | None:
    parts = told(detail).get("subject", "").split("/")
    if len(parts) != 3 or not is_number(parts[0]):
        return None
    return Subject(int(parts[0]), "" if parts[1] == "none" else parts[1], parts[2] == "shared")


def read_terms(detail: str) -> Terms | None:
    parts = told(detail).get("terms", "").split("/")
    if len(parts) != 3 or not is_number(parts[0]):
        return None
    return Terms(int(parts[0]), parts[1], parts[2])


def is_number(text: str) -> bool:
    return 0 < len(text) < 16 and all(digit in "0123456789" for digit in text)


def is_own(detail: str) -> bool:
    return told(detail).get("by") == SELF


def agreement_detail(subject: Subject, terms: Terms, own: bool, changes: list[str]) -> str:
    words = changes + ["subject:" + subject.text(), "terms:" + terms.text()]
    return " ".join(words + ["by:self"] if own else words)
