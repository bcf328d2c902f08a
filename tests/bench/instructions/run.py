"""What a query costs in instructions, as root: `python tests/bench/instructions/run.py [--write] [--variant NAME]`.

Times on shared machines differ by a fifth from run to run; instructions hardly do. callgrind counts those of the
daemon's process in user space: CPython, SQLite, the C library. The household is real (databases, rule set, sockets,
loop); its clock stands still, so that no timer falls into a count. The load is outside of what is counted and asks one
query at a time, as a household's devices do, in a network namespace of its own. A figure is all that the turns of the
loop cost, with what comes after the answer, for one query; what is recorded later is counted by itself. The variant
"to the answer" is the first one without what a turn does behind the answer that it sent.

    uncached   a name that nobody asked before: to upstream and back
    shared     a name that upstream answered before, for another question of the same
    cached     the same bytes again
    repeated   the same after 1.1 seconds, with other TTLs
    blocked    a listed name, the first time
    visit      recording one new visit: from what the DNS side noted to a row
    known      a connection's verdict, its name and address judged before
    new        a connection's verdict, its name not judged before

counts.json has the figures of before; one that is more than 3 % larger fails. Another version of CPython, of the C
library or of SQLite counts otherwise, so it is told and not judged. --write notes what was counted.
"""

import argparse
import json
import os
import platform
import shutil
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT))

from agent.core.nft.inspection import MAGIC  # noqa: E402
from agent.core.ruleset import FORMAT  # noqa: E402
from tests.bench.flood import checksum  # noqa: E402
from tests.core.test_tls_hello import extension, message, records, server_name  # noqa: E402
from tests.namespaces import missing  # noqa: E402

COUNTS = HERE / "counts.json"
BUILD = ROOT / "build" / f"bench-instructions-{FORMAT}"
LISTED = 300_000
EACH, WARM = 100, 60
GROWTH_MAX = 1.03
PORT, UPSTREAM_PORT = 5391, 5392
SO_MARK = 36
ELSEWHERE = "203.0.113.53"  # a server that is not the router's own: random letters, and no name may lead inside
ANSWER, SLEEP = "sendmsg", "epoll_wait"  # the calls that end the way to an answer, and a turn
# What a household runs, and what each part of that costs. By mark on a wildcard address; by address on loopback.
VARIANTS = {
    "household": {"identity": "mark", "features": "history,protection", "helplines": True},
    "protection": {"identity": "mark", "features": "protection", "helplines": True},
    "by address": {"identity": "address", "features": "history,protection", "helplines": True},
    "no helplines": {"identity": "address", "features": "protection", "helplines": False},
    "other upstream": {"identity": "mark", "features": "history,protection", "helplines": True, "upstream": ELSEWHERE},
    "to the answer": {"identity": "mark", "features": "history,protection", "helplines": True, "to_answer": True},
}


