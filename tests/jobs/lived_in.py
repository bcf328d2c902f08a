"""A household after a week, served for real: household, control and web job; only the DNS is left out.

`python -m tests.jobs.lived_in FOLDER PORT` prints "ready CODE" with a setup code and serves until it is ended. It may
be --empty, --moved, or --unreported; --visits N adds so many; --list CATEGORY=FILE is compiled instead of the starter
lists; --at SECONDS is what its wall clock says at the start (Unix time), for pictures of any hour.
"""

import json
import os
import pwd
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from agent.core import settings as settings_table
from agent.core import summary
from agent.core.model import HISTORY, PROTECTION, Attempt, Device, Rule, Sentence, Visit, packed
from agent.daemon import bootstrap
from agent.daemon.control import ControlServer
from agent.daemon.edges import Edges
from agent.daemon.household import Household
from agent.daemon.jobs import Identity, python_command
from agent.daemon.kernel.neighbours import Neighbours
from agent.daemon.loop import Loop
from agent.daemon.operations import TABLE
from agent.daemon.runtime.web_job import WebJob
from agent.daemon.sight import Sight
from agent.daemon.store import outbox
from tests.jobs.web_peer import PASSWORD
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
DAY_S = 86400
SITES = (
    "wikipedia.org", "youtube.com", "example-school.example", "roblox.com", "whatsapp.net", "duolingo.com",
    "spotify.com", "weather.example", "khanacademy.org", "netflix.com", "minecraft.net", "scratch.mit.edu",
)  # fmt: skip
REFUSED = (
    ("login.bank.example", "phishing", "Starter list"),
    ("cheap-sneakers.example", "fraud", "Fake shops"),
    ("free-coins.example", "malware", "Malware names"),
    ("parcel-tracking.example", "phishing", "Starter list"),
)


def main() -> int:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    if "--at" in sys.argv:
        begin_at(float(sys.argv[sys.argv.index("--at") + 1]))
    loop = Loop()
    edges = LivedEdges(folder)
    household = build(folder, edges, [sys.argv[sys.argv.index("--list") + 1]] if "--list" in sys.argv else [])
    control = edges.control = ControlServer(loop, household, str(folder / "run" / "control.sock"))
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    listener.setblocking(False)
    environment = {name: os.environ[name] for name in os.environ if name.startswith("PRIVACY_AGENT_WEB")}
    user = pwd.getpwuid(ROOT.stat().st_uid).pw_name
    owner = Identity(settings_table.read("", {"web_user": user}), "web_user")
    command = python_command(str(ROOT), "agent.jobs.web.__main__")
    job = WebJob(loop, [listener], command, {"PATH": "/usr/bin:/bin"} | environment, owner, ("", ""), control.adopt)
    if "--moved" in sys.argv:
        moved(household, edges, folder)
    elif "--empty" not in sys.argv:
        furnish(household)
        if "--unreported" not in sys.argv:
            reported(household)
    if "--visits" in sys.argv:
        many(household, int(sys.argv[sys.argv.index("--visits") + 1]))
    signal.signal(signal.SIGTERM, lambda *_: loop.stop())
    code = ask(household, "setup.code")["code"]
    print("ready", code, flush=True)
    loop.every(1.0, household.recorder.flush)
    loop.every(0.3, household.look_for_arrivals)
    loop.run()
    job.stop()
    control.close()
    return 0


def begin_at(seconds: float) -> None:
    """From here on this process takes it for that time; the web job does not, whose sessions are the browser's."""
    real = time.time
    shift = seconds - real()
    time.time = lambda: real() + shift


class LivedEdges(Edges):
    """The neighbours by a file of leases, and the control socket."""

    def __init__(self, folder: Path) -> None:
        self.control: ControlServer | None = None
        self.neighbours = leases(folder)
        self.sight: Sight | None = None

    def publish(self, event: dict[str, object]) -> None:
        if self.control:
            self.control.publish(event)

    def covers(self, device: Device) -> bool:
        return self.sight is None or self.sight.covers(device)

    def unseen(self, device: Device) -> dict[str, object]:
        return self.sight.trouble(device) if self.sight else {}

    def address_of(self, mac: bytes) -> str | None:
        return self.neighbours.address_of(mac)

    def interfaces_of(self, mac: bytes) -> frozenset[str]:
        return self.neighbours.behind(mac) or frozenset(["br-lan"])  # whoever has a lease

    def stands_for_many(self, mac: bytes) -> bool:
        return self.neighbours.stands_for_many(mac)

    def neighbours_seen(self) -> list[tuple[bytes, dict[str, object]]]:
        return self.neighbours.seen()


