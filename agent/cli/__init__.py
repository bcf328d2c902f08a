"""The command `privacy-agent`: reads the arguments, asks the daemon, prints what it says."""

from agent.cli.main import main

__all__ = ["main"]
