"""Settings that change while the daemon runs, whoever changed them: the page, the command line, UCI, or the file."""

from collections.abc import Callable

from agent.control.messages import Row
from agent.core import jsontext
from agent.core.settings import Settings, known
from agent.daemon.store.state import State


class SettingsInForce:
    """`reviewed(actor)` looks at the agreements that go by settings, `arrivals(actor)` at what new devices get."""

    def __init__(
        self, settings: Settings, state: State, reviewed: Callable[[str], None], arrivals: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._state = state
        self._reviewed = reviewed
        self._arrivals = arrivals
        self._reactions: dict[str, list[Callable[[], None]]] = {}

    def also(self, part: str, react: Callable[[], None]) -> None:
        """What is to be done when a setting of that part changes, after what is done already."""
        self._reactions.setdefault(part, []).append(react)

    def change(self, key: str, value: object, actor: str) -> None:
        """From the household, and before the settings file from here on; in force when it returns."""
        self._state.put_meta("setting " + key, jsontext.dumps(value))
        self.put({key: value}, actor)

    def put(self, changed: Row, actor: str) -> None:
        """Settings that changed: each one's part reacts, then agreements are looked at."""
        self._settings.values.update(changed)
        for part in sorted({known(key).reacts for key in changed}):
            for react in self._reactions.get(part, []):
                react()
        self._reviewed(actor)
        self._arrivals(actor)
