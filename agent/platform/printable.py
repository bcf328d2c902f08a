"""Which text is a line that people can read: what they type on any keyboard, without what hides or turns other text."""

# Formatting characters that belong to words and pictures: joiners (Persian, Hindi, 🤷‍♀️), marks of direction for the one
# place where they stand, and the letters of a flag's tag (🏴󠁧󠁢󠁥󠁮󠁧󠁿). Not the overrides, which turn what follows.
_JOINING = {0x200C, 0x200D, 0x200E, 0x200F}
_TAGS = range(0xE0020, 0xE0080)
# Spaces of other keyboards: before a French "!", and the wide one.
_SPACES = {0x00A0, 0x202F, 0x3000}
# Python knows the emoji of its own year only; these blocks hold nothing else.
_PICTURES = range(0x1F000, 0x1FC00)


def printable(text: str) -> bool:
    return text.isprintable() or all(letter.isprintable() or _fine(ord(letter)) for letter in text)


def blank(text: str) -> bool:
    """Whether nobody would see anything of it."""
    return not "".join(letter for letter in text if ord(letter) not in _JOINING and ord(letter) not in _TAGS).strip()


def _fine(code: int) -> bool:
    return code in _JOINING or code in _TAGS or code in _SPACES or code in _PICTURES
