"""The shape that ARCHITECTURE promises, read from the source: who may import whom, and what core leaves out."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.micropython_rules import findings

ROOT = Path(__file__).resolve().parent.parent
STANDARD = json.loads((ROOT / "tests" / "data" / "standard-modules.json").read_text())
CORE_STANDARD = {"struct", "array", "binascii", "json", "_json"}

# Layer → the layers that it may import. agent/__init__.py holds the version only and belongs to nobody.
LAYERS = {
    "core": {"core"},
    "platform": {"core", "platform"},
    "control": {"core", "platform", "control"},
    "client": {"core", "client"},
    "daemon": {"core", "control", "platform", "daemon"},
    "jobs": {"core", "control", "platform", "client", "jobs"},
    "service_start": {"core", "platform"},
    "cli": {"core", "control", "platform", "client", "jobs", "service_start", "cli"},
    "entry": {"service_start", "cli", "entry"},
}
# Inside the daemon, folders and modules from the ground up: each imports from its own line and from those above it.
DAEMON = (
    "log forked faults guard loop clock pace clients locks peers edges",
    "store",
    "subjects proofs people toggles set_right announcements arrivals",
    "kernel sight",
    "connections safe_addresses limits",
    "dns",
    "lists",
    "reports",
    "device_content coverage policies settings_in_force in_hand household erasing happenings",
    "operations",
    "control",
    "jobs hold_page_server runtime",
    "bootstrap daemon main",
)
# Small pieces without state that another layer may use as well.
SHARED = {"agent.daemon.loop", "agent.daemon.faults"}
# The modules that may reach out, and to whom.
OUTGOING = {
    "agent.client": "the control socket",
    "agent.daemon.dns.upstream": "the configured DNS servers",
    "agent.jobs.doctor.dns_probe": "the agent's own DNS and its upstream",
    "agent.jobs.house_call": "an address inside the house",
    "agent.jobs.fetch": "the list's own server",
    "agent.jobs.upload": "the operator that the household agreed to",
}
# Takes over the server's end of a connection that stands (TCP_REPAIR): its `connect` only says who the client is.
TAKING_OVER = {"agent.daemon.connections.server_impersonation"}
# The outside witness reads kernel and DNS with other code than ours; it is a package of its own on the router.
WITNESS = {"agent.jobs.doctor": {"dnslib", "pyroute2"}}
# Where everything is caught, and what becomes of it.
BLIND = {"agent.jobs.web.effects": "handed on: the connection answers 500 and the log says why"}
CONNECTING = {"connect", "connect_ex", "create_connection", "open_connection", "urlopen"}
CONNECTING |= {"HTTPConnection", "HTTPSConnection", "FTP", "SMTP", "getaddrinfo", "gethostbyname"}
# The resident process must not carry these: they cost megabytes (ARCHITECTURE, Processes).
HEAVY = {"asyncio", "ssl", "_ssl", "_hashlib", "logging", "dnslib", "pyroute2", "ctypes", "argparse", "typing", "site"}
# All of the standard library that the daemon has in memory, besides what an interpreter has loaded before its first
# line. Each costs for ever: `socket`, `signal`, `sqlite3` and `json` alone bring enum, re, datetime and selectors.
RESIDENT = set(
    "__future__ _collections _functools _heapq _json _operator _sha256 _socket _sqlite3 _struct array binascii"
    " collections contextlib errno fcntl functools gc heapq itertools keyword math operator pwd reprlib select struct"
    " types".split()
)
PURE_CALLS = {"open", "print", "input", "eval", "exec", "globals", "__import__", "compile"}


class Module:
    """A source file under agent/: its dotted name, its layer and its tree."""

    def __init__(self, path: Path) -> None:
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        self.name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        self.layer = self.layer_of(self.name)
        self.tree = ast.parse(path.read_text(encoding="utf-8"), str(path))

    def __repr__(self) -> str:
        return self.name

    @staticmethod
    def layer_of(name: str) -> str:
        second = name.split(".")[1] if "." in name else ""
        return "entry" if second == "__main__" else second

    def imports(self) -> set[str]:
        """Dotted names of all that is imported, anywhere in the file and for the type checker only too."""
        names = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{self.name}:{node.lineno}: relative import"
                names.update(f"{node.module}.{alias.name}" for alias in node.names)
                names.add(str(node.module))
        return names

    def own_imports(self) -> set[str]:
        """The modules of ours that it names; a folder only where it takes something of the folder's own file."""
        names = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                found = [f"{node.module}.{alias.name}" for alias in node.names]
                names.update(name if name in NAMES else str(node.module) for name in found)
        return names & set(NAMES)

    def standard_imports(self) -> set[str]:
        return {name for name in self.imports() if name.split(".")[0] != "agent"}

    def calls(self) -> list[ast.Call]:
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.Call)]


def called(call: ast.Call) -> tuple[str, str]:
    """("socket", "connect") for socket.connect(…) and self.socket.connect(…), ("", "open") for open(…)."""
    if isinstance(call.func, ast.Attribute):
        owner = call.func.value
        return getattr(owner, "id", getattr(owner, "attr", "…")), call.func.attr
    return "", getattr(call.func, "id", "")


