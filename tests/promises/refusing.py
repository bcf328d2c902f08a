"""A household whose storage refuses one call: run with refusing.c preloaded, each try in a process of its own."""

import ctypes
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

from agent.core.consent import ON, ConsentState, LedgerRow
from agent.core.model import BadInput
from agent.daemon.operations.arguments import OperationRejected
from agent.daemon.store.connection import StorageError
from agent.daemon.store.ledger import COLUMNS
from agent.daemon.store.rollback_check import RollbackCheck
from agent.jobs.compile import Source, compile_lists
from tests.promises.household import Home, observe

SOURCE = Path(__file__).with_name("refusing.c")
PAIR_ADDRESSES = ("127.0.0.2", "127.0.0.3")
CALLS_MAX = 400
# How an operation says that the storage refused; of the lists' files that is a state to go on from.
SAID = ("storage", "conflict")
FEEDS = Path(__file__).resolve().parent.parent.parent / "blocklists" / "feeds.json"
OPERATOR = {
    "name": "Example Lab",
    "contact": "lab@example.org",
    "country": "DE",
    "purpose": "better lists",
    "retention": "two years",
    "address": "https://collect.example.org/",
    "key": "ab" * 32,
}


def library(folder: Path) -> Path | None:
    """The preloaded part, compiled; None without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    made = folder / "refusing.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-w", "-o", str(made), str(SOURCE), "-ldl"], check=True)
    return made


def run(preload: Path, folder: Path, tries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each try is {"op", "arguments", "kinds", "errno", "lasting", "done", "after"?, "step"?}: the first
    such call is refused, then the next (or the one `step` calls on), until there is none. One answer for each."""
    environment = {**os.environ, "LD_PRELOAD": str(preload), "PRIVACY_AGENT_STRICT": "1"}
    command = [sys.executable, "-m", "tests.promises.refusing", str(folder)]
    done = subprocess.run(
        command, input=json.dumps(tries), env=environment, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def settled(folder: str) -> dict[tuple[str, str], str]:
    """What the file itself says is on or off."""
    register = ConsentState()
    sql = sqlite3.connect(os.path.join(folder, "state", "state.db"))
    for fields in sql.execute(f"SELECT {COLUMNS} FROM ledger ORDER BY seq"):
        register.add(LedgerRow(*fields))
    sql.close()
    return {key: state for key, (state, _) in register._toggles.items()}


def prepare(folder: str) -> None:
    """Two devices and a person; the first has history on, with rows, and a copy on flash; a rule; an open request."""
    home = Home(folder)
    household = home.start(keep_history=True)
    _compiled(household.feeds.file)
    home.ask("statistics.operator_set", operator=OPERATOR)
    home.ask("person.add", name="Mia", group="child")
    for number, address in enumerate(PAIR_ADDRESSES):
        home.ask("device.add", label=f"d{number}", address=address)
    home.ask("device.edit", id=1, person_id=1)
    home.ask("on", device_id=1, feature="history", agree=1)
    home.ask("on", device_id=1, feature="protection", agree=1)
    for host in (b"a.example", b"b.example"):
        observe(household, PAIR_ADDRESSES[0], host)
    household.flush()
    home.ask("block", name="video.example", scope="household")
    home.ask("request.add", device_id=1, kind="objection", text="no", address=PAIR_ADDRESSES[0])
    assert household.snapshots.start()
    while not household.snapshots.finished():
        pass
    home.crash()


def _compiled(target: str) -> None:
    """A set of lists in use, and the one before."""
    for number, path in enumerate((target, target + ".previous")):
        text = path + ".txt"
        Path(text).write_text(f"||own{number}.example^\n")
        compile_lists([Source(text, "own", syntax="adblock")], path)
        os.unlink(text)


def one(folder: str, try_: dict[str, Any], nth: int) -> dict[str, Any] | None:
    """None: the operation makes fewer such calls."""
    refusing = ctypes.CDLL(None)
    home = Home(folder)
    household = home.start(keep_history=True, feeds_file=str(FEEDS))
    household.load_lists()
    observe(household, PAIR_ADDRESSES[0], b"c.example")
    for arguments in [try_["arguments"], *(arguments for _, arguments in try_.get("before", []))]:
        if "terms" in arguments:
            arguments["terms"] = household.reports.agreement.terms()
    for op, arguments in try_.get("before", []):
        home.ask(op, **arguments)
    refusing.refuse(try_["kinds"], nth, try_["errno"], int(try_["lasting"]), int(try_["done"]))
    answer = _answer(home, try_["op"], try_["arguments"])
    hits = refusing.refused()
    told: dict[str, Any] = {"op": try_["op"], "nth": nth, "answer": answer}
    for op, arguments in try_.get("after", []):
        told["after"] = _answer(home, op, arguments)
    refusing.refuse(0, 0, 0, 0, 0)
    if not hits:
        return None
    told["goes on"] = _answer(home, "status", {})
    if household.toggles.unsaved.rows:
        household.toggles.save_again()
    register = household.state.ledger.register
    household.state.db.touch()
    filed = settled(folder)
    told["agrees"] = {key: register.state(*key) for key in filed} == filed
    told["on"] = sorted(f"{key[1]}" for key, state in filed.items() if state == ON and key[0])
    told["gate"] = sorted(name for device in household.gate.devices() for name in household.gate.features(device.slot))
    told["again"] = _answer(home, "person.add", {"name": "Ben", "group": "child"})
    home.crash()
    return told


def _answer(home: Home, op: str, arguments: dict[str, Any]) -> str:
    try:
        home.ask(op, **arguments)
    except StorageError as error:
        return "StorageError: " + str(error)
    except OperationRejected as error:
        return ("StorageError: " if error.code in SAID else "refused: ") + str(error)
    except BadInput as error:
        return "refused: " + str(error)
    except Exception as error:  # noqa: BLE001 - what it ends by is what is asked
        return type(error).__name__ + ": " + "".join(traceback.format_exception(error))[-2000:]
    return "done"


def main(folder: str) -> None:
    template = os.path.join(folder, "template")
    if not os.path.exists(template):
        prepare(template)
    for try_ in json.load(sys.stdin):
        for nth in range(1, CALLS_MAX, try_.get("step", 1)):
            if not _forked(template, os.path.join(folder, "try"), try_, nth):
                break


def _forked(template: str, folder: str, try_: dict[str, Any], nth: int) -> bool:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    _accept_copy(folder)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            told = one(folder, try_, nth)
            if told is not None:
                print(json.dumps(told), flush=True)
            code = 0 if told is not None else 3
        finally:
            os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, 3):
        print(json.dumps({"op": try_["op"], "nth": nth, "answer": f"ended by {status}", "goes on": "no"}), flush=True)
    return status != 3


def _accept_copy(folder: str) -> None:
    """The copied ledger counts as the one that was here: its head is noted anew."""
    sql = sqlite3.connect(os.path.join(folder, "state", "state.db"))
    fields = sql.execute(f"SELECT {COLUMNS} FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
    sql.close()
    anchor = RollbackCheck(os.path.join(folder, "state", "anchor"), os.path.join(folder, "run", "anchor"))
    anchor.save(LedgerRow(*fields))


if __name__ == "__main__":
    main(sys.argv[1])
