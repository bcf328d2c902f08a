"""Lines on stderr, one each, without names or addresses of people or sites: procd and journald add time and program."""

import sys


def say(text: str) -> None:
    """One line. Give counts and states, never what a device asked for nor who it is."""
    try:
        sys.stderr.write("privacy-agent: " + text.replace("\n", " ") + "\n")
        sys.stderr.flush()
    except OSError:
        pass  # nobody reads the log; the service goes on
