"""The same counts on a router's processor, by qemu-user, as root: `emulated.py mipsel armhf`, in this folder.

The emulator writes down each block of instructions that it runs, and once how many a block has; getsid(2) of the
subject parts the log. What they cost a real processor is not known here: seconds are of one that needs CYCLES for each.
Devices are known by address, because qemu-user does not hand on what a mark comes in.

    start      of the daemon's process: interpreter, imports, household
    compile    of one name of a hosts file, by the job of a list update
    the rest   see run.py
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.instructions import run  # noqa: E402
from tools import pythons  # noqa: E402

FOLDER = ROOT / "build" / "pythons"
MHZ, CYCLES = 580, 2.0  # MT7628; a MIPS 24KEc runs one an instruction at best, and waits for memory
NAMES = 2000
run.EACH = run.WARM = 20  # the emulator is slow
COMPILE = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from agent.jobs.compile import compile_lists
from agent.jobs.list_reader import Source
for hosts in sys.argv[1:3]:
    os.getsid(0)
    compile_lists([Source(hosts, "bench", syntax="hosts")], sys.argv[3])
os.getsid(0)
"""


def tally(log: str, sums: str) -> None:
    """Reads the emulator's log and writes the instructions between one getsid and the next, a line each."""
    sizes: dict[bytes, int] = {}
    total = first = size = 0
    block = b""
    with open(log, "rb") as lines, open(sums, "w", buffering=1) as found:
        for line in lines:
            if line.startswith(b"Trace"):
                if size:
                    sizes[block], size = size, 0
                total += sizes.get(line.split(b"/", 2)[1].lstrip(b"0"), 0)
            elif line.startswith(b"IN:"):
                if size:
                    sizes[block] = size
                size, first = 0, 1
            elif line.startswith(b"0x"):
                if first:
                    block, first = line[2 : line.index(b":")].lstrip(b"0"), 0
                size += 1
            elif b"getsid(" in line:
                found.write(f"{total}\n")
                total = 0
        found.write(f"{total}\n")


class Emulated:
    """An interpreter under qemu-user that counts; `sums` is filled while it runs."""

    def __init__(self, name: str, folder: Path) -> None:
        words = pythons.make(name, FOLDER).read_text().splitlines()[-1].split()
        emulator, guest = words[1], words[-2]
        self.sums, log = folder / "sums", folder / "log"
        os.mkfifo(log)
        self.sums.touch()
        self._tally = subprocess.Popen([sys.executable, __file__, "--tally", str(log), str(self.sums)])
        root = FOLDER / name / "root"
        self.command = [emulator, "-L", str(root), "-d", "in_asm,exec,nochain,strace", "-D", str(log), guest]

    def total(self, number: int) -> int:
        """What was counted before the getsid of this number, from 1 on."""
        while len(found := self.sums.read_text().split("\n")) <= number:
            if self._tally.poll() is not None:
                raise LookupError("the emulator ended")
            time.sleep(0.05)
        return int(found[number - 1])

    def end(self) -> None:
        self._tally.wait(600)


class EmulatedCount(run.Counted):
    def __init__(self, name: str, folder: Path) -> None:
        self.emulated = Emulated(name, folder)
        super().__init__(folder, **run.VARIANTS["by address"])  # type: ignore[arg-type]

    def counter(self) -> list[str]:
        return self.emulated.command

    def parts(self) -> list[tuple[str, int]]:
        self.dumps += 1
        return [("getsid", self.emulated.total(self.dumps))]


def compiling(name: str, folder: Path) -> int:
    """Of one name: of two lists, what the larger one costs more."""
    emulated = Emulated(name, folder)
    for file, names in ("few", NAMES), ("more", 2 * NAMES):
        (folder / file).write_text("".join(f"0.0.0.0 listed{n}.com\n" for n in range(names)))
    words = [*emulated.command, "-S", "-c", COMPILE, *(str(folder / file) for file in ("few", "more", "rules.bin"))]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, env={"PYTHONHASHSEED": "0"})
    emulated.end()
    return (emulated.total(3) - emulated.total(2)) // NAMES


def counted(name: str) -> Iterator[tuple[str, int]]:
    with tempfile.TemporaryDirectory() as folder:
        subject = EmulatedCount(name, Path(folder))
        yield from subject.run().items()
        subject.emulated.end()
        yield "start", subject.emulated.total(1)
    with tempfile.TemporaryDirectory() as folder:
        yield "compile", compiling(name, Path(folder))


def main() -> int:
    if sys.argv[1:2] == ["--tally"]:
        tally(*sys.argv[2:])
        return 0
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="+", choices=[name for name, target in pythons.TARGETS.items() if target.qemu])
    options.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if not given.inside:
        run.prepare()
        for name in given.names:
            pythons.make(name, FOLDER)
        words = [sys.executable, *sys.argv, "--inside"]
        return subprocess.call(["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *words])
    for name in given.names:
        for what, count in counted(name):
            seconds = count * CYCLES / MHZ / 1e6
            print(f"{name:7} {what:9} {count:12,}  {seconds * 1000:9.2f} ms at {MHZ} MHz", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
