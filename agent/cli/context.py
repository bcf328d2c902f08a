"""How the command was called: which settings hold, and where the daemon's control socket is."""

import argparse
import os

from agent.cli.errors import NOT_FOUND, USAGE, CliError
from agent.control.messages import Row
from agent.core import settings
from agent.core.model import BadInput

SETTINGS_FILE = "/etc/privacy-agent/settings.json"


def settings_path(options: argparse.Namespace) -> str:
    """The settings file to read, or "-" for none: the usual one may be absent, one that was named may not."""
    if options.settings:
        if not os.path.isfile(options.settings):
            raise CliError(f"no settings file {options.settings}", NOT_FOUND)
        return os.path.abspath(str(options.settings))
    return SETTINGS_FILE if os.path.isfile(SETTINGS_FILE) else "-"


def overrides(options: argparse.Namespace) -> Row:
    """What --set NAME=VALUE gave."""
    given: Row = {}
    for word in getattr(options, "set", None) or []:
        name, equals, value = word.partition("=")
        if not equals:
            raise CliError(f"--set needs NAME=VALUE, not {word!r}", USAGE)
        given[name] = settings.from_word(name, value)
    return given


def read_settings(options: argparse.Namespace) -> settings.Settings:
    """The settings that the daemon would run with; Trouble where they are wrong."""
    path = settings_path(options)
    try:
        text = ""
        if path != "-":
            with open(path, encoding="utf-8") as file:
                text = file.read()
        return settings.read(text, overrides(options))
    except (OSError, UnicodeError) as error:
        raise CliError(f"cannot read {path}: {error}", USAGE) from error
    except BadInput as error:
        raise CliError(str(error) if path == "-" else f"{path}: {error}", USAGE) from error


def socket_path(options: argparse.Namespace) -> str:
    """The control socket: as given, as in the environment, or where the settings have it."""
    named = options.socket or os.environ.get("PRIVACY_AGENT_SOCKET")
    return str(named) if named else os.path.join(read_settings(options).text("run_dir"), "control.sock")