class Upstream:
    """Answers one query with an address."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, UPSTREAM_PORT))
        self.socket.settimeout(60)

    def answer(self) -> None:
        query, source = self.socket.recvfrom(4096)
        end = query.index(0, 12) + 5
        record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 300, 4) + bytes([203, 0, 113, query[1] or 1])
        self.socket.sendto(query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] + record, source)


class Counted:
    """The subject under callgrind, and the load. `counts` by what is counted, in instructions for one."""

    def __init__(
        self,
        folder: Path,
        identity: str,
        features: str,
        helplines: bool,
        upstream: str = "127.0.0.1",
        to_answer: bool = False,
    ) -> None:
        self.folder = folder
        self.to_answer = to_answer
        self.counts: dict[str, int] = {}
        self.upstream = Upstream(upstream)
        self.dumps = 0
        self.number = 0
        self.connections = 0
        self.known: set[str] = set()  # names that upstream was asked
        self.mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.mine.settimeout(60)
        os.set_inheritable(theirs.fileno(), True)
        settings = folder / "settings.json"
        settings.write_text(
            json.dumps({**self.settings(identity, helplines), "upstream": [f"{upstream}:{UPSTREAM_PORT}"]})
        )
        (folder / "run").mkdir()
        shutil.copy(BUILD / "rules.bin", folder / "run")
        self.process = subprocess.Popen(
            [*self.counter(), "-S", str(HERE / "subject.py"), str(settings), features],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            close_fds=False,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0", "QUEUE_FD": str(theirs.fileno())},
        )
        theirs.close()
        word, mark = self.said()
        assert word == "ready"
        self.mark = int(mark)
        self.device = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if identity == "mark":
            self.device.setsockopt(socket.SOL_SOCKET, SO_MARK, self.mark)
        self.device.connect(("127.0.0.1", PORT))
        self.device.settimeout(60)
        self.by_mark, self.records = identity == "mark", helplines and "history" in features and not to_answer

    def settings(self, identity: str, helplines: bool) -> dict[str, object]:
        data = self.folder / "data"
        shutil.copytree(ROOT / "blocklists", data)
        if not helplines:
            (data / "helplines.txt").unlink()
        return {
            "identity": identity,
            "state_dir": str(self.folder / "state"),
            "run_dir": str(self.folder / "run"),
            "data_dir": str(data),
            "suffixes_file": str(BUILD / "suffixes.bin"),
            "dns_listen": [f"{'0.0.0.0' if identity == 'mark' else '127.0.0.1'}:{PORT}"],
            "web_listen": [],
        }

    def counter(self) -> list[str]:
        """What runs Python and counts."""
        calls = ["getsid", ANSWER, SLEEP] if self.to_answer else ["getsid"]
        command = ["valgrind", "--tool=callgrind", *[f"--dump-before={call}" for call in calls]]
        return [*command, f"--callgrind-out-file={self.folder}/out", "--log-file=/dev/null", sys.executable]

    def said(self) -> list[str]:
        assert self.process.stdout is not None
        return self.process.stdout.readline().split()

    def order(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        assert self.said() == ["done"], "the subject ended"

    # what is counted

    def run(self) -> dict[str, int]:
        warm = [f"www.warm{n:03}.com" for n in range(WARM)]
        names = [f"www.shop{n:03}.com" for n in range(EACH)]
        for _ in range(3):
            self.ask(warm)
        self.order("later 1.1")
        self.ask(warm)
        self.record()
        self.count("uncached", lambda: self.ask(names))
        if self.records:
            self.counts["visit"] = self.record()
        self.count("shared", lambda: self.ask(names))
        self.count("cached", lambda: self.ask(names))
        self.order("later 1.1")
        self.count("repeated", lambda: self.ask(names))
        listed = [f"www.listed{n}.com" for n in range(WARM + EACH)]
        self.ask(listed[:WARM])
        self.count("blocked", lambda: self.ask(listed[WARM:]))
        if self.by_mark and not self.to_answer:
            self.connect(["www.known.com"] * WARM)
            self.count("known", lambda: self.connect(["www.known.com"] * EACH))
            self.connect([f"www.first{n}.com" for n in range(WARM)])
            self.count("new", lambda: self.connect([f"www.other{n}.com" for n in range(EACH)]))
        self.order("end")
        self.process.wait(60)
        return self.counts

    def count(self, what: str, part: Callable[[], None]) -> None:
        """Notes what one of EACH costs."""
        self.record()
        self.order("count")
        part()
        self.order("count")
        self.counts[what] = self.counted() // EACH

    def record(self) -> int:
        """What waits is recorded; what one of EACH cost."""
        self.order("record")
        return self.counted() // EACH

    def counted(self) -> int:
        """Between the two getsid of an order or two."""
        self.parts()
        parts = self.parts()
        if not self.to_answer:
            return sum(size for _, size in parts)
        ends = ["", *[end for end, _ in parts]]
        return sum(size for (_, size), before in zip(parts, ends, strict=False) if before != ANSWER)

    def parts(self) -> list[tuple[str, int]]:
        """What was counted until the next getsid: each part's end, a call, and its instructions."""
        found: list[tuple[str, int]] = []
        while not found or found[-1][0] != "getsid":
            self.dumps += 1
            dump = self.folder / f"out.{self.dumps}"
            end, size = "", 0
            for line in dump.read_text(errors="replace").splitlines():
                if line.startswith("desc: Trigger: --dump-before="):
                    end = line.rpartition("=")[2]
                elif line.startswith("totals:"):
                    size = int(line.split()[1])
            dump.unlink()
            found.append((end, size))
        return found

    def settled(self) -> None:
        """Waits until the subject sleeps: its next turn has one query then, whoever is quicker."""
        while Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
            time.sleep(0.0005)

    def ask(self, names: list[str]) -> None:
        for name in names:
            self.number += 1
            labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
            query = struct.pack(">HBBHHHH", self.number, 1, 0, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"
            self.settled()
            self.device.send(query)
            if name not in self.known and not name.startswith("www.listed"):
                self.upstream.socket.recv(4096, socket.MSG_PEEK)
                self.settled()
                self.upstream.answer()
                self.known.add(name)
            assert self.device.recv(4096)[:2] == query[:2]

    def connect(self, names: list[str]) -> None:
        """Connections, each with one hello."""
        for name in names:
            self.connections += 1
            self.settled()
            self.mine.send(self.packet(name, self.connections))
            assert self.mine.recv(4096)

    def packet(self, name: str, number: int) -> bytes:
        hello = records(message(extension(51, bytes(300)), server_name(name.encode())))
        tcp = struct.pack(">HHIIBBHHH", 1024 + number, 443, number, 1, 5 << 4, 0x18, 65535, 0, 0) + hello
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), number, 0, 64, 6, 0)
        ip += bytes([192, 168, 1, 10, 203, 0, 113, 9])
        ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
        source = self.mark.to_bytes(4, sys.byteorder) + MAGIC
        parts = [(1, struct.pack(">IHB", number, 0x0800, 1)), (9, b"\0\6\0\0" + source + b"\0\0"), (10, ip + tcp)]
        body = struct.pack("<BBH", 0, 0, 0) + b"".join(
            struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4) for kind, data in parts
        )
        return struct.pack("=IHHII", 16 + len(body), 3 << 8, 0, 0, 0) + body


