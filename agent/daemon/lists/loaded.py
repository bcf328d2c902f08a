"""The compiled rule set in use, and the tables that are read with it."""

from collections.abc import Callable

from agent.core.lookalike import Lookalike
from agent.core.names import PublicSuffixes
from agent.core.ruleset import Ruleset


class LoadedLists:
    """The compiled rule set in use: its file, what stands in it, and the names that are never blocked."""

    def __init__(self, helplines: frozenset[bytes] = frozenset()) -> None:
        self.ruleset: Ruleset | None = None
        self.helplines = helplines
        self.needed: frozenset[bytes] = frozenset()  # what devices need: no category and no service refuses it
        self.loaded_at = 0
        self.trouble = ""
        self.notes: dict[bytes, str] = {}  # of the helplines: what each is for, and where
        self.suffixes: PublicSuffixes | None = None
        self.lookalike: Callable[[], Lookalike] = lambda: Lookalike([], lambda name: name)
        self._guesser: Lookalike | None = None

    def guesser(self) -> Lookalike:
        """What guesses at look-alikes: made when it is first needed, since most households never switch it on."""
        if self._guesser is None:
            self._guesser = self.lookalike()
        return self._guesser
