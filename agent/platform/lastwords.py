"""Why the service ended, as a sentence in a file of run_dir: where it never comes up, that can still be told.

Left by whoever notices (the command line at a start, the daemon, its guard), removed by a daemon that is ready. Small,
because the guard holds it.
"""

import os
import sys

MYPY = False
if MYPY:
    from types import TracebackType

VARIABLE = "PRIVACY_AGENT_LAST_WORDS"  # the file's path, from the start of the service on
FILE = "last-words"
FAILED = "failed-starts"  # beside it, the packaged script counts there
STRICT = "PRIVACY_AGENT_STRICT"
WORDS_MAX = 500
PLACES_MAX = 8
_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep


def leave(sentence: str) -> None:
    """Best effort: where nothing can be written, the log has to do."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(" ".join(sentence.split())[:WORDS_MAX] + "\n")
    except OSError:
        return


def clear() -> None:
    """All is well: neither words nor failed starts."""
    path = os.environ.get(VARIABLE)
    for gone in (path, os.path.join(os.path.dirname(path), FAILED)) if path else ():
        try:
            os.unlink(gone)
        except OSError:
            continue


def left(run_dir: str) -> str:
    """The sentence, or ""."""
    try:
        with open(os.path.join(run_dir, FILE), encoding="utf-8", errors="replace") as file:
            return file.read(WORDS_MAX).strip()
    except OSError:
        return ""


def be_brief(who: str) -> None:
    """From now on a fault of our own ends the process with one line in the log, and with last words."""

    def tell(kind: type[BaseException], error: BaseException, trace: "TracebackType | None") -> None:
        words = f"ended by {named(kind, error)} ({' '.join(_places(trace))})"
        leave(who + words)
        try:
            os.write(2, f"privacy-agent: Traceback: {who}{words}\n".encode())
        except OSError:
            return
        if os.environ.get(STRICT) == "1":
            sys.__excepthook__(kind, error, trace)

    sys.excepthook = tell


def named(kind: type[BaseException], error: BaseException) -> str:
    """Without its message, which may hold what a device asked for; what could not be imported is no secret."""
    return kind.__name__ + (f": {error}" if isinstance(error, ImportError) else "")


def _places(trace: "TracebackType | None") -> list[str]:
    """Where of ours it came through, the last ones."""
    found = []
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path.startswith(_ROOT):
            found.append(f"{path[len(_ROOT) :]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return found[-PLACES_MAX:]
