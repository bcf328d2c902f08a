"""The lists that come with the agent, one file a category: names that are nobody's, for trying what is set up."""

import glob
import os

from agent import __version__
from agent.jobs.compile import Source


def starter_lists(folder: str) -> list[Source]:
    """Its files as sources; none where there is no such folder."""
    return [
        Source(path, "starter-" + stem(path), "starter list", __version__, category=stem(path))
        for path in sorted(glob.glob(os.path.join(folder, "*.txt")))
    ]


def stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]
