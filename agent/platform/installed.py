"""Where the tables and lists that come with the program are."""

import os

from agent.core.settings import Settings, known

SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "blocklists")


def data_dir(settings: Settings) -> str:
    """What is installed; in a checkout of the source, where nothing is, its own folder."""
    folder = settings.text("data_dir")
    return SOURCE if folder == known("data_dir").default and not os.path.exists(folder) else folder
