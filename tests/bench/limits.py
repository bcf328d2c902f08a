"""What times and content cost: compiling the lists of categories, deciding with all of them, the page of who is held.

`python -m tests.bench.limits`, with the shared data. CPU time, the best of several rounds; each list is compiled in a
process of its own.
"""

import json
import lzma
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agent.jobs.compile import compile_lists
from agent.jobs.list_reader import Source

ROUNDS, NAMES, PAGES = 15, 5000, 20
ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "parental"
LISTS = {  # category → file
    "adult": "sinfonietta-porn",
    "gambling": "ut1-gambling",
    "dating": "ut1-dating",
    "drugs": "ut1-drogue",
    "weapons": "ut1-dangerous_material",
    "vpn": "ut1-vpn",
    "stalkerware": "ut1-stalkerware",
    "games": "ut1-games",
    "social": "ut1-social_networks",
    "chat": "ut1-chat",
    "video": "ut1-audio-video",
}


def peak_kb() -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def compiled(folder: Path) -> dict[str, float]:
    sources = [Source(str(folder / file), file, category=kind, syntax="domains") for kind, file in LISTS.items()]
    report = compile_lists(sources, str(folder / "set"))
    size = os.path.getsize(folder / "set")
    return {
        "rules": report.count,
        "cpu_s": round(time.process_time(), 2),
        "peak_mb": round(peak_kb() / 1024, 1),
        "mb": round(size / 1e6, 2),
    }


def decided(folder: Path) -> None:
    from agent.core.list_masks import filtering
    from agent.core.policy import Policy, View
    from agent.platform.rulefile import open_ruleset

    found = open_ruleset(str(folder / "set"))
    policy = Policy(found, [])
    views = {
        "protection": View((), protecting=1),
        "and all categories, safe search": View(
            (), "strict", "strict", protecting=1, filtering=filtering(found.lists, list(LISTS), [])
        ),
    }
    names = [b"www%d.unlisted%d.example" % (at, at) for at in range(NAMES)]
    best = dict.fromkeys(views, 1.0)
    for _ in range(ROUNDS):
        for title, view in views.items():
            began = time.process_time()
            for name in names:
                policy.decide(view, name)
            best[title] = min(best[title], (time.process_time() - began) / NAMES)
    for title, spent in best.items():
        print(f"a name that no list has, {title}: {spent * 1e6:.2f} us")
    found.close()


def page() -> None:
    import socket

    from agent.daemon.hold_page_server import HoldPageServer
    from agent.daemon.loop import Loop
    from tests.daemon.test_hold_page_server import CHECK, MIA
    from tests.ports import free_port

    loop, port = Loop(), free_port()
    server = HoldPageServer(loop, port, lambda: True, lambda address: MIA, lambda device, kind: True)
    server.open()
    best, size = 1.0, 0
    for _ in range(ROUNDS):
        spent = 0.0
        server._served = 0
        for _ in range(PAGES - 1):
            with socket.create_connection(("127.0.0.1", port), 5) as sock:
                sock.sendall(CHECK)
                sock.setblocking(False)
                answer = b""
                while not answer:
                    began = time.process_time()
                    loop.after(0, loop.stop)
                    loop.run()
                    spent += time.process_time() - began
                    try:
                        answer = sock.recv(8192)
                    except BlockingIOError:
                        continue
                size = len(answer)
        best = min(best, spent / (PAGES - 1))
    server.close()
    print(f"page of who is held: {size} bytes, {best * 1e3:.3f} ms of CPU")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in LISTS.values():
            (folder / file).write_bytes(lzma.decompress((DATA / f"{file}.txt.xz").read_bytes()))
        command = [sys.executable, "-m", "tests.bench.limits", str(folder)]
        print("compiled:", subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
        decided(folder)
    page()


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(compiled(Path(sys.argv[1]))))
    else:
        main()
