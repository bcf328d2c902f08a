"""What the doctor has to say: how bad, what, and what to do about it."""

from __future__ import annotations

from agent.core.model import Value

OK, NOTE, WARNING, FAILURE = "ok", "note", "warning", "failure"
# The exit code by the worst finding. A note is worth reading, but nothing has to be done.
EXIT = {OK: 0, NOTE: 0, WARNING: 1, FAILURE: 7}
ORDER = (OK, NOTE, WARNING, FAILURE)


class Finding(Value):
    """`about` names the check, `sentence` says what is so, `advice` what to do ("" where nothing is to be done)."""

    __slots__ = ("level", "about", "sentence", "advice")

    def __init__(self, level: str, about: str, sentence: str, advice: str = "") -> None:
        self.level = level
        self.about = about
        self.sentence = sentence
        self.advice = advice

    def row(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in self.__slots__}


def worst(findings: list[Finding]) -> str:
    return max([finding.level for finding in findings], key=ORDER.index, default=OK)
