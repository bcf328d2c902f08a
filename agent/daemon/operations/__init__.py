"""What the operations of agent/control/operations.py do, by area. One table: name → function.

A function takes (household, request) and returns the reply's value, or a generator that does a long piece of work in
small steps and returns the value at its end. BadInput becomes an error reply, StorageError one of code "storage".

An area is loaded when it is first asked for: most of a router's life nobody asks. What ends a feature is loaded from
the start, by the daemon itself: an `off` does not wait for flash.
"""

from agent.control.operations import AREAS

MYPY = False
if MYPY:  # not worth its memory
    from collections.abc import Callable
    from typing import Any


class HandlerTable(dict[str, "Callable[[Any, Any], Any]"]):
    """Name → function, of what was asked for so far; KeyError for a name that no area has."""

    def __missing__(self, name: str) -> "Any":
        for area, names in AREAS.items():
            if name in names.split():
                module = __import__(__name__ + "." + area, fromlist=["TABLE"])
                return self.setdefault(name, module.TABLE[name])
        raise KeyError(name)


TABLE = HandlerTable()
