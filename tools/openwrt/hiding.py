"""Takes away what an interpreter has built in although OpenWrt has it in a package: Debian's has unicodedata, pyexpat …

The line is put before encodings/__init__.py, which every interpreter loads before anything else, however isolated.
"""

import subprocess

PRELUDE = """\
def _as_on_openwrt(hidden, log):
    import sys, _frozen_importlib, posix
    builtin = _frozen_importlib.BuiltinImporter
    known = builtin.find_spec
    builtin.find_spec = staticmethod(lambda name, *rest: None if name in hidden else known(name, *rest))
    sys.builtin_module_names = tuple(name for name in sys.builtin_module_names if name not in hidden)
    class Seen:
        @staticmethod
        def find_spec(name, path=None, target=None):
            try:
                out = posix.open(log, posix.O_WRONLY | posix.O_APPEND)
            except OSError:
                return
            posix.write(out, name.encode() + b"\\n")
            posix.close(out)
    if log:
        sys.meta_path.insert(0, Seen)
_as_on_openwrt({hidden!r}, {log!r})
"""


def built_in(interpreter: str) -> list[str]:
    """Modules that are part of the interpreter itself."""
    code = "import sys; print(*sys.builtin_module_names)"
    return subprocess.run(
        [interpreter, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()


def hide(encodings: bytes, modules: list[str], log: str = "") -> bytes:
    """The source of encodings/__init__.py for an interpreter that is to have these built-in modules no more.

    With `log`, the name of each module that is looked for is appended to that file, where there is one.
    """
    return PRELUDE.format(hidden=sorted(modules), log=log).encode() + encodings
