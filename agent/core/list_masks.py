"""Which lists of a compiled set apply to a device: masks with bit n for list n.

Choices are {list: "on" or "off"}, most particular first: the device's, the person's, everybody's.
"""

from agent.core.content import CATEGORY_IDS
from agent.core.ruleset import EVERY_LIST
from agent.core.shapes import ListChoices, ListRows


def protecting(lists: ListRows, choices: ListChoices) -> int:
    """The lists that protect: every list but those of categories and those that are off for this device."""
    without = [of for of in lists if of["category"] in CATEGORY_IDS or _mode(of, choices) == "off"]
    return EVERY_LIST ^ _mask(lists, without)


def filtering(lists: ListRows, categories: list[str], choices: ListChoices) -> int:
    """The lists of these categories, but those that are off for this device."""
    return _mask(lists, [of for of in lists if of["category"] in categories and _mode(of, choices) != "off"])


def _mode(of: dict[str, object], choices: ListChoices) -> str:
    for choice in choices:
        if of["id"] in choice:
            return choice[str(of["id"])]
    return "on"


def _mask(lists: ListRows, wanted: ListRows) -> int:
    mask = 0
    for index in range(len(lists)):
        if [of for of in wanted if of is lists[index]]:
            mask |= 1 << index
    return mask
