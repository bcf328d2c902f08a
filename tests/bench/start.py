"""What a start of the service costs until it answers, and what its processes hold: `python -m tests.bench.start`.

CPU time is the scheduler's own (nanoseconds of /proc/PID/schedstat), of every process that the start made, from its
beginning until `features` is answered. Resident memory is read after five quiet seconds, and again after a storm of
names that nobody asked before, each answered by the upstream server.
"""

import argparse
import json
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests import harness  # noqa: E402
from tests.bench.bytecode import Installed  # noqa: E402
from tests.ports import free_port  # noqa: E402

QUIET_S = 5.0


def cpu_ms(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def memory_kb(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    found = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines[1:])}
    return {name: found[name] for name in ("Rss", "Pss", "Anonymous")}


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Upstream(threading.Thread):
    """Answers each query with an address, until its socket is closed."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def run(self) -> None:
        while True:
            query, source = self.socket.recvfrom(4096)
            if query == b"end":
                return
            end = query.index(0, 12) + 5
            record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 300, 4) + bytes([203, 0, 113, 1])
            self.socket.sendto(query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] + record, source)

    def end(self) -> None:
        self.socket.sendto(b"end", ("127.0.0.1", self.port))
        self.join()
        self.socket.close()


def storm(port: int, names: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect(("127.0.0.1", port))
        for number in range(names):
            label = f"shop{number:05}".encode()
            name = bytes([3]) + b"www" + bytes([len(label)]) + label + b"\3com\0"
            client.send(struct.pack(">HBBHHHH", number & 0xFFFF, 1, 0, 1, 0, 0, 0) + name + b"\0\1\0\1")
            client.recv(4096)


def started(command: list[str], cwd: Path, quiet_s: float, names: int = 0) -> dict[str, float]:
    """One start by `command`, to which the words of a service are added."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        upstream, port = Upstream(), free_port()
        upstream.start()
        values: dict[str, object] = {
            "identity": "address",
            "state_dir": str(folder / "state"),
            "run_dir": str(folder / "run"),
            "dns_listen": [f"127.0.0.1:{port}"],
            "web_listen": [f"127.0.0.1:{free_port()}"],
            "upstream": [f"127.0.0.1:{upstream.port}"],
        }
        file = folder / "settings.json"
        file.write_text(json.dumps(values))
        words = [*command, "--settings", str(file), "run"]
        process = subprocess.Popen(words, cwd=cwd, stderr=subprocess.DEVNULL)
        try:
            harness.connected(folder / "run" / "control.sock").close()
            pids = [process.pid, *children(process.pid)]
            spent = [cpu_ms(pid) for pid in pids]
            time.sleep(quiet_s)
            guard, daemon = (memory_kb(pid) for pid in pids[:2])
            storm(port, names)
            after = memory_kb(pids[1])
        finally:
            process.terminate()
            process.wait(20)
            upstream.end()
    found = {"cpu_ms": sum(spent), "first_process_ms": spent[0]}
    for who, held in (("guard", guard), ("daemon", daemon), ("daemon_after_storm", after)):
        found.update({f"{who}_{name.lower()}_mb": value / 1024 for name, value in held.items()})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--quiet", type=float, default=QUIET_S, help="seconds before memory is read")
    parser.add_argument("--storm", type=int, default=20_000, help="names")
    parser.add_argument("--checkout", action="store_true", help="the sources here, instead of an installed package")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if options.checkout:
            command, cwd = [sys.executable, "-m", "agent"], ROOT
        else:
            installed = Installed(Path(name), True)
            command, cwd = installed.command(), Path(name)
        started(command, cwd, 0)
        runs = [started(command, cwd, options.quiet, options.storm) for _ in range(options.rounds)]
    for what in runs[0]:
        values = sorted(run[what] for run in runs)
        print(f"{what}: median {statistics.median(values):.2f}, {values[0]:.2f} to {values[-1]:.2f}")


if __name__ == "__main__":
    main()
