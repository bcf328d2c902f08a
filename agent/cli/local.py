"""Commands that run something here instead of asking the daemon: the daemon itself, the compiler, doctor."""

import argparse
import importlib.util
import json
import os
import sys

from agent import service_start
from agent.cli import show
from agent.cli.context import overrides, read_settings, settings_path, socket_path
from agent.cli.errors import NOT_FOUND, CliError
from agent.client import ControlClient, Unreachable
from agent.platform import lastwords
from agent.service_start import ROOT


def run(options: argparse.Namespace) -> None:
    """Becomes the daemon. The usual words of a service do not even come here (agent/service_start.py)."""
    try:
        values = read_settings(options)
    except CliError as trouble:
        lastwords.leave(f"cannot start: {trouble}")
        raise
    if options.check:
        show.document(values.values)
        return
    service_start.become(settings_path(options), overrides(options), values)


def lists_compile(options: argparse.Namespace) -> None:
    from agent.cli.compiling import lists_compile  # here: it imports much that no other command needs

    settings = read_settings(options)
    target = options.output or settings.text("ruleset_file")
    lists_compile(settings, options.files, target)
    try:
        client = ControlClient(socket_path(options))
    except Unreachable:
        if os.path.realpath(target) == os.path.realpath(settings.text("ruleset_file")):
            show.line("The daemon does not run; it takes the lists into use when it starts.")
        return
    _load(client, target, options.output is None)


def _load(client: ControlClient, target: str, meant: bool) -> None:
    """The daemon says which file is its own: it may run with other settings than those that this command read."""
    file = str(client.call("lists").get("file"))
    if os.path.realpath(target) == os.path.realpath(file):
        client.call("lists.reload")
        show.line("The daemon uses them from now on.")
    elif meant:
        show.line(f"The daemon uses another file: {file}")
    client.close()


def doctor(options: argparse.Namespace) -> None:
    """The outside witness: another program with other libraries, so that agreeing means something."""
    for module in ("agent.jobs.doctor", "pyroute2", "dnslib"):
        if importlib.util.find_spec(module) is None:
            raise CliError("doctor needs the package privacy-agent-doctor (pyroute2 and dnslib): install it", NOT_FOUND)
    words = [sys.executable, "-m", "agent.jobs.doctor", settings_path(options), json.dumps(overrides(options))]
    os.chdir(ROOT)
    environment = {**os.environ, "PRIVACY_AGENT_SOCKET": socket_path(options)}
    os.execve(sys.executable, words + (["--json"] if options.json else []), environment)
