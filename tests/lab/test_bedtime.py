"""Bedtime at the minute, by the daemon as it is installed: a download that runs ends, and nothing begins anew."""

from __future__ import annotations

import socket
import time

from tests.lab.lab import WAN4, Lab
from tests.lab.test_internet_off import Off, off, reached, upstream  # noqa: F401 - fixtures
from tests.lab.web import Site

LATE_S = 1.5


def stream(lab: Lab) -> tuple[socket.socket, socket.socket]:
    """A connection to the internet that stands open: the server's end, the tablet's end."""
    listener = lab.wan.socket(socket.AF_INET, socket.SOCK_STREAM, 5)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", 8081))
    listener.listen(1)
    client = lab.alice.socket(socket.AF_INET, socket.SOCK_STREAM, 5)
    client.connect((WAN4, 8081))
    server, _ = listener.accept()
    listener.close()
    return server, client


def test_at_the_minute(lab: Lab, site: Site, off: Off) -> None:  # noqa: F811
    clock = off.call("limits.get", person_id=off.person)["clock"]
    assert isinstance(clock, dict) and clock["trusted"]
    # The next full minute that is far enough to be set in time.
    begin = (int(time.time()) + 10) // 60 * 60 + 60
    minutes = begin // 60 + int(clock["offset_min"])
    times = [f"{at % 1440 // 60:02}:{at % 60:02}" for at in (minutes, minutes + 120)]
    window = {"kind": "bedtime", "days": "mon,tue,wed,thu,fri,sat,sun", "begin": times[0], "end": times[1]}
    said = off.call("limits.set", person_id=off.person, windows=[window], actor="cli")
    assert said["next"]["at"] == begin and reached(lab)
    server, client = stream(lab)
    server.settimeout(0.05)
    last = 0.0
    while time.time() < begin + 6:
        try:
            client.send(b"x" * 100)
            if server.recv(4096):
                last = time.time()
        except TimeoutError:
            pass
        except OSError:
            break
        time.sleep(0.02)
    assert begin - 5 < last < begin + LATE_S, last - begin
    assert not reached(lab)
    now = off.call("limits.get", person_id=off.person)["now"]
    assert now["text"] == f"Mia's bedtime until {int(times[1][:2])}:{times[1][3:]}"
    off.call("limits.set", person_id=off.person, windows=[], actor="cli")
    assert reached(lab)
    print("silent", round(last - begin, 3), "s after the minute")
    server.close()
    client.close()
