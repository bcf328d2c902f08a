"""Commands that run something here instead of asking the daemon: the daemon itself, the compiler, doctor."""

import argparse
import importlib.util
import json
import os
import sys

from agent.cli import show
from agent.cli.called import ROOT, overrides, read_settings, settings_path, socket_path
from agent.cli.trouble import NOT_FOUND, Trouble
from agent.client import Client, Unreachable
from agent.core.farewell import farewell
from agent.core.settings import MARKS, mark_layout
from agent.platform import dumps


def run(options: argparse.Namespace) -> None:
    """Becomes the daemon. A fresh interpreter, so that what the command line imported is not resident."""
    values = read_settings(options)
    if options.check:
        show.document(values.values)
        return
    code = f"import sys; sys.path.insert(0, {ROOT!r}); from agent.daemon.main import main; sys.exit(main())"
    # Fixed for as long as the guard lives, which ends flows by them: the daemon reads the file again when it restarts.
    fixed = {name: values[name] for name in MARKS}
    arguments = [settings_path(options), json.dumps({**overrides(options), **fixed})]
    arguments += [datagram.hex() for datagram in farewell(mark_layout(values))]
    dumps.forbid()
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


def doctor(options: argparse.Namespace) -> None:
    """The outside witness: another program with other libraries, so that agreeing means something."""
    for module in ("agent.jobs.doctor", "pyroute2", "dnslib"):
        if importlib.util.find_spec(module) is None:
            raise Trouble("doctor needs the package privacy-agent-doctor (pyroute2 and dnslib): install it", NOT_FOUND)
    words = [sys.executable, "-m", "agent.jobs.doctor", settings_path(options), json.dumps(overrides(options))]
    os.chdir(ROOT)
    environment = {**os.environ, "PRIVACY_AGENT_SOCKET": socket_path(options)}
    os.execve(sys.executable, words + (["--json"] if options.json else []), environment)
