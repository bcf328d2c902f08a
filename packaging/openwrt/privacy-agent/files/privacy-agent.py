#!/usr/bin/python3
"""The command privacy-agent. Where procd starts it as the service and it ends before its guard stands, it says why in a
file (agent/platform/lastwords.py), and waits before it ends, each time longer: procd itself knows no back-off.
"""

import os
import sys
import time

RUN = "/var/run/privacy-agent"
WORDS, FAILED = RUN + "/last-words", RUN + "/failed-starts"
SERVICE = "PRIVACY_AGENT_SERVICE"  # set by the init script
PAUSES_S = (0, 5, 10, 20, 40, 80, 160, 300)  # besides procd's five


def command():
    try:
        from agent.entry import main
    except ImportError as error:
        told = f"cannot start: {error} (is a package missing that privacy-agent depends on?)"
        print("privacy-agent: " + told, file=sys.stderr)
        if SERVICE in os.environ:
            note(WORDS, told)
        return 1
    return main()


def note(path, text):
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError:
        pass


def failed_starts():
    try:
        with open(FAILED, encoding="utf-8") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 0


def pause():
    """A stop and a reload end it at once; as process 1 of a jail it would not even hear of them without a handler."""
    import signal  # here: a start that succeeds has no use for it

    failed = failed_starts()
    note(FAILED, str(failed + 1))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os._exit(1))
    sys.stderr.flush()
    time.sleep(PAUSES_S[min(failed, len(PAUSES_S) - 1)])


if SERVICE in os.environ:
    os.environ["PRIVACY_AGENT_LAST_WORDS"] = WORDS
code = command()
if code and SERVICE in os.environ:
    pause()
sys.exit(code)
