"""Counts outcomes by class of test, and with --require fails where one of these did not run, or anything was skipped
without an excuse.

A class is a folder of tests/, or a file beside them: core, properties, daemon, promises, lab, qemu, boundaries …
"""

import os
from collections import Counter
from pathlib import Path, PurePosixPath
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings

FOLDER = Path(__file__).resolve().parent

# How long an example takes is a matter of what else the machine does.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# For interpreters under emulation, where an example takes twenty times as long (tools/processors).
settings.register_profile("emulated", settings.get_profile("patient"), max_examples=10)

# The barrier of agent/daemon/faults.py raises again what it met, in every process that a test starts.
os.environ.setdefault("PRIVACY_AGENT_STRICT", "1")
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "patient"))

# These take half of the time of all. `tools/test` leaves them to `tools/test --full`, which begins with them, so that
# no worker has one left at the end.
LONG = (
    *("fuzz", "openwrt/test_clock", "openwrt/test_crash_loop", "openwrt/test_depends", "openwrt/test_fileset"),
    *("openwrt/test_reload", "properties/test_lists", "properties/test_openings", "world/test_a_year_of_times"),
    *("world/test_lists_by_category", "world/test_lists_line", "world/test_lists_memory", "world/test_lists_own"),
    *("world/test_lists_reboot", "world/test_lists_told", "promises/test_crash_points", "promises/test_p1_every_call"),
    *("promises/test_p1_process", "promises/test_p3_slow_disk", "promises/test_p4_budget", "promises/test_p4_linkage"),
    *("promises/test_places_and_bodies", "jobs/test_pictures", "jobs/test_web_api", "jobs/test_web_background"),
    *("jobs/test_web_long", "jobs/test_web_unseen"),
)

MANY = 30  # tests of a file

# What a machine has not: data that is not part of the project, a kernel's ability, leave to make namespaces. And tests
# that another test runs once more, in a namespace.
EXCUSED = ("not here: ", "runs inside ")


@pytest.fixture(scope="module")
def chromium():
    """The browser, for the pages of a module."""
    from tests.jobs import browser

    with browser.chromium() as running:
        yield running


class Classes:
    """Outcomes by class, and the skips that nothing excuses. A failure is told at once, as a run may be ended early."""

    def __init__(self, required: list[str], config: pytest.Config) -> None:
        self.required = required
        self.config = config
        self.outcomes: dict[str, Counter[str]] = {}
        self.skips: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.note(report.nodeid, report.outcome, report)
        if report.failed and self.required:
            terminal = self.config.pluginmanager.getplugin("terminalreporter")
            crash = getattr(report.longrepr, "reprcrash", None)
            reason = crash.message if crash else report.longreprtext
            terminal.write_line(f"\nFAILED {report.nodeid} ({report.when}): {reason[:500]}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.outcome != "passed":
            self.note(report.nodeid, report.outcome, report)

    def note(self, node: str, outcome: str, report: pytest.TestReport | pytest.CollectReport) -> None:
        name = class_of(node)
        self.outcomes.setdefault(name, Counter())[outcome] += 1
        if outcome == "skipped" and not hasattr(report, "wasxfail"):
            reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
            if self.required and not any(excuse in reason for excuse in EXCUSED):
                self.skips.append(f"{node}: {reason}")

    def failures(self) -> list[str]:
        absent = [name for name in self.required if not self.outcomes.get(name, Counter())["passed"]]
        return [f"no test of class {name!r} ran" for name in absent] + [f"skipped: {skip}" for skip in self.skips]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.failures() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self.required:
            return
        terminalreporter.section("classes of tests")
        for name, counted in sorted(self.outcomes.items()):
            outcomes = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counted.items()))
            terminalreporter.line(f"{name:12} {outcomes}")
        for failure in self.failures():
            terminalreporter.line("REQUIRED: " + failure, red=True)


def class_of(node: str) -> str:
    """ "tests/lab/test_switch.py::test_y" → lab; "tests/test_cli.py::test_y" → cli."""
    parts = PurePosixPath(node.split("::")[0]).parts[1:]
    if len(parts) > 1:
        return parts[0]
    return parts[0].removeprefix("test_").removesuffix(".py") if parts else "tests"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--require", default="", help="classes that must run, core,lab,…; then nothing is skipped")
    parser.addoption("--short", action="store_true", help="without the long tests")


def is_long(item: pytest.Item) -> bool:
    """Whether the file, or the folder that it lies in, is one of `LONG`."""
    file = item.path.relative_to(FOLDER).with_suffix("")
    return str(file) in LONG or file.parts[0] in LONG


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    long = [item for item in items if is_long(item)]
    others = [item for item in items if not is_long(item)]
    if config.getoption("--short"):
        config.hook.pytest_deselected(items=long)
        items[:] = others
    else:
        items[:] = long + others
    if hasattr(config, "workerinput"):
        # Those of a kind lie together, and several browsers at once are too much for two cores: mixed, and the files
        # with most tests before the others, so that no worker has one of these left at the end.
        tests = Counter(item.path for item in items)
        items.sort(key=lambda item: (not is_long(item), tests[item.path] < MANY, crc32(item.path.name.encode())))


def pytest_configure(config: pytest.Config) -> None:
    required = [name for name in config.getoption("--require").split(",") if name]
    if not hasattr(config, "workerinput"):  # xdist's workers report to this process
        config.pluginmanager.register(Classes(required, config), "classes of tests")
