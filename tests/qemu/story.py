"""What the steps of the scenario are told in: a router, the machines around it, the agent's command line.

The router is driven over its serial console only, and by OpenWrt's own commands: the same steps serve a real image.
"""

import contextlib
import json
import re
import shlex
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tools.openwrt.console import Console, StepFailed

TABLE = "inet privacy_agent"
RESIDENT = "agent.daemon"
# The household's tablet, and a name that its rules refuse.
MAC = "02:00:00:00:00:03"
TABLET = "Tablet"
PHISHING = "login.phishing.example"
RESOLVER = "203.0.113.53"  # another provider's, built into devices
SITE = "198.51.100.7"  # what the provider's resolver answers
SERVER = "openssl s_server -accept 443 -nocert -psk 1a2b -tls1_3 -quiet"
CLIENT = "openssl s_client -psk 1a2b -tls1_3"
JUDGED = "Web connections are judged."
PARCELS = "/parcels"
# A client that asks once in a quarter of a second is without an answer for at most this long: the two seconds that a
# hung daemon is given, and the client's own patience of two.
SILENCE_MAX_S = 4.5


class Answer(NamedTuple):
    """A line of the guest's `ask`."""

    name: str
    rcode: str
    addresses: str
    ede: str


class Rows(NamedTuple):
    """A line of the guest's `rows`: what history.db holds."""

    visits: int
    visit_hits: int
    attempts: int
    attempt_hits: int


def expect(fact: object, sentence: str) -> None:
    if not fact:
        raise StepFailed(sentence)


