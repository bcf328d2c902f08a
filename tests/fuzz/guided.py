"""Fuzzing led by coverage, by hand: `python -m tests.fuzz.guided SECONDS [NAME …]`; without names all parsers,
"operations" and "operations by mac". Each gets so many seconds, which is told. Needs atheris beside what the tests need
(tests/fuzz/requirements-guided.txt).

Each runs in a fork of its own; a crash prints the input and becomes a test.
"""

import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import atheris

with atheris.instrument_imports(include=["agent"]):
    from agent.control.operations import OPERATIONS
    from agent.core.model import BadInput
    from agent.daemon.control import ControlServer
    from agent.daemon.household import Household
    from agent.daemon.loop import Loop
    from agent.jobs.web.http_types import Problem
    from tests.daemon.limited import Times
    from tests.daemon.limited import at as hour
    from tests.fuzz import nasty
    from tests.fuzz.kinds import ODD, beyond, fitting
    from tests.fuzz.test_operations import GOOD, answer, exchanged, furnish
    from tests.fuzz.test_parsers import PARSERS
    from tests.promises.household import Home

FRESH = 300  # inputs after which the household is another: until then, what one left the next one meets
CALLS_MAX = 12  # of one input


def parser(name: str) -> Any:
    function, seed = PARSERS[name]

    def once(data: bytes) -> None:
        with contextlib.suppress(BadInput, Problem):
            function(data)

    return once, [seed]


def operations(made_of: Callable[[str], Household]) -> Any:
    """Several operations of the table in a row, each argument as it should be, at a limit, or odd; state is kept."""
    folder = tempfile.mkdtemp(prefix="guided-")
    household = made_of(folder)
    household.state.db.sql.execute("PRAGMA synchronous=OFF")
    control = ControlServer(Loop(), household, os.path.join(folder, "sock"))
    names, asked = sorted(OPERATIONS), Counter[str]()
    choices = {
        (name, key): (*fitting(kind), *beyond(kind), *ODD)
        for name, operation in OPERATIONS.items()
        for key, kind in operation.arguments.items()
    }

    def once(data: bytes) -> None:
        given = atheris.FuzzedDataProvider(data)
        if asked["inputs"] % FRESH == 0 and household.settings.text("identity") == "address":
            furnish(household)
        asked["inputs"] += 1
        made: list[dict[str, Any]] = []
        while given.remaining_bytes() and len(made) < CALLS_MAX:
            made.append(request(given, names, choices, household))
            reply = answer(control, made[-1]["op"], made[-1])
            assert ("ok" in reply) != ("error" in reply), made
            json.dumps(reply).encode()
            asked["refused" if "error" in reply else "taken"] += 1
            asked[made[-1]["op"]] += "ok" in reply

    def told() -> None:
        never = [name for name in names if not asked[name]]
        print(f"{asked['inputs']} inputs, {asked['taken']} requests taken, {asked['refused']} refused", end="; ")
        print("never taken:", " ".join(never) or "none", flush=True)

    # libFuzzer ends the process without a word of ours: told from time to time.
    def counted(data: bytes) -> None:
        try:
            once(data)
        except BaseException:
            print(f"by {data.hex()}", flush=True)
            raise
        if asked["inputs"] % 2000 == 0:
            told()

    return counted, [bytes([at, 0, at, 255 - at]) * 6 for at in range(len(names))]


def known_by_address(folder: str) -> Household:
    return Home(folder).start(data_dir=os.path.abspath("blocklists"))


def known_by_mac(folder: str) -> Household:
    """With a kernel that holds whom it is told to, and a clock that is sure."""
    made = Times(Home(folder), hour(12)).home.household
    assert made is not None
    return made


HOUSEHOLDS = {"operations": known_by_address, "operations by mac": known_by_mac}
TABLES = {"device": "devices", "person": "persons", "rule": "rules", "request": "requests", "hold": "holds"}
TABLES |= {"report": "reports", "statistics": "reports"}


def rows(household: Household, kind: str) -> list[int]:
    """The ids that an operation of that kind may be about."""
    db, table = (household.records.db, "visits") if kind == "visit" else (household.state.db, TABLES.get(kind))
    return (
        [row[0] for row in db.sql.execute(f"SELECT rowid FROM {table} ORDER BY rowid DESC LIMIT 3")] if table else [1]
    )


def request(
    given: Any, names: list[str], choices: dict[tuple[str, str], tuple[Any, ...]], household: Household
) -> dict[str, Any]:
    """An operation with what somebody may well ask, of people and devices that are there, but for none, one or any
    number of arguments."""
    name = names[given.ConsumeIntInRange(0, len(names) - 1)]
    good = GOOD.get(name, {})
    devices = [one.id for one in household.state.devices()]
    people = [one.id for one in household.state.persons()]
    there = {"device_id": devices, "person_id": people, "id": rows(household, name.partition(".")[0])}
    made: dict[str, Any] = {"op": name, **good}
    for key in there.keys() & good.keys():
        made[key] = (there[key] or [1])[given.ConsumeIntInRange(0, 7) % max(1, len(there[key]))]
    keys = list(OPERATIONS[name].arguments)
    at = given.ConsumeIntInRange(0, 3 * len(keys) // 2 + 2)  # which is another; behind them: none, or any
    for key in keys if at > len(keys) + 1 else keys[at : at + 1]:
        how = given.ConsumeIntInRange(0, 7)
        if how == 0:
            made.pop(key, None)
        elif how < 4:
            some = choices[name, key]
            made[key] = some[given.ConsumeIntInRange(0, len(some) - 1)]
        elif how == 4:
            made[key] = given.ConsumeUnicode(40)
        elif how == 5:
            made[key] = nasty.PLAIN[given.ConsumeIntInRange(0, len(nasty.PLAIN) - 1)]
        elif how == 6:
            made[key] = exchanged(good.get(key), random.Random(given.ConsumeInt(3)))
    return made


def run(name: str, seconds: int) -> None:
    once, seeds = operations(HOUSEHOLDS[name]) if name in HOUSEHOLDS else parser(name)
    folder = tempfile.mkdtemp(prefix="guided-seeds-")
    for at, seed in enumerate(seeds):
        with open(os.path.join(folder, str(at)), "wb") as file:
            file.write(seed)
    options = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=10", "-verbosity=0", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/crash-", folder], once)
    atheris.Fuzz()


def main() -> int:
    failed = []
    for name in sys.argv[2:] or [*sorted(PARSERS), *HOUSEHOLDS]:
        print(f"== {name}", flush=True)
        began = time.monotonic()
        if not (pid := os.fork()):
            run(name, int(sys.argv[1]))
        if os.waitpid(pid, 0)[1]:
            failed.append(name)
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    print("failed:", ", ".join(failed) or "none")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
