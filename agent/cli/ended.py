"""Why a daemon that does not answer ended: its last words, or else the last line of the log about it."""

import os
import re

from agent.platform import lastwords

# What the service, its jail and a broken interpreter write: procd tags the lines of the latter two by "python3".
ABOUT = re.compile(r"privacy-agent|\bjail: |\bpython3\[")
NO_REASON = re.compile(r"privacy-agent: (stopped|ready)$")
HEAD = re.compile(r"^.*?\b(?:daemon|user|kern)\.\w+ ")  # time and level
PATIENCE_S = 5


def why(socket_path: str) -> str:
    """A sentence with a space behind it, or "" where nothing is known."""
    words = lastwords.left(os.path.dirname(socket_path))
    if words:
        return f"The last start or run ended so: {words}. "
    line = last_line(logged())
    return f"The log's last line about it: {line}. " if line else ""


def last_line(text: str) -> str:
    """Without time and level; "" where the last one tells of no fault."""
    lines = [line for line in text.splitlines() if ABOUT.search(line)]
    return "" if not lines or NO_REASON.search(lines[-1]) else HEAD.sub("", lines[-1])[: lastwords.WORDS_MAX]


def logged() -> str:
    """The router's log; "" where there is no logread."""
    import subprocess  # here: no other command needs it

    try:
        done = subprocess.run(["logread"], capture_output=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")
