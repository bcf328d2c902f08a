"""What bytecode in place of sources brings on a router: flash, CPU time of a start, memory. The best of several runs.

    python tests/bench/bytecode.py [--rounds 5]

A router writes no bytecode of its own (OpenWrt switches that off), so with sources every start compiles.
"""

import argparse
import gzip
import io
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from agent.client import ControlClient, Unreachable  # noqa: E402
from tests.ports import free_port  # noqa: E402
from tools.openwrt import bytecode, ipk, packages  # noqa: E402

EPOCH = 1_700_000_000
VERSION = "3.11"
READY_S = 60


class Installed:
    """A package's files in a folder, and the sizes."""

    def __init__(self, folder: Path, compiled: bool) -> None:
        (made,) = packages.build(["privacy-agent"], folder, folder / "work", EPOCH, VERSION, compiled)
        self.packed = made.stat().st_size
        self.root = folder / "root"
        with tarfile.open(made) as outer:
            data = outer.extractfile("./data.tar.gz")
            assert data is not None
            with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data.read()))) as inner:
                inner.extractall(self.root)  # our own package
        self.size = ipk.installed_size(self.root)
        self.site = self.root / packages.SITE.format(VERSION)

    def forget(self) -> None:
        """Bytecode that this Python has written: a router's writes none."""
        for cache in [*self.site.rglob("__pycache__")]:
            shutil.rmtree(cache)

    def command(self, *words: str) -> list[str]:
        code = f"import sys; sys.path.append({str(self.site)!r}); from agent.entry import main; sys.exit(main())"
        return [bytecode.interpreter(VERSION), "-B", "-I", "-c", code, *words]


def cpu_of(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def service(installed: Installed) -> tuple[float, int, int]:
    """CPU time until the daemon answers, RSS of guard and of daemon in kB."""
    installed.forget()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        values = {
            "identity": "address",
            "state_dir": folder / "state",
            "run_dir": folder / "run",
            "dns_listen": f"127.0.0.1:{free_port()}",
            "web_listen": f"127.0.0.1:{free_port()}",
            "upstream": f"127.0.0.1:{free_port()}",
            "data_dir": installed.root / "usr" / "share" / "privacy-agent",
        }
        words = [word for key, value in values.items() for word in ("--set", f"{key}={value}")]
        process = subprocess.Popen(
            [bytecode.interpreter(VERSION), "-B", "-m", "agent", "run", *words],
            env={**os.environ, "PYTHONPATH": str(installed.site), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=folder,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(folder / "run" / "control.sock")
            pids = [process.pid, *children(process.pid)]
            return sum(cpu(pid) for pid in pids), *(rss(pid) for pid in pids[:2])
        finally:
            process.terminate()
            process.wait(20)


def wait_for(path: Path) -> None:
    end = time.monotonic() + READY_S
    while time.monotonic() < end:
        try:
            client = ControlClient(str(path))
        except Unreachable:
            time.sleep(0.02)
            continue
        client.call("status")
        client.close()
        return
    raise TimeoutError("the daemon does not answer")


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        kinds = {"bytecode": Installed(Path(name) / "a", True), "sources": Installed(Path(name) / "b", False)}
        commands: dict[str, list[float]] = {kind: [] for kind in kinds}
        starts: dict[str, list[tuple[float, int, int]]] = {kind: [] for kind in kinds}
        for _ in range(rounds):
            for kind, installed in kinds.items():
                commands[kind].append(cpu_of(installed.command("--help")))
                starts[kind].append(service(installed))
        for kind, installed in kinds.items():
            start, guard, daemon = (min(values) for values in zip(*starts[kind], strict=True))
            print(
                f"{kind}: {installed.packed / 1000:.0f} kB packed, {installed.size / 1000:.0f} kB installed; "
                f"a command {min(commands[kind]):.2f} s, a start of the service {start:.2f} s of CPU time; "
                f"guard {guard / 1000:.1f} MB, daemon {daemon / 1000:.1f} MB"
            )


if __name__ == "__main__":
    main()
