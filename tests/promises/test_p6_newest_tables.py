"""P6: nothing of a person or device that was removed stays in a byte of a file: times, content, allowances with their
reasons, requests with their answers, rules, and the address that the kernel knew it by."""

import random
from pathlib import Path

from tests.daemon.counted import Counted, at
from tests.daemon.limited import NIGHT
from tests.promises.household import Home
from tests.promises.test_p6_unused import left

PEOPLE = 7
MACS = (bytes.fromhex("3c22fb7766"), b"3c:22:fb:77:66", b"3c22fb7766")


def live(counted: Counted, number: int, dice: random.Random) -> None:
    """One who goes and one who stays, so that rows of both lie in the same pages."""
    for word in ("tell", "stay"):
        person = counted.ask("person.add", name=f"{word}person{number}", group="child")["id"]
        mac = f"3c:22:fb:{'77:66' if word == 'tell' else '00:01'}:{number:02x}"
        device = counted.ask("device.add", label=f"{word}device{number}", mac=mac, person_id=person)["id"]
        counted.on(device)
        for whose in ({"person_id": person}, {"device_id": device}):
            names = [f"{word}site{number}-{at}.example" for at in range(dice.randrange(2, 8))]
            counted.ask("content.set", **whose, always=names, categories=["adult"])
            counted.ask("block", name=f"{word}rule{number}.example", **whose)
        counted.ask("limits.set", person_id=person, windows=NIGHT)
        counted.ask("allowance.set", person_id=person, minutes=[60] * 7)
        counted.ask("allowance.give", person_id=person, minutes=15, text=f"{word}reason{number}")
        counted.ask("hold.add", person_id=person, seconds=3600)
        text = f"{word}request{number} " + "x" * dice.randrange(300)
        asked = counted.ask("request.add", device_id=device, kind="objection", text=text)
        counted.ask("request.reply", id=asked["id"], answer=f"{word}answer{number}")


def test_nothing_of_them_is_left(tmp_path: Path) -> None:
    home, dice = Home(str(tmp_path)), random.Random(7)
    counted = Counted(home, at(15))
    for number in range(PEOPLE):
        live(counted, number, dice)
    assert left(home, b"tell") and any(left(home, mac) for mac in MACS)
    rows = {op: counted.ask(op, limit=200)["items"] for op in ("device.list", "person.list")}
    gone = [("device.remove", row["id"]) for row in rows["device.list"] if row["label"].startswith("tell")]
    gone += [("person.remove", row["id"]) for row in rows["person.list"] if row["name"].startswith("tell")]
    dice.shuffle(gone)
    for op, id in gone:
        counted.ask(op, id=id)
    counted.tick()
    for again in (False, True):
        if again:
            counted.again()
        assert {needle: left(home, needle) for needle in (b"tell", *MACS) if left(home, needle)} == {}
        assert left(home, b"stayreason") and left(home, b"staysite")
    home.crash()