class Story:
    """One run of the scenario: the router, and the machine that holds what is around it (the router itself, or not)."""

    def __init__(self, router: Console, world: Console | None = None) -> None:
        self.router = router
        self.world = world or router

    def ask(self, *questions: str, who: str = "client") -> list[Answer]:
        """Put questions (NAME[@SERVER][/tcp][/aaaa]) from one of the machines around the router."""
        output = self.world.ask(f"at {who} ask {' '.join(questions)}")
        return [Answer(*line.split()) for line in output.splitlines()]

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """A client asks all the while: it never gets a wrong answer, and never waits longer than a hang may last."""
        self.world.ask("rm -f /tmp/asked; at client ask --steadily /tmp/asked >/dev/null 2>&1 & echo $! > /tmp/asker")
        self._answered(0)
        yield
        self._answered(int(self.world.ask("wc -l < /tmp/asked")))
        told = self.world.ask("kill $(cat /tmp/asker); cat /tmp/asked").splitlines()
        wrong = [line for line in told if line.split()[1] != "198.51.100.7"]
        expect(not wrong, f"wrong answers: {wrong}")
        times = [float(line.split()[0]) for line in told]
        silence = max(after - before for before, after in zip(times, times[1:], strict=False))
        expect(silence < SILENCE_MAX_S, f"no answer for {silence:.1f} s")

    @contextlib.contextmanager
    def held(self, server: str) -> Iterator[Callable[[], list[str]]]:
        """A client asks all the while through one socket; gives what reads the addresses that it was answered."""
        self.world.ask(
            f"rm -f /tmp/held; at client ask --steadily /tmp/held {server} >/dev/null 2>&1 & echo $! > /tmp/holder"
        )
        yield lambda: [line.split()[1] for line in self.world.ask("cat /tmp/held 2>/dev/null; true").splitlines()]
        self.world.ask("kill $(cat /tmp/holder)")

    def _answered(self, before: int) -> None:
        """Wait for one more answer than these to the client that asks steadily."""
        more = f"[ $(cat /tmp/asked 2>/dev/null | wc -l) -gt {before} ]"
        self.until(lambda: self.world.run(more)[0] == 0, "the client has no answer")

    def serve(self) -> None:
        """The site is there, by a new server: one that was not told of a refusal waits for the rest."""
        self.world.ask("kill $(cat /tmp/server) 2>/dev/null; true")
        self.world.ask(
            f"at isp ip addr replace {SITE} dev lo; at isp {SERVER} >/tmp/log/site 2>&1 & echo $! > /tmp/server"
        )
        self.until(lambda: "TLSv1.3" in self.shaken("www.plain.example"), "a connection to the site does not pass")

    def shaken(self, name: str, who: str = "client") -> str:
        """What openssl tells of a handshake with the site, which answers to every name."""
        return self.world.run(f"echo | at {who} {CLIENT} -connect {SITE}:443 -servername {name} 2>&1", 60)[1]

    def connections(self) -> str:
        """What `status` says of web connections."""
        return str(self.asked("status")["kernel"]["connections"])

    def browse(self, *words: str) -> Any:
        """A browser's requests from the client, by the web page's API over TLS: the JSON document it ends with."""
        return json.loads(self.world.ask(f"at client browse {shlex.join(words)}"))

    def install(self, name: str, release: str) -> None:
        """One of our packages, in a release of the scenario's."""
        self.router.ask(f"opkg install {PARCELS}/{name}_*-r{release}_all.ipk", 300)

    def remove(self, name: str) -> None:
        self.router.ask(f"opkg remove {name}")

    def cli(self, *words: str) -> str:
        return self.router.ask("privacy-agent " + shlex.join(words))

    def asked(self, *words: str) -> Any:
        """A reading command's JSON document."""
        return json.loads(self.cli(*words, "--json"))

    def rows(self) -> Rows:
        return Rows(*(int(word) for word in self.router.ask("rows").split()))

    def table(self) -> str | None:
        """The agent's table as nft lists it; None when there is none."""
        status, output = self.router.run(f"nft list table {TABLE}")
        if status == 0:
            return output
        expect("No such file or directory" in output, f"nft could not be asked: {output}")
        return None

    def steered(self) -> list[str]:
        """MAC addresses that the kernel steers to the agent: the elements of the table's map."""
        listed = re.search(r"map steered \{(.*?)\n\t\}", self.table() or "", re.DOTALL)
        return re.findall(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}", listed.group(1)) if listed else []

    def processes(self) -> dict[int, str]:
        """The agent's processes: number → command line without the spaces (no `ps` of a router shows all of it)."""
        return {number: line for number, (_, line) in self.family().items()}

    def family(self) -> dict[int, tuple[int, str]]:
        """The agent's processes by number: their parent's number and their command line, as of one look.

        Not the jail around them, which takes a second to go.
        """
        output = self.router.ask(
            "for p in /proc/[0-9]*; do line=; read -r _ _ _ parent _ < $p/stat && { read -r line < $p/cmdline;"
            ' echo "${p#/proc/} $parent $line"; }; done 2>/dev/null'
        )
        ours = re.compile(r"agent\.(daemon|jobs)|bin/privacy-agent")
        found = {}
        for number, parent, *command in (line.split(" ", 2) for line in output.splitlines()):
            line = "".join(command)
            if ours.search(line) and "sbin/ujail" not in line:
                found[int(number)] = int(parent), line
        return found

    def guard_and_daemon(self) -> tuple[int, int]:
        """The two residents' process ids, as the router sees them. The daemon's helpers come and go beside them."""
        family = self.family()
        residents = [number for number, (_, line) in family.items() if RESIDENT in line]
        guards = [number for number in residents if family[number][0] not in residents]
        (daemon,) = [number for number in residents if family[number][0] in guards]
        return family[daemon][0], daemon

    def proc_status(self, pid: int) -> dict[str, str]:
        lines = self.router.ask(f"cat /proc/{pid}/status").splitlines()
        return {name: rest.strip() for name, _, rest in (line.partition(":") for line in lines)}

    def logged(self, pattern: str) -> str:
        """Lines of the router's log."""
        return self.router.run(f"logread | grep -e {shlex.quote(pattern)}")[1]

    def until(self, fact: Callable[[], object], sentence: str, timeout_s: float = 20) -> None:
        """Wait for a fact to become true, by the router's clock: on a busy machine it goes slower than ours."""
        end = self.uptime_s() + timeout_s
        while not fact():
            if self.uptime_s() > end:
                raise StepFailed(f"{sentence} (waited {timeout_s:.0f} s)")
            time.sleep(0.3)

    def uptime_s(self) -> float:
        return float(self.router.ask("read -r up rest < /proc/uptime; echo $up"))

    def running(self) -> bool:
        return self.router.run("privacy-agent status --json")[0] == 0

    def dns_works(self, who: str = "client", tries: int = 3) -> None:
        """The provider's answer comes, over UDP and TCP, IPv4 and IPv6.

        A client asks again, as every resolver does: on a busy machine the emulated router can be slow enough for the
        guard to take a daemon for hung. Where an answer at once is the point, `tries` is 1.
        """
        servers = ("192.168.3.1",) if who == "visitor" else ("192.168.1.1", "fd00:1::1")
        wanted = {
            f"plain.example@{server}{how}": "2001:db8::7" if "aaaa" in how else "198.51.100.7"
            for server in servers
            for how in ("", "/tcp", "/tcp/aaaa")
        }
        for tried in range(1, tries + 1):
            answers = self.ask(*wanted, who=who)
            wrong = [
                (question, answer)
                for question, answer in zip(wanted, answers, strict=True)
                if answer.addresses != wanted[question]
            ]
            expect(not wrong or tried < tries, f"DNS for {who}: {wrong}")
            if not wrong:
                return
