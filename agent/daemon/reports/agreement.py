"""Who reports are for, and whether the household agrees to it: the operator's particulars, and the terms of them."""

from collections.abc import Callable

from agent.control.messages import Row
from agent.core import jsontext
from agent.core.consent import ON
from agent.core.settings import Settings
from agent.daemon.store.connection import SqlConnection
from agent.daemon.store.database import keep, unkeep
from agent.daemon.store.state import State

FEATURE = "report"
KEY = ("", FEATURE)  # in the ledger: no device's
COUNTING = "report counting"  # in meta: since when each device counts


class ReportAgreement:
    """What state.db holds of it. `sha256` is `bytes -> bytes`."""

    def __init__(self, settings: Settings, state: State, sha256: Callable[[bytes], bytes]) -> None:
        self._settings = settings
        self._state = state
        self._sha256 = sha256

    @property
    def state(self) -> str:
        return self._state.ledger.register.state(*KEY)

    @property
    def holds(self) -> bool:
        """On, and under the terms of today."""
        return self.state == ON and self._state.meta("report terms", "") == self.terms()

    def operator(self) -> Row | None:
        found = jsontext.loads(self._state.meta("report operator", "null"))
        return found if isinstance(found, dict) else None

    def names(self, operator: Row | None) -> bool:
        """Whether this is the operator already."""
        return jsontext.dumps(operator) == self._state.meta("report operator", "null")

    def put_operator(self, operator: Row | None) -> None:
        self._state.put_meta("report operator", jsontext.dumps(operator))

    def terms(self) -> str | None:
        """The word for what would be agreed to now; None before there is an operator."""
        from agent.core.operator import terms  # what only a household with an operator needs

        operator, number = self.operator(), self._settings.number
        if operator is None:
            return None
        return terms(operator, number("report_epsilon_milli"), number("report_budget_milli"), self._sha256)

    def since_age(self) -> int:
        """The household's age when it opted in; -1 while it has not."""
        return int(self._state.meta("report since", "-1"))

    def note(self, sql: SqlConnection, age: int) -> None:
        """Agreed to the terms of today, within the transaction that writes the ledger's row."""
        keep(sql, {"report terms": str(self.terms()), "report since": str(age)})

    def end(self, sql: SqlConnection) -> None:
        unkeep(sql, ["report terms", "report since", COUNTING])
