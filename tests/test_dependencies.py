"""The packages name every Python package that they need: each module imports with only those present.

That all of it also runs with them is tests/openwrt/test_fileset.py's.
"""

import ast
import importlib.util
import os
import subprocess
from pathlib import Path

import pytest

from tools.openwrt import bytecode, hiding, packages, stdlib

PROJECT = Path(__file__).resolve().parents[1]
VERSION = "3.11"

# Run in an interpreter that sees nothing but the folder of allowed modules and the project. C modules that Debian
# builds into the interpreter, but OpenWrt ships in a package that is not named, are made unimportable.
PROBE = """
import sys
folder, project, blocked, *modules = sys.argv[1:]
sys.path[:] = [folder, folder + "/lib-dynload", project]
for name in blocked.split(","):
    sys.modules[name] = None
import importlib
failed = []
for module in modules:
    try:
        importlib.import_module(module)
    except ImportError as error:
        failed.append(f"{module}: {error}")
sys.exit("\\n".join(failed) or 0)
"""


def interpreter() -> str:
    try:
        return bytecode.interpreter(VERSION)
    except bytecode.WrongPython as error:
        pytest.skip(str(error))


def library(python: str, names: list[str], folder: Path) -> None:
    """The standard library as far as these OpenWrt packages have it."""
    code = "import os; print(os.path.dirname(os.__file__))"
    source = Path(subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip())
    for path in stdlib.files(source, names, VERSION):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(source / path, folder / path)


def c_modules_of_others(python: str, names: list[str]) -> list[str]:
    return stdlib.absent_modules(names, hiding.built_in(python), VERSION)


def depends_of(makefile: str) -> list[str]:
    text = (packages.FEED / makefile / "Makefile").read_text().replace("\\\n", " ")
    (line,) = [line for line in text.splitlines() if line.strip().startswith("DEPENDS:=")]
    return packages.depends(line.split(":=", 1)[1])


def modules() -> list[str]:
    """The agent's own, without the doctor's, which is a package of its own and needs all of Python."""
    found = []
    for path in sorted((PROJECT / "agent").rglob("*.py")):
        name = ".".join(path.relative_to(PROJECT).with_suffix("").parts)
        if not name.endswith("__main__"):
            found.append(name.removesuffix(".__init__"))
    return [name for name in found if not name.startswith("agent.jobs.doctor")]


def imports(python: str, names: list[str], folder: Path, wanted: list[str], beside: Path = PROJECT) -> str:
    """What fails to import with these OpenWrt packages; nothing if all is well. `beside` holds the modules."""
    library(python, names, folder)
    blocked = ",".join(c_modules_of_others(python, names))
    command = [python, "-I", "-S", "-c", PROBE, str(folder), str(beside), blocked, *wanted]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stderr if run.returncode else ""


def test_every_module_imports_with_what_the_package_depends_on(tmp_path):
    names = [name for name in depends_of("privacy-agent") if name.startswith("python3-")]
    assert imports(interpreter(), names, tmp_path, modules()) == ""


def late_imports(tree: ast.Module) -> set[str]:
    """Modules outside the project that a source imports anywhere, also inside a function.

    Not those for type checkers only, nor those that another one stands in for (`except ImportError`).
    """
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Try) and any("ImportError" in ast.unparse(h.type) for h in node.handlers if h.type):
            waiting += node.handlers
            continue
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
        waiting += ast.iter_child_nodes(node)
    return {name for name in found if name.split(".")[0] != "agent"}


def sources() -> list[Path]:
    """What the packages install and the router runs: the agent's modules, the scripts beside them, LuCI's plugin."""
    ours = [PROJECT / (name.replace(".", "/") + ".py") for name in modules()]
    ours = [path if path.exists() else path.with_suffix("") / "__init__.py" for path in ours]
    scripts = sorted((packages.FEED / "privacy-agent" / "files").glob("*.py"))
    plugin = packages.FEED / "luci-app-privacy-agent" / "root" / "usr" / "libexec" / "rpcd" / "privacy-agent"
    return [*ours, *sorted((PROJECT / "agent").rglob("__main__.py")), *scripts, plugin]


def test_what_is_imported_late_is_there_too(tmp_path):
    """Inside a function nothing fails before the function runs: each such import, and each script's, by itself."""
    wanted: set[str] = set()
    for path in sources():
        if "doctor" not in path.parts:
            wanted |= late_imports(ast.parse(path.read_text()))
    assert {"ssl", "sqlite3", "ctypes", "zlib"} <= wanted
    names = [name for name in depends_of("privacy-agent") if name.startswith("python3-")]
    assert imports(interpreter(), names, tmp_path, sorted(wanted)) == ""


def test_dnslib_imports_with_what_its_package_depends_on(tmp_path):
    spec = importlib.util.find_spec("dnslib")
    assert spec is not None and spec.origin is not None
    (tmp_path / "beside").mkdir()
    os.symlink(Path(spec.origin).parent, tmp_path / "beside" / "dnslib")
    names = [name for name in depends_of("python-dnslib") if name.startswith("python3-")]
    wanted = ["dnslib", "dnslib.dns", "dnslib.server", "dnslib.digparser"]
    assert imports(interpreter(), names, tmp_path / "library", wanted, tmp_path / "beside") == ""
