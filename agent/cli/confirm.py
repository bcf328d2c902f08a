"""Questions before what cannot be taken back."""

import argparse
import sys

from agent.cli import show
from agent.cli.errors import NOT_AGREED, CliError


def confirmed(options: argparse.Namespace, question: str) -> None:
    """Returns when --yes was given or somebody at the terminal says yes; Trouble otherwise."""
    if options.yes or yes(question):
        return
    hint = "" if sys.stdin.isatty() else f" {question} Repeat with --yes to do it."
    raise CliError("Nothing was changed." + hint, NOT_AGREED)


def yes(question: str) -> bool:
    """The answer of somebody at a terminal; without one it is no."""
    if not sys.stdin.isatty():
        return False
    print(show.clean(question) + " [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
