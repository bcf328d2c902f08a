"""One run: faults in a row, clients all the while, the oracle's look after each; and what is told of it."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterable
from typing import NamedTuple

from agent.client import ControlError, Unreachable
from tests.campaign.faults import FAULTS, Broken
from tests.campaign.house import House
from tests.campaign.plan import Injection
from tests.campaign.traffic import SERVERS, Client, Toggler
from tests.lab.lab import GUEST_ROUTER4, RESOLVER4

JUDGE_S = 60.0  # how long storage that just came back may keep the audit from being made


class Outcome(NamedTuple):
    """Of one injection: when it began, when all had been checked, and what broke."""

    injection: Injection
    began: float
    ended: float
    wrong: list[str]


class Campaign:
    """Made for one run, and closed after it."""

    def __init__(self, seed: int) -> None:
        self.house = House(copies=seed % 2 == 1)
        self.outcomes: list[Outcome] = []
        self.told = 0
        servers = [SERVERS, SERVERS, SERVERS, (GUEST_ROUTER4, RESOLVER4)]
        self.clients = [
            Client(device, space, where, random.Random(f"{seed} client {device.number}"))
            for device, space, where in zip(self.house.devices, self.house.spaces, servers)
        ]
        self.togglers = [
            Toggler(self.house, device, random.Random(f"{seed} toggler {device.number}"))
            for device in self.house.devices
            if device.id is not None
        ]
        for thread in (*self.clients, *self.togglers):
            thread.start()

    def run(self, script: Iterable[Injection], until: float) -> bool:
        """Up to the first that breaks something, or the time; whether all was well."""
        for injection in script:
            if time.monotonic() > until:
                break
            self.inject(injection)
            if self.outcomes[-1].wrong:
                return False
        return True

    def inject(self, injection: Injection) -> None:
        time.sleep(injection.wait_s)
        wrong: list[str] = []
        began = time.monotonic()
        try:
            FAULTS[injection.kind](self.house, random.Random(injection.seed))
        except Broken as broken:
            wrong.append(str(broken))
        wrong += self.checked()
        self.outcomes.append(Outcome(injection, began, time.monotonic(), wrong))

    def checked(self) -> list[str]:
        wrong = self.judged()
        wrong += self.house.oracle.look()
        said = self.house.said()
        if "Traceback" in said[self.told :]:
            wrong.append("a mistake of ours: " + said[self.told :].partition("Traceback")[2][-1500:])
        self.told = len(said)
        return wrong

    def judged(self) -> list[str]:
        """By the daemon's own words, asked again where it restarts meanwhile."""
        end = time.monotonic() + JUDGE_S
        while True:
            try:
                client = self.house.ready()
                try:
                    return self.house.oracle.judge(client)
                finally:
                    client.close()
            except (Unreachable, ControlError, OSError, AssertionError) as trouble:
                if time.monotonic() > end:
                    return [f"the daemon does not come back: {type(trouble).__name__} {trouble}"]
                time.sleep(0.1)

    def finish(self) -> None:
        """The last records are given time to be written, so that what is missing then was lost."""
        for toggler in self.togglers:
            toggler.over.set()
        for toggler in self.togglers:
            toggler.join(100)
        for client in self.clients:
            client.over.set()
            client.join(5)
        self.outcomes.append(Outcome(Injection("the end", 0.0, 0), time.monotonic(), time.monotonic(), self.checked()))

    def close(self) -> None:
        for thread in (*self.clients, *self.togglers):
            thread.over.set()
        self.house.close()


def story(campaign: Campaign, last: int = 30) -> str:
    """The last of what happened before now, in one order: for who looks for the cause."""
    lines = [(one.began, f"  {one.injection}") for one in campaign.outcomes]
    for device in campaign.house.devices:
        lines += [(when, f"    {device.label}: {what[:150]}") for when, what in device.story]
    lines.sort()
    return "\n".join(f"{when - lines[-1][0]:8.3f}{line}" for when, line in lines[-last:])


def middle_and_longest(gaps: list[float]) -> str:
    return f"{statistics.median(gaps) * 1000:.0f}, {max(gaps) * 1000:.0f} ms"


def report(campaign: Campaign) -> str:
    """A table by kind, and totals."""
    house = campaign.house
    faults = [outcome for outcome in campaign.outcomes if outcome.injection.kind in FAULTS]
    lost = house.oracle.lost()
    # What is lost was answered and not yet written when the next fault came.
    culprits = [next((one for one in faults if one.ended >= when), None) for when, _ in lost]
    lines = [
        "| fault | injected | survived | names lost | gap of devices that are on: median, longest | of neighbours |",
        "|---|---|---|---|---|---|",
    ]
    for kind in FAULTS:
        mine = [outcome for outcome in faults if outcome.injection.kind == kind]
        if not mine:
            continue
        missing = sum(1 for blamed in culprits if blamed is not None and blamed in mine)
        on, beside = (
            middle_and_longest([device.longest_gap(one.began, one.ended) for one in mine for device in devices])
            for devices in (house.devices[:2], house.devices[2:])
        )
        well = sum(1 for one in mine if not one.wrong)
        lines.append(f"| {kind} | {len(mine)} | {well} | {missing} | {on} | {beside} |")
    devices = house.devices
    lines += [
        "",
        f"{len(faults)} injections of {len({one.injection.kind for one in faults})} kinds;"
        f" {sum(device.toggles for device in devices)} toggles,"
        f" {sum(device.deletions for device in devices)} deletions;"
        f" {sum(device.sent for device in devices)} queries,"
        f" {sum(len(device.quiet) for device in devices[:2])} of them of a device that was off;"
        f" {sum(len(device.answered) for device in devices)} answered by the agent while on,"
        f" {sum(len(seen) for seen in house.oracle.seen)} seen in its files, {len(lost)} lost;"
        f" {sum(len(outcome.wrong) for outcome in campaign.outcomes)} promises broken.",
    ]
    return "\n".join(lines)