MODULES = [Module(path) for path in sorted((ROOT / "agent").rglob("*.py"))]
NAMES = {module.name: module for module in MODULES}
CORE = [module for module in MODULES if module.layer == "core"]
EDGES = [module for module in MODULES if module.layer in ("daemon", "jobs", "client")]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_point_down(module: Module) -> None:
    if not module.layer:
        return
    for name in module.imports():
        if name.startswith("agent."):
            layer = Module.layer_of(name)
            free = name == "agent.__version__" or any(name.startswith(shared) for shared in SHARED)
            assert free or layer in LAYERS[module.layer], f"{module.name} imports {name}"


def line_of(name: str) -> int:
    part = name.split(".")[2]
    found = [number for number, line in enumerate(DAEMON) if part in line.split()]
    assert found, f"{name} has no place in DAEMON yet"
    return found[0]


@pytest.mark.parametrize("module", [one for one in MODULES if one.name.startswith("agent.daemon.")], ids=str)
def test_nothing_runs_back_up_inside_the_daemon(module: Module) -> None:
    for name in module.own_imports():
        if name.startswith("agent.daemon."):
            assert line_of(name) <= line_of(module.name), f"{module.name} imports {name}"


def test_no_imports_go_in_a_circle() -> None:
    left = {module.name: module.own_imports() for module in MODULES}
    while ends := [name for name, names in left.items() if not names & left.keys()]:
        for name in ends:
            del left[name]
    assert not left, "each of these imports another of them"


@pytest.mark.parametrize("module", CORE, ids=str)
def test_core_is_pure(module: Module) -> None:
    assert {name.split(".")[0] for name in module.standard_imports()} <= CORE_STANDARD
    for call in module.calls():
        owner, name = called(call)
        assert owner or name not in PURE_CALLS, f"{module.name}:{call.lineno} calls {name}"
    for node in ast.walk(module.tree):
        assert not isinstance(node, ast.Global), f"{module.name}:{node.lineno}: a global"


@pytest.mark.parametrize("module", CORE, ids=str)
def test_core_reads_on_micropython(module: Module) -> None:
    assert list(findings(module.tree)) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f(a, /): pass",
        "x = [*a, b]",
        "x = (*a, b)",
        "x = {**d}",
        "x = a[::2]",
        "x = a.removeprefix('b')",
        "x = n.bit_length()",
        "x = struct.Struct('>H')",
        "try: f()\nexcept struct.error: pass",
        "try: f()\nexcept FileNotFoundError: pass",
        "x = struct.pack('=H', 1)",
        "x = b.decode('utf-8', 'replace')",
        "x = b.decode(errors='ignore')",
        "x = s.split(maxsplit=1)",
        "class T(tuple):\n def __new__(cls): pass",
        "class T(metaclass=M): pass",
        "match x:\n case 1: pass",
        "async def f(): pass",
    ],
)
def test_each_rule_finds_what_it_is_for(source: str) -> None:
    assert list(findings(ast.parse(source)))


def test_what_core_may_write_is_not_found() -> None:
    source = "f(*a, **k)\na, *b = c\nx = a[1:2]\nx = b.decode('ascii')\nx = struct.pack('>H', 1)\nif (y := f()): pass"
    assert list(findings(ast.parse(source))) == []


@pytest.mark.parametrize("module", EDGES, ids=str)
def test_standard_modules_are_those_that_micropython_lib_offers(module: Module) -> None:
    witness = {library for package in WITNESS if module.name.startswith(package) for library in WITNESS[package]}
    for name in module.standard_imports():
        name = name.removeprefix("_") if name == "_sqlite3" else name  # the same in C
        parents = [name.rsplit(".", cut)[0] for cut in range(name.count(".") + 1)]
        known = any(parent in STANDARD or parent in witness for parent in parents)
        assert known, f"{module.name} imports {name}"


@pytest.mark.parametrize("module", [module for module in MODULES if module.name not in BLIND], ids=str)
def test_nothing_is_caught_blindly(module: Module) -> None:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and not hands_on(node):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {getattr(kind, "id", getattr(kind, "attr", None)) for kind in kinds}
            assert not names & {"Exception", "BaseException", None}, f"{module.name}:{node.lineno}"


def hands_on(handler: ast.ExceptHandler) -> bool:
    """Cleans up and raises again, or is the barrier, which counts and in tests raises again: nothing is swallowed."""
    last = handler.body[-1]
    met = [call for call in ast.walk(handler) if isinstance(call, ast.Call) and called(call)[1] in ("met", "_met")]
    return bool(met) or isinstance(last, ast.Raise) and last.exc is None


SQL = re.compile(
    r"\bSELECT .*FROM\b|\bINSERT (OR \w+ )?INTO\b|\bREPLACE INTO\b|\bDELETE FROM\b|\bUPDATE \w+ SET\b|\bWHERE\b"
    r"|\b(ORDER|GROUP) BY\b|\bPRAGMA\b|\b(CREATE|DROP|ALTER) (TABLE|INDEX|TRIGGER)\b|\bBEGIN IMMEDIATE\b|\bVACUUM\b"
)
STATEMENTS = {"execute", "executemany", "executescript"}