def prepare() -> None:
    if (BUILD / "suffixes.bin").exists():
        return
    BUILD.mkdir(parents=True)
    (BUILD / "hosts").write_text("".join(f"0.0.0.0 listed{n}.com\n" for n in range(LISTED)))
    build = "from agent.jobs.compile import compile_lists; from agent.jobs.list_reader import Source; import sys;"
    build += "compile_lists([Source(sys.argv[1], 'bench', syntax='hosts')], sys.argv[2])"
    subprocess.run([sys.executable, "-c", build, str(BUILD / "hosts"), str(BUILD / "rules.bin")], cwd=ROOT, check=True)
    suffixes = [sys.executable, str(ROOT / "tools" / "build-suffixes"), "--output", str(BUILD / "suffixes.bin")]
    subprocess.run(suffixes, check=True)


def versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "libc": platform.libc_ver()[1],
        "sqlite": sqlite3.sqlite_version,
        "machine": platform.machine(),
    }


def judged(counted: dict[str, dict[str, int]], before: dict[str, dict[str, int]], same: bool) -> list[str]:
    """Prints the figures, each with the one of before; which grew too much."""
    grown = []
    for variant, counts in counted.items():
        for what, count in counts.items():
            old = before.get(variant, {}).get(what)
            print(f"{variant:13} {what:9} {count:8,}" + (f"  {count / old - 1:+6.1%} of {old:,}" if old else ""))
            if old and same and count > old * GROWTH_MAX:
                grown.append(f"{variant}, {what}: {old:,} before, {count:,} now")
    return grown


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--write", action="store_true", help="note the figures in counts.json")
    options.add_argument("--variant", action="append", choices=VARIANTS, help="only this one (may be repeated)")
    options.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if not given.inside:
        if reason := missing("net"):
            print(f"NOT RUN HERE: {reason}")
            return 0
        prepare()
        words = [sys.executable, *sys.argv, "--inside"]
        begin = f'ip link set lo up && ip address add {ELSEWHERE}/32 dev lo && exec "$@"'
        return subprocess.call(["unshare", "--net", "sh", "-c", begin, "sh", *words])
    counted = {}
    for variant in given.variant or VARIANTS:
        with tempfile.TemporaryDirectory() as name:
            counted[variant] = Counted(Path(name), **VARIANTS[variant]).run()  # type: ignore[arg-type]
    noted = json.loads(COUNTS.read_text())
    same = noted["versions"] == versions()
    if not same:
        print(f"not judged: counted with {versions()}, noted with {noted['versions']}")
    grown = judged(counted, noted["counts"], same)
    if given.write:
        noted = {"versions": versions(), "counts": {**noted["counts"], **counted}}
        COUNTS.write_text(json.dumps(noted, indent=1) + "\n")
    elif grown:
        print("more than 3 % more instructions than noted:", *grown, sep="\n  ")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
