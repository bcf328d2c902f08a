"""Commands that run something here instead of asking the daemon: the daemon itself, the compiler, doctor."""

import argparse
import importlib.util
import json
import os
import sys

from agent.cli import show
from agent.cli.trouble import NOT_FOUND, USAGE, Trouble
from agent.client import Client, Unreachable
from agent.core import settings
from agent.core.model import BadInput

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SETTINGS_FILE = "/etc/privacy-agent/settings.json"


def settings_path(options: argparse.Namespace) -> str:
    """The settings file to read, or "-" for none: the usual one may be absent, one that was named may not."""
    if options.settings:
        if not os.path.isfile(options.settings):
            raise Trouble(f"no settings file {options.settings}", NOT_FOUND)
        return os.path.abspath(str(options.settings))
    return SETTINGS_FILE if os.path.isfile(SETTINGS_FILE) else "-"


def overrides(options: argparse.Namespace) -> dict[str, object]:
    """What --set NAME=VALUE gave."""
    given: dict[str, object] = {}
    for word in getattr(options, "set", None) or []:
        name, equals, value = word.partition("=")
        if not equals:
            raise Trouble(f"--set needs NAME=VALUE, not {word!r}", USAGE)
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
        raise Trouble(f"cannot read {path}: {error}", USAGE) from error
    except BadInput as error:
        raise Trouble(str(error) if path == "-" else f"{path}: {error}", USAGE) from error


def run(options: argparse.Namespace) -> None:
    """Becomes the daemon. A fresh interpreter, so that what the command line imported is not resident."""
    values = read_settings(options)
    if options.check:
        show.document(values.values)
        return
    code = f"import sys; sys.path.insert(0, {ROOT!r}); from agent.daemon.main import main; sys.exit(main())"
    arguments = [settings_path(options), json.dumps(overrides(options))]
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", code, *arguments])


def lists_compile(options: argparse.Namespace) -> None:
    from agent.cli.compiling import lists_compile  # here: it imports much that no other command needs

    lists_compile(read_settings(options), options.files, options.output)
    if options.output:
        return
    try:
        client = Client(socket_path(options))
    except Unreachable:
        show.line("The daemon does not run; it takes the lists into use when it starts.")
        return
    client.call("lists.reload")
    client.close()
    show.line("The daemon uses them from now on.")


def socket_path(options: argparse.Namespace) -> str:
    """The control socket: as given, as in the environment, or where the settings have it."""
    named = options.socket or os.environ.get("PRIVACY_AGENT_SOCKET")
    return str(named) if named else os.path.join(read_settings(options).text("run_dir"), "control.sock")


def doctor(options: argparse.Namespace) -> None:
    """The outside witness: another program with other libraries, so that agreeing means something."""
    for module in ("agent.jobs.doctor", "pyroute2", "dnslib"):
        if importlib.util.find_spec(module) is None:
            raise Trouble("doctor needs the package privacy-agent-doctor (pyroute2 and dnslib): install it", NOT_FOUND)
    words = [sys.executable, "-m", "agent.jobs.doctor", settings_path(options), json.dumps(overrides(options))]
    os.chdir(ROOT)
    environment = {**os.environ, "PRIVACY_AGENT_SOCKET": socket_path(options)}
    os.execve(sys.executable, words + (["--json"] if options.json else []), environment)
