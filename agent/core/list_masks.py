"""Which lists of a compiled set apply to a device: masks with bit n for list n."""

from agent.core.content import CATEGORY_IDS
from agent.core.ruleset import EVERY_LIST

Lists = list[dict[str, object]]  # as a rule set's meta has them
Choices = list[dict[str, str]]  # {list: "on" or "off"}, most particular first: the device's, the person's, everybody's


def protecting(lists: Lists, choices: Choices) -> int:
    """The lists that protect: every list but those of categories and those that are off for this device."""
    without = [of for of in lists if of["category"] in CATEGORY_IDS or _mode(of, choices) == "off"]
    return EVERY_LIST ^ _mask(lists, without)


def filtering(lists: Lists, categories: list[str], choices: Choices) -> int:
    """The lists of these categories, but those that are off for this device."""
    return _mask(lists, [of for of in lists if of["category"] in categories and _mode(of, choices) != "off"])


def _mode(of: dict[str, object], choices: Choices) -> str:
    for choice in choices:
        if of["id"] in choice:
            return choice[str(of["id"])]
    return "on"


def _mask(lists: Lists, wanted: Lists) -> int:
    mask = 0
    for index in range(len(lists)):
        if [of for of in wanted if of is lists[index]]:
            mask |= 1 << index
    return mask
