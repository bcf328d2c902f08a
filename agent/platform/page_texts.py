"""The block page's and the hold page's texts in the languages that are installed: a small file each, looked for when
such a page is asked for, so that a language's package counts at once."""

import os

from agent.core import jsontext

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "texts")
ENDING = ".json"


def installed(folder: str = FOLDER) -> list[str]:
    """The codes of the languages: pt-br of pt-br.json."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [name[: -len(ENDING)] for name in names if name.endswith(ENDING)]


def texts(language: str, page: str, folder: str = FOLDER) -> dict[str, str] | None:
    """Those of "block" or "hold"; None where there are none, or they can't be read."""
    if language not in installed(folder):
        return None
    try:
        with open(os.path.join(folder, language + ENDING), encoding="utf-8") as file:
            found = jsontext.loads(file.read()).get(page)
    except (OSError, ValueError, AttributeError):
        return None
    return found if isinstance(found, dict) else None
