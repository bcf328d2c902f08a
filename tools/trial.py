"""What tools/try runs: the sample household, what to try with it, and with --check those things done and looked at."""

import argparse
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.sample import ALLOWED, HOST, LISTED, ROOT, START_WAIT_S, TABLET, TELEVISION, Household  # noqa: E402


def tell(household: Household) -> None:
    upstream = "the system's resolver" if not household.upstream else "a local one: every name is 192.0.2.1"
    command = household.command.relative_to(ROOT)
    print(f"""
privacy-agent runs on {HOST} port {household.port}; upstream is {upstream}.
Mia's tablet is {TABLET}, with history and protection on. The television is {TELEVISION}, with nothing on.

1  A site, as the tablet asks for it: answered, and it becomes a visit.
       {" ".join(household.dig(TABLET, ALLOWED))}
       {command} history "Mia's tablet"
2  A name on the starter list: blocked, and the answer says why. The television is not protected: it gets an answer.
       {" ".join(household.dig(TABLET, LISTED))}
       {" ".join(household.dig(TELEVISION, LISTED))}
       {command} blocked
3  Off is off: ask again afterwards, and nothing is added. The audit checks every record.
       {command} off "Mia's tablet" history
       {command} audit

The web page: {household.page} (its first page wants a code: {command} setup-code)
Ctrl-C ends it and takes everything away.
""")


def check(household: Household) -> list[str]:
    """The three things, done; what did not come out as told."""
    wrong = []

    def expect(what: str, text: str, test: Callable[[str], bool]) -> None:
        print(f"$ {what}\n{text.rstrip()}")
        if not test(text):
            wrong.append(what)

    for source, name, test in (
        (TABLET, ALLOWED, lambda text: "NOERROR" in text),
        (TABLET, LISTED, lambda text: "EDE: 15" in text),
        (TELEVISION, LISTED, lambda text: "EDE: 15" not in text),
    ):
        command = household.dig(source, name)
        expect(" ".join(command), subprocess.run(command, capture_output=True, text=True).stdout, test)
    tablet = "Mia's tablet"
    for words, test in (
        (["history", tablet], lambda text: "wikipedia.org" in text),
        (["blocked"], lambda text: LISTED in text and "television" not in text.lower()),
        (["explain", LISTED, "--device", tablet], lambda text: "is blocked" in text),
        (["off", tablet, "history"], lambda text: "is off" in text),
        (["audit"], lambda text: "All records match" in text),
    ):
        expect(" ".join(words), household.run(*words), test)
    with urllib.request.urlopen(household.page, timeout=START_WAIT_S) as page:
        expect(household.page, str(page.read(), "utf-8"), lambda text: "<!doctype html>" in text)
    return wrong


def end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/try", description="a sample household on the loopback")
    parser.add_argument("--offline", action="store_true", help="a local upstream where every name exists")
    parser.add_argument("--check", action="store_true", help="do the three things, and end")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    household = Household()
    try:
        household.start(options.offline)
        if options.check:
            wrong = check(household)
            print("all as told" if not wrong else "NOT as told: " + "; ".join(wrong))
            return bool(wrong)
        tell(household)
        return household.daemon.wait()
    except KeyboardInterrupt:
        print()
        return 0
    finally:
        household.close()


if __name__ == "__main__":
    sys.exit(main())
