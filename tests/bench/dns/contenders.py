"""The programs that the benchmark compares, each on a port of its own and, as far as that goes, on the same core."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path.insert(0, str(ROOT))

from agent.client import ControlClient, Unreachable  # noqa: E402

HOST = "127.0.0.1"
UPSTREAM_PORT = 5399
SERVER_CORE, LOAD_CORE = "0", "1"
START_S = 30.0


class Contender:
    """A running DNS server. `processes` are the ids whose time and memory count."""

    name = ""
    port = 0

    def __init__(self, command: list[str], core: str = SERVER_CORE) -> None:
        # What it complains about is seen.
        pinned = ["taskset", "-c", core, *command]
        self.child = subprocess.Popen(pinned, cwd=ROOT, stdout=subprocess.DEVNULL)
        self.processes = [self.child.pid]

    def cpu_s(self) -> float:
        """Time on a processor, from the scheduler's own count in nanoseconds."""
        return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in self.processes) / 1e9

    def memory_mb(self, pid: int, field: str, file: str = "status") -> float:
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
        raise LookupError(field)

    def stop(self) -> None:
        self.child.terminate()
        try:
            self.child.wait(15)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Upstream(Contender):
    """What all of them forward to; on the other core, so that it costs them nothing."""

    def __init__(self, build: Path) -> None:
        binary = build / "upstream"
        subprocess.run(["gcc", "-O2", "-o", str(binary), str(HERE / "upstream.c")], check=True)
        super().__init__([str(binary), str(UPSTREAM_PORT)], LOAD_CORE)


class Dnsmasq(Contender):
    """Debian's dnsmasq, with or without the list, and a cache larger than it has on a router."""

    CONFIG = """port={port}
listen-address={host}
bind-interfaces
no-resolv
no-hosts
server={host}#{upstream}
cache-size=1000
dns-forward-max=1000
user=root
"""

    def __init__(self, build: Path, name: str, port: int, list_file: Path | None = None) -> None:
        self.name, self.port = name, port
        config = build / f"dnsmasq-{port}.conf"
        text = self.CONFIG.format(port=port, host=HOST, upstream=UPSTREAM_PORT)
        config.write_text(text + (f"conf-file={list_file}\n" if list_file else ""))
        super().__init__(["dnsmasq", "--keep-in-foreground", "--conf-file=" + str(config), "--pid-file="])


class Agent(Contender):
    """The daemon as a household runs it: guard, list, and a device (the load's address) with both features on."""

    name = "privacy-agent"
    port = 5393

    def __init__(self, build: Path, rules: Path) -> None:
        self.folder = build / "agent"
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "run").mkdir(parents=True)
        shutil.copy(rules, self.folder / "run" / "rules.bin")
        settings = {
            "identity": "address",
            "state_dir": self.folder / "state",
            "run_dir": self.folder / "run",
            "suffixes_file": build / "suffixes.bin",
            "dns_listen": f"{HOST}:{self.port}",
            "web_listen": "",
            "upstream": f"{HOST}:{UPSTREAM_PORT}",
        }
        words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        self.started = time.monotonic()
        super().__init__([_python(), "-m", "agent", "run", *words])
        try:
            client = self._connect()
            self.ready_s = time.monotonic() - self.started
            self.processes = [self.child.pid, *_children(self.child.pid)]
            device = client.call("device.add", label="load", address=HOST)
            features = client.call("features")["items"]
            assert isinstance(features, list)
            for feature in features:
                if feature["name"] in ("history", "protection"):  # minutes need hardware addresses
                    agree = feature["version"]
                    client.call("on", device_id=device["id"], feature=feature["name"], agree=agree, actor="cli")
            client.close()
        except BaseException:
            self.child.terminate()  # the next run wants its port
            raise

    @property
    def guard(self) -> int:
        return self.processes[0]

    @property
    def daemon(self) -> int:
        return self.processes[1]

    def _connect(self) -> ControlClient:
        while True:
            try:
                return ControlClient(str(self.folder / "run" / "control.sock"))
            except Unreachable:
                if self.child.poll() is not None or time.monotonic() - self.started > START_S:
                    raise
            time.sleep(0.005)


def _python() -> str:
    """Debian's interpreter, as a router has one, and not a virtual environment's."""
    return os.environ.get("BENCH_PYTHON", "/usr/bin/python3")


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
