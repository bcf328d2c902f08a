"""The command `privacy-agent`: as a service the daemon, and for all other words the command line."""

import sys

from agent import service_start


def main() -> int:
    """The exit code; a service that starts does not return."""
    service_start.start(sys.argv[1:])
    from agent.cli.main import main  # here: half of a start's time would be this

    return main()
