"""Fuzzing led by coverage, by hand: `python -m tests.fuzz.guided SECONDS [NAME …]`; without names all parsers, and
"operations", so many seconds each. Needs atheris (tests/fuzz/requirements-guided.txt) beside what the tests need.

Each runs in a fork of its own; a crash prints the input and becomes a test.
"""

import contextlib
import json
import os
import sys
import tempfile
from typing import Any

import atheris

with atheris.instrument_imports(include=["agent"]):
    from agent.control.operations import OPERATIONS
    from agent.core.model import BadInput
    from agent.daemon.control import ControlServer
    from agent.daemon.loop import Loop
    from agent.jobs.web.http_types import Problem
    from tests.fuzz import nasty
    from tests.fuzz.test_operations import GOOD, answer, furnish
    from tests.fuzz.test_parsers import PARSERS
    from tests.promises.household import Home

FRESH = 2000  # requests after which the household is another


def parser(name: str) -> Any:
    function, seed = PARSERS[name]

    def once(data: bytes) -> None:
        with contextlib.suppress(BadInput, Problem):
            function(data)

    return once, [seed]


def operations() -> Any:
    """Every operation by the table: its arguments as they should be, odd ones, or of the fuzzer's own."""
    folder = tempfile.mkdtemp(prefix="guided-")
    household = Home(folder).start()
    household.state.db.sql.execute("PRAGMA synchronous=OFF")
    control = ControlServer(Loop(), household, os.path.join(folder, "sock"))
    names, asked = sorted(OPERATIONS), [0]

    def once(data: bytes) -> None:
        given = atheris.FuzzedDataProvider(data)
        if asked[0] % FRESH == 0:
            furnish(household)
        asked[0] += 1
        name = names[given.ConsumeIntInRange(0, len(names) - 1)]
        request: dict[str, Any] = {"op": name, **GOOD.get(name, {})}
        for key in OPERATIONS[name].arguments:
            how = given.ConsumeIntInRange(0, 7)
            if how == 0:
                request[key] = nasty.PLAIN[given.ConsumeIntInRange(0, len(nasty.PLAIN) - 1)]
            elif how == 1:
                request[key] = given.ConsumeUnicode(40)
            elif how == 2:
                request[key] = given.ConsumeInt(9)
            elif how == 3:
                request[key] = [nasty.DEEP, {}, [""], {"": None}][given.ConsumeIntInRange(0, 3)]
            elif how == 4:
                request.pop(key, None)
        json.dumps(answer(control, name, request))

    return once, [bytes([at]) * 8 for at in range(0, 256, 5)]


def run(name: str, seconds: int) -> None:
    once, seeds = operations() if name == "operations" else parser(name)
    folder = tempfile.mkdtemp(prefix="guided-seeds-")
    for at, seed in enumerate(seeds):
        with open(os.path.join(folder, str(at)), "wb") as file:
            file.write(seed)
    options = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=10", "-verbosity=0", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/crash-", folder], once)
    atheris.Fuzz()


def main() -> int:
    failed = []
    for name in sys.argv[2:] or [*sorted(PARSERS), "operations"]:
        print(f"== {name}", flush=True)
        if not (pid := os.fork()):
            run(name, int(sys.argv[1]))
        if os.waitpid(pid, 0)[1]:
            failed.append(name)
    print("failed:", ", ".join(failed) or "none")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