def sql_in(module: Module) -> list[str]:
    """Where a module speaks SQL: in a text, by a cursor's methods, or by the library."""
    found = ["imports sqlite3"] if {"sqlite3", "_sqlite3"} & module.imports() else []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value):
            found.append(f"{node.lineno}: {node.value[:40]}")
        if isinstance(node, ast.Attribute) and node.attr in STATEMENTS:
            found.append(f"{node.lineno}: .{node.attr}")
    return found


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_only_the_store_speaks_sql(module: Module) -> None:
    if not module.name.startswith("agent.daemon.store"):
        assert sql_in(module) == []


def test_sql_is_found() -> None:
    most = sorted(MODULES, key=lambda module: len(sql_in(module)))[-2:]
    assert {module.name for module in most} == {"agent.daemon.store.history_db", "agent.daemon.store.state"}


def test_permits_are_made_in_one_place() -> None:
    makers = [module.name for module in MODULES for call in module.calls() if called(call)[1] == "Permit"]
    assert makers == ["agent.core.consent"]


def reached(name: str) -> set[str]:
    """The modules of ours that a process has in memory, or may come to have, when it starts with this one."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in NAMES and current not in seen:
            seen.add(current)
            waiting.extend(NAMES[current].imports())
            if current == "agent.daemon.operations":  # what is asked for is loaded by its name
                waiting.extend(name for name in NAMES if name.startswith(current + "."))
    return seen


def connecting(module: Module) -> bool:
    if module.name in TAKING_OVER:
        return False
    reaching = [owner for owner, name in map(called, module.calls()) if name in CONNECTING]
    return any(owner not in ("", "sqlite3", "policy") for owner in reaching)


def test_one_module_a_process_may_reach_out() -> None:
    assert {module.name for module in MODULES if connecting(module)} <= set(OUTGOING)
    for process in [name for name in NAMES if name == "agent.daemon.main" or name.count(".") == 2 and ".jobs." in name]:
        outward = {name for name in reached(process) if connecting(NAMES[name])} - {"agent.client"}
        assert len(outward) <= 1, f"{process} reaches out by {sorted(outward)}"


def loaded_with(name: str) -> set[str]:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {name}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("resident", ["agent.daemon.main", "agent.daemon.daemon"])
def test_the_resident_processes_are_light(resident: str) -> None:
    loaded = loaded_with(resident)
    assert not HEAVY & loaded
    newer = {"_sha2", "_sre"}  # how later versions of Python name or load some of them
    ours = {name for name in loaded if name.split(".")[0] != "agent"} - loaded_with("os") - newer
    assert {name.split(".")[0] for name in ours} <= RESIDENT, "an import that stays for as long as the router runs"


def test_the_web_job_is_light() -> None:
    assert HEAVY & loaded_with("agent.jobs.web.__main__") <= {"ctypes"}, "libsodium's way in"


def test_what_only_the_python_half_of_a_module_has_is_not_used_by_the_daemon() -> None:
    """The types are those of `socket`, what is there is `_socket` (agent/platform/cmodules.py)."""
    for module in MODULES:
        if module.layer == "daemon" and "agent.platform.cmodules.socket" in module.imports():
            missing = {"accept", "makefile", "dup", "sendfile", "get_inheritable", "set_inheritable"}
            used = [(owner, name) for owner, name in map(called, module.calls()) if owner and name in missing]
            assert [(owner, name) for owner, name in used if owner not in ("nfqueue", "os")] == [], module.name


def test_a_start_of_the_service_imports_no_command() -> None:
    loaded = loaded_with("agent.entry")
    assert not HEAVY & loaded
    assert [name for name in loaded if name.startswith("agent.cli")] == []


def test_no_registry_is_named() -> None:
    hosts = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "yarn" + "pkg.com"]
    hosts += ["proxy." + "golang.org", "crates" + ".io", "ruby" + "gems.org", "docker" + ".io", "un" + "pkg.com"]
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    for path in [ROOT / name.decode() for name in listed.split(b"\0") if name]:
        text = path.read_bytes() if path.is_file() else b""
        assert [host for host in hosts if host.encode() in text] == [], path


# A file's name that several layers give to the same thing: what the command line says, an operation does, a page shows.
SAME_THING = set(
    "arguments backup connection control errors export features lists main me people report reports rule_text rules"
    " sessions settings switches week week_file history_copy".split()
)


def test_no_name_has_a_second_meaning() -> None:
    classes: dict[str, str] = {}
    files: dict[str, str] = {}
    for path in sorted((ROOT / "agent").rglob("*.py")):
        module = Module(path)
        if path.stem not in SAME_THING and not path.stem.startswith("__"):
            assert files.setdefault(path.stem, module.name) == module.name, f"{module.name}: as {files[path.stem]}"
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                assert classes.setdefault(node.name, module.name) == module.name, f"{node.name}: also in {module.name}"