def build(folder: Path, edges: Edges, lists: list[str]) -> Household:
    rules = folder / "rules.bin"
    command = [sys.executable, "-m", "agent", "lists", "compile", "--output", str(rules), *lists]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    overrides = {"identity": "address", "state_dir": str(folder / "state"), "run_dir": str(folder / "run")}
    overrides |= {"history_rows": 200000} | ({"identity": "mark"} if "--moved" in sys.argv else {})
    overrides |= {"ruleset_file": str(rules), "data_dir": str(ROOT / "blocklists")}
    settings = settings_table.read("{}", dict(overrides))
    household = bootstrap.build(settings, edges)
    household.begin()
    household.load_lists()
    return household


def ask(household: Household, op: str, **arguments: object) -> dict:
    """One control operation, driven to its end."""
    result = TABLE[op](household, {"op": op, "actor": "cli"} | arguments)
    if isinstance(result, dict):
        return result
    try:
        while True:
            next(result)
    except StopIteration as end:
        return end.value


def reported(household: Household) -> None:
    """Reports of the weeks before, as they are remembered when reports are off again."""
    week = 7 * DAY_S
    text = summary.render(bytes(16), 2968, summary.Answer("lists", 500, 2))
    ends = (
        ("sent", text, ""),
        ("dropped", text, packed(Sentence("the receiver answers {}", 400))),
        ("dropped", None, outbox.CROWDED),
    )
    with household.state.db.transaction() as sql:
        for ago, (state, plain, message) in zip((4, 3, 2), ends, strict=True):
            made = household.clock.wall() - ago * week
            values = (f"{ago:032x}", summary.period_of(made), made, 500, 1, state, plain, "5e" * 32, 0, message, made)
            columns = "report, period, made, epsilon, notice, state, plain, hash, send_age, message, ended"
            sql.execute(f"INSERT INTO reports({columns}) VALUES (?,?,?,?,?,?,?,?,?,?,?)", values)


def furnish(household: Household) -> None:
    mia = ask(household, "person.add", name="Mia", group="child")["id"]
    ben = ask(household, "person.add", name="Ben", group="teen")["id"]
    anna = ask(household, "person.add", name="Anna", group="adult")["id"]
    tablet = ask(household, "device.add", label="Mia's tablet", address="127.0.0.2", person_id=mia)["id"]
    phone = ask(household, "device.add", label="Ben's phone", address="127.0.0.3", person_id=ben)["id"]
    ask(household, "device.add", label="Ben's console", address="127.0.0.4", person_id=ben)
    laptop = ask(household, "device.add", label="Anna's laptop", address="127.0.0.5", person_id=anna)["id"]
    ask(household, "device.add", label="Television", address="127.0.0.6", shared=True)
    for device, names in ((tablet, (HISTORY, PROTECTION)), (phone, (HISTORY, PROTECTION)), (laptop, (PROTECTION,))):
        for name in names:
            ask(household, "on", device_id=device, feature=name, agree=1)
    ask(household, "on", device_id=laptop, feature=HISTORY, agree=1)
    past(household, tablet, random.Random(6))
    past(household, phone, random.Random(7))


def past(household: Household, device_id: int, dice: random.Random) -> None:
    """A week of visits and refusals, as if the clock had run through them."""
    row = next(one for one in ask(household, "device.list")["items"] if one["id"] == device_id)
    epoch = {name: row["features"][name]["epoch"] for name in (HISTORY, PROTECTION)}
    visits, attempts = [], []
    now = int(time.time())
    for back in range(7):
        start = now - now % DAY_S - back * DAY_S
        for _ in range(dice.randint(14, 40)):
            hour = min(23, max(6, int(dice.gauss(16.5, 3.2))))
            first = start + hour * 3600 + dice.randint(0, 3599)
            last = first + dice.choice((0, 40, 300, 900, 1500))
            if last >= now:
                continue
            site = dice.choice(SITES)
            hosts = sorted({("www." + site).encode(), site.encode(), ("cdn." + site).encode()})[: dice.randint(1, 3)]
            age = household.clock.age() - (now - last)
            visits.append(Visit(None, device_id, epoch[HISTORY], site.encode(), first, last, age,
                                dice.randint(1, 60), hosts, "dns"))  # fmt: skip
        for _ in range(dice.randint(0, 3)):
            target, category, name = dice.choice(REFUSED)
            at = start + dice.randint(8 * 3600, 20 * 3600)
            if at < now:
                rule = Rule(target, "block", "starter", name, "2026-11-20", category)
                age = household.clock.age() - (now - at)
                attempts.append(Attempt(device_id, epoch[PROTECTION], target, "dns", at, age,
                                        dice.randint(1, 4), rule))  # fmt: skip
    visits.sort(key=lambda visit: visit.last)
    visits += [pulled_in(visit, site) for visit in visits[::2] for site in (b"tracker.example", b"content.example")]
    visits += [pulled_in(visit, b"app.example", apart=True) for visit in visits[:40:4]]
    household.records.write(visits, sorted(attempts, key=lambda attempt: attempt.at))


