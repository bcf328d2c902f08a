"""The resident's entry: settings, then the guard with the daemon as its child. Only what the guard needs is imported.

argv[1] is the settings file's path ("-" for none), argv[2] a JSON object of overrides.
"""

import json
import os
import socket
import sys

from agent.core import settings as settings_table
from agent.core.model import BadInput
from agent.core.settings import Settings
from agent.daemon import guard
from agent.daemon.switch import Switch, open_socket


def main() -> int:
    try:
        path, overrides = sys.argv[1], json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
        settings = read(path, overrides)
    except (BadInput, OSError, ValueError, IndexError) as error:
        print(f"privacy-agent: {error}", file=sys.stderr)
        return guard.EX_CONFIG
    netlink = open_socket() if settings.text("identity") == "mark" else None
    farewell = Switch(netlink, settings.texts("interfaces"), settings.number("agent_port")).farewell()

    def start(heartbeat: int, shared: socket.socket | None) -> int:
        from agent.daemon.serve import serve  # here, so that the guard never holds the daemon's modules

        return serve(settings, lambda: read(path, overrides), heartbeat, shared)

    os.umask(0o077)
    return guard.run(start, netlink, farewell)


def read(path: str, overrides: dict[str, object]) -> Settings:
    """The settings of a file with overrides; BadInput or OSError."""
    text = ""
    if path != "-":
        with open(path, encoding="utf-8") as file:
            text = file.read()
    return settings_table.read(text, overrides)
