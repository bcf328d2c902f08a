"""The service's own start: its settings, and the daemon's interpreter, without what other commands import."""

import os
import sys

from agent.core import jsontext, settings
from agent.core.model import BadInput
from agent.core.nft.teardown import farewell
from agent.core.settings import MARKS, Settings, mark_layout
from agent.platform import coredump, lastwords

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
START = ("--settings", "FILE", "run")  # as the init script has it


def start(words: list[str]) -> None:
    """Become the daemon if these are the words of a service, with settings that hold. Otherwise return: whoever reads
    all words says what is wrong."""
    if len(words) != len(START) or words[0] != START[0] or words[-1] != START[-1]:
        return
    path = os.path.abspath(words[1])
    try:
        with open(path, encoding="utf-8") as file:
            values = settings.read(file.read())
    except (OSError, UnicodeError, BadInput):
        return
    become(path, {}, values)


def become(path: str, overrides: dict[str, object], values: Settings) -> None:
    """The daemon takes this process's place, in a fresh interpreter: what was imported until here is not resident.

    `path` is the settings file ("-": none), `overrides` go before it, `values` are what both come to.
    """
    os.environ[lastwords.VARIABLE] = os.path.join(values.text("run_dir"), lastwords.FILE)
    code = f"import sys; sys.path.insert(0, {ROOT!r}); from agent.daemon.main import main; sys.exit(main())"
    # Fixed for as long as the guard lives, which ends flows by them: the daemon reads the file again when it restarts.
    fixed = {name: values[name] for name in MARKS}
    arguments = [path, jsontext.dumps({**overrides, **fixed})]
    arguments += [datagram.hex() for datagram in farewell(mark_layout(values))]
    coredump.forbid()
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", code, *arguments])
