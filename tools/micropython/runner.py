"""The test functions of one file, run on MicroPython one by one; tools/upytest reads what this prints."""

import sys

MYPY = False
if MYPY:
    from typing import Any


class Tests:
    """The functions of a file whose names begin with test_, sorted: MicroPython's dicts keep no order."""

    def __init__(self, path: str) -> None:
        space: dict[str, Any] = {"__name__": "test", "__file__": path}
        with open(path) as file:
            exec(compile(file.read(), path, "exec"), space)
        names = [name for name in sorted(space) if name.startswith("test_")]
        self.functions = [(name, space[name]) for name in names]
        self.count = len(names)

    def run(self, index: int) -> None:
        """Prints `ok NAME`, or the traceback and `FAILED NAME`."""
        name, function = self.functions[index]
        try:
            function()
        except BaseException as error:  # noqa: BLE001 - reported, whatever it is
            sys.print_exception(error)  # type: ignore[attr-defined]  # MicroPython's
            print("FAILED", name)
        else:
            print("ok", name)


def run_file(path: str) -> None:
    """For an interpreter that collects its garbage while it runs."""
    tests = Tests(path)
    for index in range(tests.count):
        tests.run(index)
