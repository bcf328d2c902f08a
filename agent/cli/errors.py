"""What can go wrong for a command, each with the exit code that scripts may rely on."""

from agent.control.errors import NOT_AGREED_EXIT as NOT_AGREED
from agent.control.errors import NOT_FOUND_EXIT as NOT_FOUND
from agent.control.errors import REJECTED_EXIT as REJECTED

__all__ = [
    "FINDINGS",
    "MEANINGS",
    "NOT_AGREED",
    "NOT_FOUND",
    "NOT_RUNNING",
    "NOT_WRITTEN",
    "OK",
    "REJECTED",
    "USAGE",
    "CliError",
]

OK = 0
FINDINGS = 1  # the command worked, and what it looked for is not well: audit, doctor, lists update
USAGE = 2  # argparse's own
NOT_RUNNING = 3
NOT_WRITTEN = 8

MEANINGS = """exit codes:
  0  done
  1  audit found something, doctor has a warning, or a list could not be fetched
  2  the command was not understood
  3  the daemon does not run, or may not be asked by this user
  4  there is no such device, person, feature, setting or record
  5  the daemon rejected it, and said why
  6  not agreed: nothing was changed
  7  doctor found something that does not work
  8  the output could not be written
"""


class CliError(Exception):
    """Ends the command: a sentence for stderr and the exit code."""

    def __init__(self, message: str, code: int = REJECTED) -> None:
        super().__init__(message)
        self.code = code
