"""A step about reports to an operator over a bad WAN: delayed, lost and cut off by the kernel itself."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.core.envelope import BODY_BYTES
from tests.authority import authority
from tests.daemon.reporting import Operator
from tests.qemu.story import MAC, Story, expect

RECEIVER, PORT = "203.0.113.1", 8443  # at the provider
DEAD, SLOW = "loss 100%", "delay 400ms loss 3%"
# The daemon looks at most 45 s apart, and a connection is given up after a minute.
LOOKED_S, TRIED_S = 50, 110


def reports(story: Story) -> None:
    """Over a dead WAN a report waits for later; over one that is slow and loses packets it is sent, whole and once."""
    operator = receiver(story)
    story.router.put(json.dumps(operator.row).encode(), "/tmp/operator.json")
    story.cli("statistics", "operator", "/tmp/operator.json", "--yes")
    now = story.asked("statistics", "preview")
    story.cli("statistics", "opt-in", "--agree", str(now["notice"]), "--terms", now["terms"])
    pass_to(story, "next_at")
    awaited(story, lambda row: row["state"] == "sealed", LOOKED_S)
    wan(story, "add", f"netem {DEAD}")
    pass_to(story, "send_at")
    row = awaited(story, lambda row: row["failures"], TRIED_S)
    expect((row["state"], row["failures"]) == ("sealed", 1) and row["message"], f"not kept over a dead WAN: {row}")
    wan(story, "change", f"netem {SLOW}")
    pass_to(story, "send_at")
    row = awaited(story, lambda row: row["state"] != "sealed", TRIED_S)
    expect(row["state"] == "sent", f"not sent over a slow WAN: {row}")
    wan(story, "del")
    came = (story.world.ask("cat /tmp/received; kill $(cat /tmp/receiver)") + "\n").encode()
    expect(len(came) == BODY_BYTES and operator.open(came).id == row["report"], f"another report came: {came!r}")
    story.cli("statistics", "opt-out")
    expect(story.steered() == [MAC], "reports disturbed the kernel")


def receiver(story: Story) -> Operator:
    """An operator whose receiver listens at the provider, with a certificate of a root of its own."""
    with tempfile.TemporaryDirectory() as folder:
        authority(Path(folder), RECEIVER)
        for name in ("server.pem", "server.key"):
            story.world.put((Path(folder) / name).read_bytes(), f"/tmp/{name}")
        root = (Path(folder) / "ca.pem").read_text()
    words = f"{RECEIVER} {PORT} /tmp/server.pem /tmp/server.key /tmp/received"
    story.world.ask(f"rm -f /tmp/received; at isp receive {words} >/tmp/log/receiver 2>&1 & echo $! > /tmp/receiver")
    return Operator(f"https://{RECEIVER}:{PORT}/", root)


def wan(story: Story, change: str, how: str = "") -> None:
    """What becomes of packets that the provider sends to the household."""
    card = story.world.ask(f"at isp ip -o -4 addr show to {RECEIVER}").split()[1]
    story.world.ask(f"at isp tc qdisc {change} dev {card} root {how}")


def pass_to(story: Story, moment: str) -> None:
    """On to when the next report is made ("next_at") or sent ("send_at")."""
    at = story.asked("statistics", "preview")[moment]
    wait_s = max(at - int(story.router.ask("date +%s")), 0) + 1
    story.router.ask(f"/etc/init.d/privacy-agent stop; later {wait_s} && /etc/init.d/privacy-agent start")


def awaited(story: Story, wanted: Callable[[Any], object], within_s: float) -> Any:
    """The report, as soon as it is as wanted; asked for now and then, since to ask takes the router as long."""
    end = story.uptime_s() + within_s
    while True:
        story.router.ask("sleep 15")
        rows = story.asked("statistics", "list")["items"]
        if rows and wanted(rows[-1]):
            return rows[-1]
        expect(story.uptime_s() < end, f"not within {within_s:.0f} s: {rows}")
