"""What the steps of the scenario are told in: a router, the machines around it, the agent's command line.

The router is driven over its serial console only, so that the same steps serve a real OpenWrt image.
"""

import json
import re
import shlex
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from tools.openwrt.machine import Machine, StepFailed

TABLE = "inet privacy_agent"


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
    """One run of the scenario. `parcels` is where the packages lie in the guest."""

    def __init__(self, router: Machine, parcels: str = "/parcels") -> None:
        self.router = router
        self.parcels = parcels

    def ask(self, *questions: str, who: str = "client") -> list[Answer]:
        """Put questions (NAME[@SERVER][/tcp][/aaaa]) from one of the machines around the router."""
        output = self.router.ask(f"at {who} ask {' '.join(questions)}", 120)
        return [Answer(*line.split()) for line in output.splitlines()]

    def cli(self, *words: str) -> str:
        return self.router.ask("privacy-agent " + shlex.join(words), 120)

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

    def processes(self) -> list[str]:
        """The agent's processes, by their command lines."""
        pattern = "agent[.]daemon|agent[.]jobs|bin/privacy-agent"
        return self.router.ask(
            f"ps -o args | grep -E '{pattern}' | grep -v -e grep -e procd-instance; true"
        ).splitlines()

    def guard_and_daemon(self) -> tuple[int, int]:
        """The two residents' process ids, as the router sees them."""
        output = self.router.ask("ps -o pid,ppid,args | grep 'python3.*agent[.]daemon'")
        parent = {int(line.split()[0]): int(line.split()[1]) for line in output.splitlines()}
        (daemon,) = [pid for pid in parent if parent[pid] in parent]
        return parent[daemon], daemon

    def proc_status(self, pid: int) -> dict[str, str]:
        lines = self.router.ask(f"cat /proc/{pid}/status").splitlines()
        return {name: rest.strip() for name, _, rest in (line.partition(":") for line in lines)}

    def until(self, fact: Callable[[], object], sentence: str, timeout_s: float = 20) -> None:
        """Wait for a fact to become true."""
        end = time.monotonic() + timeout_s
        while not fact():
            if time.monotonic() > end:
                raise StepFailed(f"{sentence} (waited {timeout_s:.0f} s)")
            time.sleep(0.3)

    def running(self) -> bool:
        return self.router.run("privacy-agent status --json", 120)[0] == 0

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
