"""`python -m agent.jobs.doctor SETTINGS OVERRIDES [--json]`: all checks, printed; the exit code is by the worst.

SETTINGS is the settings file's path or "-", OVERRIDES a JSON object. 0: well, 1: a warning, 7: something does not work.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator

from pyroute2.netlink.exceptions import NetlinkError

from agent.control.messages import Row
from agent.core import settings as table
from agent.core.model import BadInput
from agent.core.settings import Settings
from agent.jobs.doctor import dns_probe, features, kernel, system
from agent.jobs.doctor.finding import EXIT, FAILURE, OK, WARNING, Finding, worst
from agent.jobs.doctor.witness import Witness

USAGE = 2
MARKS = {"ok": "ok      ", "note": "note    ", "warning": "warning ", "failure": "FAILURE "}


def main(words: list[str]) -> int:
    as_json = "--json" in words
    words = [word for word in words if word != "--json"]
    try:
        settings = read(words[0] if words else "-", words[1] if len(words) > 1 else "{}")
    except (OSError, ValueError, BadInput) as error:
        print(f"doctor: {error}", file=sys.stderr)
        return USAGE
    findings = list(examine(settings))
    print(json.dumps(document(findings), indent=2) if as_json else text(findings))
    return EXIT[worst(findings)]


def read(path: str, overrides: str) -> Settings:
    content = ""
    if path != "-":
        with open(path, encoding="utf-8") as file:
            content = file.read()
    return table.read(content, json.loads(overrides))


def examine(settings: Settings) -> Iterator[Finding]:
    control = os.environ.get("PRIVACY_AGENT_SOCKET") or os.path.join(settings.text("run_dir"), "control.sock")
    told = system.DaemonStatus(control)
    yield from system.daemon(told, control)
    if settings.text("identity") == "mark":
        yield from of_kernel(settings, told)
    yield from dns_probe.upstream(settings)
    if told.status is not None:
        yield from dns_probe.agent(settings)
        yield system.lists(told)
    else:
        yield system.port(settings)
    yield system.clock(told)
    yield system.resolver()
    yield from system.storage(settings)


def of_kernel(settings: Settings, told: system.DaemonStatus) -> Iterator[Finding]:
    yield kernel.release()
    if not kernel.privileged():
        sentence = "The kernel's rules can be read by root only."
        yield Finding(WARNING, "kernel", sentence, "Run doctor as root.")
        return
    yield from features.options()
    yield from features.expressions()
    try:
        witness = Witness()
    except (OSError, NetlinkError) as error:
        yield Finding(FAILURE, "kernel", f"The kernel's rules can't be read: {error}.", "Install kmod-nft-core.")
        return
    layout = table.mark_layout(settings)
    yield from kernel.table(witness, told.on, layout, told.unseen(), told.times_only)
    if told.on is not None:
        yield from kernel.holding(witness, told.held)
    yield from kernel.dns_rules(witness)
    yield from kernel.marks(witness, layout)
    yield from kernel.zones(witness, settings.texts("interfaces"))
    from_outside = kernel.from_outside(witness, settings.texts("interfaces"))
    if from_outside is not None:
        yield from_outside
    yield from kernel.links(witness, settings.texts("interfaces"))
    yield kernel.offload(witness)
    bridged = kernel.bridged()
    if bridged is not None:
        yield bridged


def document(findings: list[Finding]) -> Row:
    return {"worst": worst(findings), "findings": [finding.row() for finding in findings]}


def text(findings: list[Finding]) -> str:
    lines = []
    for finding in findings:
        lines.append(MARKS[finding.level] + finding.sentence)
        if finding.advice:
            lines.append(" " * len(MARKS[OK]) + "→ " + finding.advice)
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
