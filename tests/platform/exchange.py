"""What one processor writes and another reads: a lived-in household, a rule set, suffixes, a sealed report.

`python -m tests.platform.exchange write FOLDER` under one interpreter, `… read FOLDER` under another: tools/processors.
"""

import io
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from agent.core import envelope, seal, summary
from agent.core.names import PublicSuffixes, compile_suffixes
from agent.core.rules import parse_lines
from agent.core.ruleset import Ruleset
from agent.core.rulewriter import ListMeta, build
from agent.daemon.store.history_db import HistoryDb
from agent.jobs.external_sort import ExternalSort, big_endian
from agent.platform import sodium
from agent.platform.hashing import sha256
from tests.promises.household import Home, observe

SALT = b"salt, 16 bytes !"
RULES = (
    b"||phish.example^\n@@||good.phish.example^\n||shop.example/pay.html\n||203.0.113.0/24^\n||x.example^$dnstype=A\n"
)
SUFFIXES = ["com", "co.uk", "*.ck", "!www.ck"]
VALUES = [1, 0x0102030405060708, 1 << 63]
SECRET = bytes(range(1, 33))
PERIOD = 2968
TABLET = "127.0.0.2"
SAVE_S = 60


def rules_file() -> bytes:
    file = io.BytesIO()
    lists = [
        (ListMeta("l", "A list", "1", "phishing", 0, 1700000000), list(parse_lines(RULES.split(b"\n"), "adblock")))
    ]
    build(file, lists, SALT, sha256)
    return file.getvalue()


def suffixes_file() -> bytes:
    return compile_suffixes(SUFFIXES)


def spilled() -> bytes:
    """How the compiler keeps numbers in its temporary file."""
    return big_endian(VALUES)


def write(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "rules.bin").write_bytes(rules_file())
    (folder / "suffixes.bin").write_bytes(suffixes_file())
    (folder / "spill").write_bytes(spilled())
    (folder / "report").write_bytes(_sealed())
    (folder / "facts.json").write_text(json.dumps(_live(folder / "household")))


def read(folder: Path) -> None:
    """AssertionError where something is read otherwise than it was written."""
    assert (folder / "rules.bin").read_bytes() == rules_file(), "the same rules give other bytes"
    assert (folder / "suffixes.bin").read_bytes() == suffixes_file(), "the same suffixes give other bytes"
    _look_up(folder)
    spill = ExternalSort(io.BytesIO())
    spill.put("own", 0, (folder / "spill").read_bytes())
    assert list(spill.take("own", 0)) == VALUES
    _open(folder)
    with tempfile.TemporaryDirectory() as copy:
        # A copy has other inodes: it is a restored household, and a restored one is off.
        shutil.copytree(folder / "household", Path(copy) / "household")
        _compare(Path(copy) / "household", json.loads((folder / "facts.json").read_text()))


def _look_up(folder: Path) -> None:
    found = Ruleset(io.BytesIO((folder / "rules.bin").read_bytes()), sha256)
    assert found.find(b"www.phish.example") is not None and found.find(b"fish.example") is None
    public = PublicSuffixes((folder / "suffixes.bin").read_bytes())
    assert public.registrable(b"a.b.co.uk") == b"b.co.uk"
    assert public.registrable(b"a.www.ck") == b"www.ck"


def _primitives() -> seal.Primitives:
    library = sodium.load_sealing()
    return seal.Primitives(sha256, library.x25519, library.public_of, library.encrypt, library.decrypt)


def _sealed() -> bytes:
    primitives, identity = _primitives(), bytes(range(summary.ID_BYTES))
    text = summary.render(identity, PERIOD, summary.Answer("blocked", 500, 7))
    public = primitives.public_of(SECRET)
    return envelope.make(primitives, public, os.urandom(32), text, 1, PERIOD, identity.hex()).body()


def _open(folder: Path) -> None:
    report = envelope.open_envelope(_primitives(), SECRET, envelope.parse((folder / "report").read_bytes()))
    assert (report.id, report.period) == (bytes(range(summary.ID_BYTES)).hex(), PERIOD)


def _live(folder: Path) -> dict[str, object]:
    """Switched on, looked around, saved to flash; what is to be found there later."""
    home = Home(str(folder))
    home.start(keep_history=True)
    home.ask("person.add", name="Mia", group="child")
    home.ask("device.add", label="Mias Gerät", address=TABLET, person_id=1)
    home.ask("device.add", label="Television", address="127.0.0.3")
    home.ask("on", device_id=1, feature="history", agree=1)
    assert home.household is not None
    observe(home.household, TABLET, b"en.wikipedia.org")
    observe(home.household, TABLET, b"www.example.org")
    home.ask("block", name="bad.example")
    home.household.flush()
    facts = _facts(home)
    snapshots, end = home.household.snapshots, time.monotonic() + SAVE_S
    assert snapshots.start()
    while not snapshots.finished():
        assert time.monotonic() < end, "the copy on flash takes too long"
        time.sleep(0.01)
    home.crash()
    return facts


def _compare(folder: Path, facts: dict[str, object]) -> None:
    home = Home(str(folder))
    for name in os.listdir(home.run_dir):  # a reboot: only flash is left
        os.unlink(os.path.join(home.run_dir, name))
    assert _saved(folder / "state" / "history.db") == facts.pop("sites"), "the copy of the history is another one"
    household = home.start(keep_history=True)
    rows = {row.seq: row.hash.hex() for row in household.state.ledger.rows()}
    head = str(facts.pop("head"))
    assert head in rows.values(), "the ledger's hash is another one"
    found = _facts(home)
    assert found.pop("sites") == [], "what was erased since an old copy may be in the one of the history beside it"
    assert {name: found[name] for name in facts} == facts, found
    assert home.household is not None and home.household.gate.devices() == [], "a restored household is on"
    home.crash()


def _saved(path: Path) -> list[str]:
    """The sites in the copy of the history on flash."""
    records = HistoryDb(str(path))
    sites = sorted(site for (site,) in records.db.sql.execute("SELECT site FROM visits"))
    records.db.sql.close()
    return sites


def _facts(home: Home) -> dict[str, object]:
    proof = home.ask("audit")
    assert proof["ok"], proof
    return {
        "head": proof["head"],
        "devices": [[device["label"], device["address"]] for device in home.ask("device.list")["items"]],
        "people": [person["name"] for person in home.ask("person.list")["items"]],
        "sites": sorted(row["site"] for row in home.ask("history", all=True)["items"]),
        "rules": [rule["name"] for rule in home.ask("rule.list")["items"]],
    }


def main(action: str, folder: str) -> None:
    {"write": write, "read": read}[action](Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
