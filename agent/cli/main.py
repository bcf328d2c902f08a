"""From the words typed to an exit code."""

import argparse
import os
import sys

from agent.cli import context, ended
from agent.cli.arguments import parser
from agent.cli.errors import NOT_RUNNING, NOT_WRITTEN, OK, USAGE, CliError
from agent.client import ControlClient, ControlError, Unreachable
from agent.control.errors import ERRORS
from agent.core.model import BadInput


def main(words: list[str] | None = None) -> int:
    """Run a command; the exit code is one of trouble.py's."""
    options = parser().parse_args(words)
    try:
        code = perform(options)
        sys.stdout.flush()
        return code
    except CliError as trouble:
        return say(str(trouble), trouble.code)
    except ControlError as refusal:
        return say(str(refusal), ERRORS.get(refusal.code, ERRORS["internal"])[1])
    except BadInput as error:
        return say(str(error), USAGE)
    except KeyboardInterrupt:
        return say("interrupted", 130)
    except BrokenPipeError:
        # The reader (head, less) has enough.
        forsake_output()
        return OK
    except OSError as error:
        if error.filename is not None:
            return say(f"{error.filename}: {error.strerror}", NOT_WRITTEN)
        forsake_output()
        return say(
            f"the output could not be written: {error.strerror}. Free some space, or write elsewhere", NOT_WRITTEN
        )


def forsake_output() -> None:
    """What waits to be written goes nowhere: Python must not try again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def perform(options: argparse.Namespace) -> int:
    local = getattr(options, "local", None)
    if local:
        return local(options) or OK
    client = connect(options)
    try:
        return options.asks(client, options) or OK
    except Unreachable as error:
        raise CliError(f"the daemon went away while it was asked: {error}", NOT_RUNNING) from error
    finally:
        client.close()


def connect(options: argparse.Namespace) -> ControlClient:
    """The daemon's socket; Trouble that says how to start it when nobody is there."""
    path = context.socket_path(options)
    try:
        return ControlClient(path)
    except Unreachable as error:
        if isinstance(error.__cause__, PermissionError):
            raise CliError(f"this user may not use {path}: try again as root", NOT_RUNNING) from error
        start = "service privacy-agent start (on a router), or privacy-agent run"
        why = ended.why(path)
        raise CliError(f"the daemon does not run ({path}: {error}). {why}Start it: {start}", NOT_RUNNING) from error


def say(message: str, code: int) -> int:
    print("privacy-agent: " + message, file=sys.stderr)
    return code
