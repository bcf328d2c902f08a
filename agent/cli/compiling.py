"""`lists compile`: files in any list syntax → the rule set that the daemon loads."""

import os
import time

from agent.cli import show
from agent.cli.errors import NOT_FOUND, CliError
from agent.core.model import BadInput
from agent.core.names import PublicSuffixes
from agent.core.settings import Settings
from agent.core.shared_hosts import SharedHosts
from agent.jobs.compile import CompileResult, Source, compile_lists
from agent.jobs.guarded import Guarded, read_guarded
from agent.jobs.knownsites import read_shared
from agent.jobs.starter import starter_lists, stem
from agent.platform.installed import data_dir


def lists_compile(settings: Settings, words: list[str], target: str) -> None:
    """Compile the files that the words name, or the starter lists, and say what became of each."""
    try:
        sources = [source(word) for word in words] or starter(settings)
        os.makedirs(os.path.dirname(os.path.abspath(target)), mode=0o755, exist_ok=True)
        public = suffixes(settings)
        shared, needed = shared_hosts(settings, public), guarded(settings)
        report = compile_lists(sources, target, public_suffixes=public, shared=shared, guarded=needed)
    except (OSError, BadInput) as error:
        raise CliError(f"nothing was compiled: {error}") from error
    _tell(report)
    show.line(f"{target}: {show.count(report.count, 'rule', 'rules')}")


def suffixes(settings: Settings) -> PublicSuffixes | None:
    """Which names are public suffixes; None, and a word about it, where the file is missing or damaged."""
    path = settings.text("suffixes_file")
    try:
        with open(path, "rb") as file:
            return PublicSuffixes(file.read())
    except (OSError, BadInput):
        show.line(f"{path} is missing: a shared domain on a list is blocked with all sites below it")
        return None


def shared_hosts(settings: Settings, public: PublicSuffixes | None) -> SharedHosts | None:
    """Which hosts carry much else."""
    shared, _, popular = _tables(settings)
    found = read_shared(shared, popular, public)
    if found is not None:
        return found
    show.line("no host is blocked for its listed pages: a table that tells which ones carry much else is missing")
    return None


def guarded(settings: Settings) -> Guarded:
    """What everybody's devices need, as an update has it; the lists' own hosts are known to an update only."""
    shared, needed, popular = _tables(settings)
    return read_guarded(shared, needed, popular, []) if os.path.exists(shared) else Guarded({})


def _tables(settings: Settings) -> list[str]:
    """The files of hosts that carry much else, that devices need, that are well known."""
    return [os.path.join(data_dir(settings), name) for name in ("shared-hosts.txt", "needed-hosts.txt", "popular.txt")]


def _tell(report: CompileResult) -> None:
    for of in report.lists:
        skipped = show.count(sum(of.skipped.values()), "line", "lines")
        show.line(f"{of.id}: {of.kept} of {of.read} rules kept, read as {of.syntax}, {skipped} skipped")
        if of.hosts:
            show.line(
                f"  {show.count(of.hosts, 'host', 'hosts')} blocked whole: pages of theirs are listed, nothing else"
            )
        for reason, number in sorted(of.skipped.items()):
            example = f", such as {of.examples[reason]}" if reason in of.examples else ""
            show.line(f"  {number}: {reason}{example}")
    if report.folded or report.repeated:
        show.line(f"{report.folded} covered by a listed parent, {report.repeated} listed more than once")


def source(word: str) -> Source:
    """`phishing=FILE` is a list of that category; a bare FILE is one without. Its version is the file's own date."""
    category, equals, path = word.partition("=")
    if not equals:
        category, path = "", word
    changed = int(os.stat(path).st_mtime)
    version = time.strftime("%Y-%m-%d", time.gmtime(changed))
    return Source(path, stem(path), version=version, category=category, fetched=changed)


def starter(settings: Settings) -> list[Source]:
    """The lists that come with the agent: one file a category."""
    found = starter_lists(os.path.join(data_dir(settings), "starter"))
    if found:
        return found
    raise CliError("no list is installed: name the files to compile", NOT_FOUND)