def pulled_in(visit: Visit, site: bytes, apart: bool = False) -> Visit:
    """Background of a visit, or of no visit at the same time."""
    made = Visit(None, visit.device_id, visit.epoch, site, visit.first, visit.first + 2, visit.age, 3,
                 [b"t." + site], "dns")  # fmt: skip
    made.background = True
    made.cause = None if apart else visit
    return made


def many(household: Household, count: int) -> None:
    """As many visits more of the first device, over the last week."""
    dice = random.Random(8)
    row = next(one for one in ask(household, "device.list")["items"] if one["features"][HISTORY]["on"])
    epoch, now, age = row["features"][HISTORY]["epoch"], int(time.time()), household.clock.age()
    lasts = sorted(now - dice.randrange(7 * DAY_S) for _ in range(count))
    for start in range(0, count, 5000):
        visits = []
        for last in lasts[start : start + 5000]:
            site = dice.choice(SITES).encode()
            visits.append(Visit(None, row["id"], epoch, site, last - 60, last, age - now + last, 9, [site], "dns"))
        household.records.write(visits, [])


def leases(folder: Path) -> Neighbours:
    """Two devices on the LAN that are not enrolled, as the router's DHCP server would know them."""
    path = folder / "leases"
    path.write_text(
        "4102444800 3c:22:fb:00:00:0a 192.168.1.77 printer *\n4102444800 da:a1:19:00:00:0b 192.168.1.80 pixel-8 *\n"
    )
    return Neighbours([], str(path))


def moved(household: Household, edges: LivedEdges, folder: Path) -> None:
    """Devices known by their MAC, all on: one took another MAC, one is just here."""
    neighbours = edges.neighbours
    edges.sight = Sight(neighbours, household.clock, lambda _: True)
    path = folder / "leases"
    for at, (label, mac) in enumerate((("Mia's tablet", "3c:22:fb:00:00:01"), ("Ben's phone", "3c:22:fb:00:00:02"))):
        person = ask(household, "person.add", name=label[:3], group="child")["id"]
        device = ask(household, "device.add", label=label, mac=mac, person_id=person)["id"]
        ask(household, "on", device_id=device, feature=PROTECTION, agree=1)
        path.write_text(f"4102444800 {mac} 192.168.1.9{at} {label[:3]}s-device *\n")
        neighbours.name_of(bytes(6))
    path.write_text("4102444800 3c:22:fb:00:00:66 192.168.1.90 Mias-device *\n")


class Served:
    """The household above as a process of its own."""

    def __init__(self, folder: Path, *flags: str, **environment: str) -> None:
        self.port = free_port()
        self.socket = folder / "run" / "control.sock"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.jobs.lived_in", str(folder), str(self.port), *flags],
            cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | environment,
        )  # fmt: skip
        word, self.code = self.process.stdout.readline().split()
        assert word == "ready"

    def ask(self, op: str, **arguments: object) -> dict:
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(self.socket))
            link.sendall(json.dumps({"op": op} | arguments).encode() + b"\n")
            reply = json.loads(link.makefile().readline())
        assert "ok" in reply, reply
        return reply["ok"]

    def sign_in(self, page) -> None:
        """On a page that asks for it: the first time with the setup code, then with the password that was chosen."""
        if self.code:
            page.get_by_label("Setup code").fill(self.code)
            page.get_by_label("New password").fill(PASSWORD)
            self.code = ""
        else:
            page.locator("input[type=password]").fill(PASSWORD)
        page.locator("button[type=submit]").click()
        page.get_by_role("navigation").first.wait_for()

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=10)


if __name__ == "__main__":
    sys.exit(main())
