"""The lab for a person: `tools/lab`. A shell in each namespace, one at a time or in several terminals.

Lines typed at the prompt name a namespace and what to run in it; a name alone opens a shell.
"""

from __future__ import annotations

import argparse
import os
import readline
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.lab.lab import ALICE_MAC, RESOLVER4, ROUTER4, Lab, missing
from tests.lab.resident import Resident
from tests.lab.spaces import Space, enter

PROMPT = "lab> "


def main() -> int:
    options = arguments()
    if reason := missing():
        print(f"{reason}: try sudo tools/lab", file=sys.stderr)
        return 3
    with Lab() as lab, tempfile.TemporaryDirectory(prefix="pa-lab-agent-") as folder:
        resident = Resident(lab, Path(folder)) if options.agent else None
        try:
            if options.command:
                return run(lab, options.command)
            print(welcome(lab, resident))
            converse(lab)
        finally:
            if resident is not None:
                resident.stop()
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/lab", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--agent", action="store_true", help="run the daemon in the router")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="NAMESPACE COMMAND …: run it there and end")
    return parser.parse_args()


def welcome(lab: Lab, resident: Resident | None) -> str:
    lines = [
        "alice, bob ── br-lan ─┐",
        "                      ├ router ── wan0 ── wan",
        "     guest ── br-guest ┘",
        "",
        f"alice dig @{ROUTER4} any.who     or a name alone for a shell; Ctrl-D ends the lab.",
        "From another terminal: " + "; ".join(f"ip netns exec {space.name} sh" for space in (lab.alice, lab.router)),
    ]
    if resident is not None:
        command = f"{sys.executable} -m agent --settings {resident.settings}"
        lines += [
            "",
            "The daemon runs in the router; its command, from the project's folder:",
            f"  {command} device add Tablet --mac {ALICE_MAC}",
            f"  {command} on Tablet history",
            f"  alice dig @{RESOLVER4} any.who     (192.0.2.3: the agent answered)",
        ]
    return "\n".join(lines)


def converse(lab: Lab) -> None:
    readline.parse_and_bind("tab: complete")
    names = sorted(lab.spaces)
    readline.set_completer(lambda word, at: ([name for name in names if name.startswith(word)] + [None])[at])
    # Ctrl-C ends what runs in a namespace, not the lab.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            words = shlex.split(input(PROMPT))
        except EOFError:
            print()
            return
        except ValueError as error:
            print(error)
            continue
        if words:
            run(lab, words)


def run(lab: Lab, words: list[str]) -> int:
    """Runs the words behind a namespace's name in it; its shell without any."""
    space = lab.spaces.get(words[0])
    if space is None:
        print(f"no namespace {words[0]}: {', '.join(sorted(lab.spaces))}", file=sys.stderr)
        return 2
    environment = {**os.environ, "PS1": f"{words[0]}# "}
    try:
        return subprocess.run(words[1:] or ["sh"], preexec_fn=lambda: begin(space), env=environment).returncode
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 127


def begin(space: Space) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    enter(space.name)


if __name__ == "__main__":
    sys.exit(main())
