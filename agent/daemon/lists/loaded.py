"""The compiled rule set in use, and the tables that are read with it."""

import contextlib
import os

from agent.core.check_hosts import CHECKS, read_needed
from agent.core.lookalike import Lookalike, read_known
from agent.core.model import BadInput, Sentence, said_by
from agent.core.names import PublicSuffixes, parse
from agent.core.ruleset import Ruleset
from agent.platform.rulefile import open_ruleset

NO_LIST = "no list is loaded yet: privacy-agent lists update"
NO_SUFFIXES = "the public suffix file is missing: sites are told apart by their last two labels only"


class LoadedLists:
    """The compiled rule set in use: its file, what stands in it, and the names that are never blocked.

    `data_dir` holds the tables that come with the program, `suffixes_file` the public suffixes.
    """

    def __init__(self, data_dir: str, suffixes_file: str) -> None:
        self._data_dir = data_dir
        self.ruleset: Ruleset | None = None
        self.loaded_at = 0
        self.refusal: str | Sentence = ""  # why the set is not taken
        self.notes = helplines(os.path.join(data_dir, "helplines.txt"))  # what each is for, and where
        self.helplines = frozenset(self.notes)
        # No category and no service refuses these.
        education = helplines(os.path.join(data_dir, "sex-education.txt"))
        self.needed = _needed(os.path.join(data_dir, "needed-hosts.txt")).union(education)
        self.suffixes = self._read_suffixes(suffixes_file)
        self._guesser: Lookalike | None = None

    def load(self, path: str) -> Ruleset | None:
        """Take a compiled set into use, or say why not; the caller closes the returned one of before if it is
        another."""
        before = self.ruleset
        try:
            found = open_ruleset(path)
            if before is None:
                # From flash, after whatever ended the last run; a set that replaces one was just verified.
                found.verify()
            self.ruleset = found
            self.loaded_at = int(os.stat(path).st_mtime)
            self.refusal = ""
        except FileNotFoundError:
            self.refusal = NO_LIST
        except (OSError, BadInput) as error:
            self.refusal = Sentence("the compiled list can't be used: {}", said_by(error))
        return before

    @property
    def no_suffixes(self) -> str:
        return NO_SUFFIXES if self.suffixes is None else ""

    def guesser(self) -> Lookalike:
        """What guesses at look-alikes: made when it is first needed, since most households never switch it on. Without
        the table of well-known names it suspects nothing."""
        if self._guesser is None:
            try:
                with open(os.path.join(self._data_dir, "popular.txt"), encoding="ascii") as file:
                    known = read_known(file.read().splitlines())
            except (OSError, UnicodeError):
                known = []
            self._guesser = Lookalike(known, self.registrable)
        return self._guesser

    def _read_suffixes(self, path: str) -> PublicSuffixes | None:
        try:
            with open(path, "rb") as file:
                return PublicSuffixes(file.read())
        except (OSError, BadInput):
            return None

    def registrable(self, host: bytes, found: list[bytes] | None = None) -> bytes:
        """The registrable domain of a host; without the suffix file, which `no_suffixes` says, its last two labels."""
        return b".".join(host.split(b".")[-2:]) if self.suffixes is None else self.suffixes.registrable(host, found)


def _needed(path: str) -> frozenset[bytes]:
    """The hosts that devices need; without the table those by which they find out about the network."""
    try:
        with open(path, encoding="ascii") as file:
            return CHECKS | frozenset(read_needed(file.read().splitlines()))
    except (OSError, UnicodeError):
        return CHECKS


def helplines(path: str) -> dict[bytes, str]:
    """The names of a shipped list such as those that are never recorded and never blocked, each with what it is for;
    none when it is missing. A line that cannot be read is passed over: the others must not go unprotected for it."""
    found: dict[bytes, str] = {}
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeError):
        return found
    for line in lines:
        name, _, note = line.partition("#")
        if name.strip():
            with contextlib.suppress(BadInput):
                found[parse(name.strip())] = note.strip()
    return found
