"""Runs the suites of `tools/processors`, two at a time; prints results, times and memory, and what failed in full."""

import argparse
import concurrent.futures
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tools import pythons

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "pythons"
REQUIREMENTS = ROOT / "tools" / "requirements-test.txt"
EMULATED = ROOT / "tools" / "requirements-emulated.txt"

# What a processor can change: values and parsers, sealing, stores, compiling, the switch's bytes. Left out: what speaks
# to the kernel (qemu-user does not translate netfilter), and what starts programs or a browser.
CORE = [
    *("tests/core", "tests/platform", "--ignore=tests/platform/test_sealing_peer.py"),
    *("tests/properties/test_switch_encoding.py", "tests/jobs/test_compile.py", "tests/jobs/test_feeds_file.py"),
    *("tests/daemon/test_database.py", "tests/daemon/test_backup.py"),
    *("tests/promises/test_p5_proof.py", "tests/promises/test_p6_erase.py"),
    # Two of these start programs, and give them the time that a real processor needs.
    "--deselect=tests/jobs/test_compile.py::test_a_killed_compile_leaves_the_old_set_whole",
    "--deselect=tests/promises/test_p6_erase.py::test_neither_the_guard_nor_the_daemon_dumps_a_core",
]
# Byte order is s390x's to find: households' whole lives, and the properties with few examples each, run there only.
MORE = [
    *(f"tests/daemon/test_{name}.py" for name in ("loop", "people", "reports", "rules")),
    *(f"tests/promises/test_{name}.py" for name in ("p1_model", "p4_budget", "p7_explained")),
    "tests/properties",
]
# Of the byte order and the word size of the machine that all the rest runs on: only what reaches below Python.
ALIKE = ["tests/platform", "--ignore=tests/platform/test_sealing_peer.py", "tests/properties/test_switch_encoding.py"]
# A browser sees the same page whatever interpreter serves it.
BROWSER = sorted(
    f"jobs/{path.name}" for path in (ROOT / "tests/jobs").glob("test_*.py") if "import browser" in path.read_text()
)
# Namespaces, the virtual machine, and what measures times: tools/test runs them alone. OpenWrt's userland brings its
# own 3.13 to the shared step; fuzzing, pages and packages find nothing in another interpreter that they don't in one.
ALONE = [
    *("openwrt", "luci", "world", "fuzz", "properties", "tools", "control", *BROWSER),
    *("test_packages.py", "test_feed.py", "test_boundaries.py", "test_documents.py"),
    *("lab", "qemu", "bench", "promises/test_p1_kernel.py", "promises/test_p1_to_p8_connections.py"),
    *("promises/test_p2_untouched.py", "promises/test_p3_plain_router.py", "promises/test_p4_nothing_leaves.py"),
    *("promises/test_p4_notices.py", "promises/test_p4_reports.py", "promises/test_p4_week_file.py"),
    "promises/test_p8_kernel.py",
]
SUITES = {
    "3.13": ["-n", "3", "--dist", "loadfile", "tests", *(f"--ignore=tests/{part}" for part in ALONE)],
    "s390x": [*CORE, *MORE],
    "mipsel": CORE,
    "armhf": CORE,
    "arm64": ALIKE,
}
# Of the pinned packages those that are pure Python; hypothesis no longer is, see EMULATED.
PURE = ("dnslib", "iniconfig", "packaging", "pluggy", "Pygments", "pyroute2", "pytest", "sortedcontainers")

SUITE_TIMEOUT_S = 2700.0  # for a suite that hangs; the slowest takes 13 minutes where nothing else runs
STEP_TIMEOUT_S = 300
TELL_EVERY_S = 30

# The daemon's modules, and a wait until what is resident was read. What is mapped is printed by the guest itself,
# because only it knows which of the emulator's memory is its own.
MEMORY = """
import agent.daemon.main, agent.daemon.daemon, os, sys
for line in open("/proc/self/maps"):
    print(line.split()[0])
print("ready", flush=True)
sys.stdin.read()
"""
# Where qemu-user puts the guest's address 0: far from its own memory.
GUEST_BASE = 0x7000_0000_0000 >> 3


class Result(NamedTuple):
    """One run: what it is called, whether all is well, its last line or its log, how long it took."""

    name: str
    passed: bool
    words: str
    seconds: float


def pins(file: Path) -> list[str]:
    """Each pin with its hashes, in one line."""
    lines = file.read_text().replace(" \\\n", " ").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def site(name: str) -> Path:
    """A folder with pytest and its like: for a foreign processor what is pure Python, else all that is pinned."""
    foreign = bool(pythons.TARGETS[name].qemu)
    folder, done = FOLDER / ("site" if foreign else f"site-{name}"), FOLDER / f"stamp-{'site' if foreign else name}"
    wanted = [pin for pin in pins(REQUIREMENTS) if not foreign or pin.partition("==")[0] in PURE]
    text = "\n".join(wanted + (pins(EMULATED) if foreign else [])) + "\n"
    if done.exists() and done.read_text() == text:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    chosen = FOLDER / f"{folder.name}.txt"
    chosen.write_text(text)
    command = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input", "--no-deps"]
    command += ["--no-compile", "--only-binary", ":all:", "--target", str(folder), "--platform", "any"]
    command += ["--implementation", "py" if foreign else "cp", "--python-version", "3.11" if foreign else name]
    if not foreign:
        machine = os.uname().machine
        command += [word for libc in ("2_28", "2_17") for word in ("--platform", f"manylinux_{libc}_{machine}")]
        command += ["--platform", f"manylinux2014_{machine}"]
    command += ["--require-hashes", "-r", str(chosen)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=STEP_TIMEOUT_S)
    done.write_text(text)
    return folder


