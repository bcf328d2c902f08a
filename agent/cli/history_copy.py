"""Commands about the copy of the history on flash: sealed to a passphrase or not, and opening it after a restart."""

import argparse
import sys

from agent.cli import show
from agent.cli.confirm import confirmed
from agent.cli.errors import USAGE, CliError
from agent.client import ControlClient


def status(client: ControlClient, options: argparse.Namespace) -> None:
    reply = client.call("history_copy.status")
    if options.json:
        show.document(reply)
        return
    if not reply["wanted"]:
        show.line("No history is stored on flash.")
    elif reply["locked"]:
        show.line("The history from before the restart is locked: privacy-agent history-copy unlock")
    else:
        show.line("The copy of the history on flash is " + ("sealed." if reply["sealed"] else "not sealed."))


def seal(client: ControlClient, options: argparse.Namespace) -> None:
    passphrase = _passphrase(options)
    if not options.passphrase_file and _asked("The same again: ") != passphrase:
        raise CliError("That was another one. Nothing was changed.", USAGE)
    client.call("history_copy.seal", passphrase=passphrase, actor="cli")
    show.line("The copy of the history on flash is sealed. After each restart it needs the passphrase.")


def unlock(client: ControlClient, options: argparse.Namespace) -> None:
    client.call("history_copy.unlock", passphrase=_passphrase(options))
    show.line("The history from before the restart is back in a moment.")


def unseal(client: ControlClient, options: argparse.Namespace) -> None:
    client.call("history_copy.unseal", actor="cli")
    show.line("The copy of the history on flash is not sealed any more.")


def drop(client: ControlClient, options: argparse.Namespace) -> None:
    confirmed(options, "The history from before the restart will be deleted. Delete it?")
    client.call("history_copy.drop", actor="cli")
    show.line("The locked history is deleted.")


def _passphrase(options: argparse.Namespace) -> str:
    if options.passphrase_file:
        try:
            with open(options.passphrase_file, encoding="utf-8") as file:
                return file.read().rstrip("\n")
        except (OSError, UnicodeError) as error:
            raise CliError(f"{options.passphrase_file} can't be read: {error}", USAGE) from error
    if not sys.stdin.isatty():
        raise CliError("Give the passphrase at a terminal, or in a file with --passphrase-file.", USAGE)
    return _asked("Passphrase: ")


def _asked(question: str) -> str:
    import getpass  # for who types one at a terminal

    return getpass.getpass(question)
