"""Measures compiling (plain and packed texts) and looking up: `python tests/bench/compile.py [NAMES…]` (millions; 1 3).

Each step runs in a process of its own, so that its memory is its own; the names are made up with a fixed seed.
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

SYLLABLES = [a + b for a in "bcdfghjklmnprstvwz" for b in "aeiou"]
ENDINGS = ["com"] * 6 + ["net", "org", "info", "xyz", "ru", "de", "co.uk", "top", "online", "com.br"]
SUBDOMAINS = ["www", "login", "secure", "m", "cdn", "mail", "api", "app"]


def name(random_: random.Random) -> str:
    labels = ["".join(random_.choices(SYLLABLES, k=random_.randint(3, 7))) + "." + random_.choice(ENDINGS)]
    if random_.random() < 0.4:
        labels.insert(0, random_.choice(SUBDOMAINS) + str(random_.randint(0, 99)))
    return ".".join(labels)


def make_list(path: str, count: int) -> None:
    random_ = random.Random(20261123)
    names: set[str] = set()
    while len(names) < count:
        names.add(name(random_))
    lines = sorted(names)
    random_.shuffle(lines)
    with open(path, "w") as file:
        file.writelines("0.0.0.0 " + line + "\n" for line in lines)


def memory_kb(field: str) -> int:
    """From the kernel's own account: ru_maxrss also counts the parent's memory before exec."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field))


def compile_step(path: str, target: str) -> dict[str, float]:
    from agent.jobs.compile import Source, compile_lists

    report = compile_lists([Source(path, "bench", syntax="hosts")], target)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "rules": report.count,
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "peak_rss_mb": round(memory_kb("VmHWM") / 1024, 1),
        "file_mb": round(os.path.getsize(target) / 1e6, 2),
    }


def look_up_step(path: str, target: str) -> dict[str, float]:
    from agent.platform.rulefile import open_ruleset

    with open(path) as file:
        listed = [line.split()[1].encode() for line in (next(file) for _ in range(20_000))]
    unlisted = [b"a%d.unlisted%d.example" % (at, at) for at in range(20_000)]
    deep = [b"x." + name for name in listed]
    before = memory_kb("VmRSS")
    start = time.perf_counter()
    rules = open_ruleset(str(target))
    loaded = time.perf_counter() - start
    figures = {"load_ms": round(loaded * 1e3, 2)}
    for title, names in (("hit_us", listed), ("hit_below_us", deep), ("miss_3_labels_us", unlisted)):
        found = [rules.find(name) for name in names[:100]]
        assert (None in found) == title.startswith("miss")
        start = time.process_time()
        for name in names:
            rules.find(name)
        figures[title] = round((time.process_time() - start) / len(names) * 1e6, 2)
    figures["rss_growth_mb"] = round((memory_kb("VmRSS") - before) / 1024, 2)
    start = time.perf_counter()
    rules.verify()
    figures["verify_ms"] = round((time.perf_counter() - start) * 1e3, 1)
    return figures


def pack_step(path: str, target: str) -> dict[str, float]:
    """As the feeds job keeps a text."""
    from agent.platform.gzip_text import BLOCK, TextWriter

    with open(path, "rb") as file, open(target, "wb") as packed:
        writer = TextWriter(packed)
        while piece := file.read(BLOCK):
            writer.write(piece)
        writer.finish()
    return {"cpu_s": round(time.process_time(), 2), "file_mb": round(os.path.getsize(target) / 1e6, 2)}


STEPS = {"compile": compile_step, "look_up": look_up_step, "pack": pack_step}


def run(step: str, *args: str) -> None:
    command = [sys.executable, "-S", __file__, step, *args]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    print(step, done.stdout.strip(), flush=True)


def main() -> None:
    if sys.argv[1:] and sys.argv[1] in STEPS:
        print(json.dumps(STEPS[sys.argv[1]](sys.argv[2], sys.argv[3])))
        return
    for millions in [float(text) for text in sys.argv[1:]] or [1, 3]:
        with tempfile.TemporaryDirectory() as folder:
            path, target = folder + "/hosts", folder + "/set.rules"
            make_list(path, int(millions * 1e6))
            print(millions, "million hosts lines,", round(os.path.getsize(path) / 1e6, 1), "MB")
            run("compile", path, target)
            run("look_up", path, target)
            run("pack", path, path + ".gz")
            run("compile", path + ".gz", target)


if __name__ == "__main__":
    main()