def environment(name: str) -> dict[str, str]:
    kept = {word: os.environ[word] for word in ("PATH", "HOME", "LANG", "PYTEST_TIMEOUT") if word in os.environ}
    foreign = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "HYPOTHESIS_PROFILE": "emulated"}
    more = foreign if pythons.TARGETS[name].qemu else {}
    return {**kept, **more, "PYTHONPATH": f"{site(name)}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}


def python(name: str, *words: str, timeout_s: float = STEP_TIMEOUT_S) -> str:
    """What the interpreter printed; RuntimeError with it when it failed or took too long."""
    command = [str(pythons.make(name, FOLDER)), *words]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(name),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            printed = process.communicate()[0] + f"\nno end after {timeout_s:.0f} s"
            raise RuntimeError(printed) from None
    if process.returncode:
        raise RuntimeError(printed)
    return printed


def suite(name: str, extra: list[str]) -> str:
    """The last line of pytest."""
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", *SUITES[name], "--short", *extra]
    return python(name, *words, timeout_s=SUITE_TIMEOUT_S).strip().splitlines()[-1]


def exchange(name: str) -> str:
    """Files written here are read there, and the reverse."""
    folder = FOLDER / "exchange" / name
    shutil.rmtree(folder, ignore_errors=True)
    ours, theirs, module = folder / "ours", folder / "theirs", ["-m", "tests.platform.exchange"]
    for action, place in (("write", ours), ("read", theirs)):
        if action == "read":
            python(name, *module, "write", str(theirs))
        command = [sys.executable, *module, action, str(place)]
        subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL, timeout=STEP_TIMEOUT_S)
    python(name, *module, "read", str(ours))
    return "files exchanged both ways"


def memory(name: str) -> str:
    """What the daemon's modules keep resident, without the emulator."""
    base = GUEST_BASE if pythons.TARGETS[name].qemu else 0
    command = [str(pythons.make(name, FOLDER)), "-S", "-c", MEMORY]
    settings = {**environment(name), **({"QEMU_GUEST_BASE": hex(base)} if base else {})}
    with subprocess.Popen(command, cwd=ROOT, env=settings, text=True, stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        spans = []
        for line in process.stdout:
            if line == "ready\n":
                break
            low, _, high = line.strip().partition("-")
            spans.append((base + int(low, 16), base + int(high, 16)))
        kilobytes = resident(process.pid, spans)
        process.communicate("")
    return f"resident with the daemon's modules: {kilobytes / 1024:.1f} MiB"


def resident(pid: int, spans: list[tuple[int, int]]) -> int:
    """Kilobytes in memory of a process's mappings inside these spans of addresses."""
    total = 0
    counted = False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        first, _, rest = line.partition(" ")
        if not first.endswith(":"):
            start, end = (int(word, 16) for word in first.split("-"))
            counted = any(low <= start and end <= high for low, high in spans)
        elif first == "Rss:" and counted:
            total += int(rest.split()[0])
    return total


def run(name: str, extra: list[str]) -> Result:
    began = time.monotonic()
    steps: list[Callable[[], str]] = [lambda: suite(name, extra), lambda: exchange(name), lambda: memory(name)]
    words = []
    try:
        for step in steps:
            words.append(step())
    except (RuntimeError, OSError, subprocess.SubprocessError, pythons.Unavailable) as error:
        return Result(name, False, str(error), time.monotonic() - began)
    return Result(name, True, "; ".join(words), time.monotonic() - began)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/processors", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *SUITES], help="which (default: all)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--pytest", action="append", default=[], help="a further argument for pytest")
    options = parser.parse_args()
    began = time.monotonic()
    names = [name for name in SUITES if name in (options.names or SUITES)]
    for name in names:
        site(name)
    # What is not emulated has two workers of its own, and tests that look at the time.
    emulated = [name for name in names if pythons.TARGETS[name].qemu]
    failed = sum(run_all([name], 1, options.pytest) for name in names if name not in emulated)
    failed += run_all(emulated, options.jobs, options.pytest)
    print(f"all of it: {time.monotonic() - began:.0f} s; {failed} failed")
    return 1 if failed else 0


def run_all(names: list[str], jobs: int, extra: list[str]) -> int:
    """How many failed; each is told when it ends, and that they go on every half a minute."""
    began = time.monotonic()
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(run, name, extra) for name in names}
        while waiting:
            done, waiting = concurrent.futures.wait(waiting, TELL_EVERY_S, concurrent.futures.FIRST_COMPLETED)
            for result in (future.result() for future in done):
                failed += not result.passed
                print(f"{result.name}: {result.words} ({result.seconds:.0f} s)", flush=True)
            if waiting and not done:
                print(f"… {', '.join(names)}: {time.monotonic() - began:.0f} s", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
