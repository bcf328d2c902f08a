"""Answers that need others: an `async def` handler awaits effects, one place performs them.

A handler never touches a socket: it awaits `Ask` (a control operation) or `Work` (something that takes
long, done in a child process) and gets the value, or an exception at the point of the await.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator

MYPY = False
if MYPY:
    from typing import Any


class ControlRefused(Exception):
    """The daemon answered with an error: `code` from the control protocol, a sentence for people."""

    def __init__(self, code: str, message: str, detail: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = detail or {}


class Ask:
    """A control operation: await it for what stands under "ok"; raises ControlRefused."""

    def __init__(self, op: str, arguments: dict[str, Any] | None = None) -> None:
        self.op = op
        self.arguments = arguments or {}

    def __await__(self) -> Generator[Ask, Any, Any]:
        return (yield self)


class Work:
    """A function with JSON-able result, called in a child process; ControlRefused("busy") when there is no room."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.function = function
        self.arguments = arguments

    def __await__(self) -> Generator[Work, Any, Any]:
        return (yield self)


Resume = Callable[..., None]
"""Called once with an effect's result; an exception instance is raised at the await."""


class Task:
    """Runs one coroutine to its end; `done` gets its value or its exception."""

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        perform: Callable[[Any, Resume], None],
        done: Callable[[Any], None],
    ) -> None:
        self._coroutine = coroutine
        self._perform = perform
        self._done = done

    def resume(self, value: Any) -> None:
        """One step: up to the next effect or the end."""
        try:
            if isinstance(value, BaseException):
                effect = self._coroutine.throw(value)
            else:
                effect = self._coroutine.send(value)
        except StopIteration as end:
            self._done(end.value)
        except Exception as error:  # noqa: BLE001 - handed on, the connection answers 500 and says it in the log
            self._done(error)
        else:
            self._perform(effect, self.resume)

    def cancel(self) -> None:
        """The client has gone: the handler ends at its await; a late result is ignored."""
        self._done = ignore
        self._perform = ignore
        self._coroutine.close()


def ignore(*_: Any) -> None:
    """Takes a result nobody waits for."""
