"""Upstreams that can't stand random capital letters in a name (0x20): each question is answered, and soon at once.

Where it does not wait itself, a real dnsmasq lies in between, which passes on the letters as they are.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import dnslib
import pytest

from agent.daemon.dns.upstream import DEAF_MAX
from tests.daemon.resolving import texts, turn_until
from tests.daemon.test_upstream import Asked, Net, failing, silent
from tests.world import line

pytestmark = pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="dnsmasq is not installed")


class Letters:
    """`capital` is what becomes of a question with capital letters: its answer, or None."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.seen: list[str] = []
        self.capital = silent
        self.server = line.Server(lambda name, at: 0.0, self._answer)
        self.between: line.Process | None = None
        self.use(self.server.port)

    def use(self, port: int) -> None:
        self.upstream = self.net.use([(line.HOST, port)])
        self.upstream._servers.list[0].mixes = True  # as any that is not on the router

    def put_dnsmasq_between(self) -> None:
        self.upstream.close()
        self.between = line.dnsmasq([self.server.port])
        line.await_port(self.between)
        self.use(self.between.port)

    def _answer(self, query: dnslib.DNSRecord) -> dnslib.DNSRecord:
        name = str(query.q.qname)
        self.seen.append(name)
        found = line.answer_to(query) if name == name.lower() else self.capital(query)
        return found or nothing(query)

    def ask(self, name: str) -> list[str]:
        before = len(self.seen)
        found = texts(self.net.ask(name).reply)
        assert found == ["203.0.113.7"]
        return self.seen[before:]

    def close(self) -> None:
        if self.between is not None:
            self.between.close()
        self.server.close()


def nothing(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
    """Said to nobody: with another id it is passed over, as silence is."""
    reply = query.reply()
    reply.header.id ^= 1
    return reply


@pytest.fixture
def net() -> Iterator[Net]:
    made = Net()
    yield made
    made.close()


@pytest.fixture
def letters(net: Net) -> Iterator[Letters]:
    made = Letters(net)
    yield made
    made.close()


def test_silence_is_learned_after_five_questions(letters: Letters) -> None:
    for number in range(DEAF_MAX):
        asked = letters.ask(f"a-long-name-{number}.example")
        assert asked[0] != asked[-1] == f"a-long-name-{number}.example."
    for number in range(3):
        assert letters.ask(f"another-{number}.example") == [f"another-{number}.example."], "asked once, in its letters"


def test_one_answer_to_random_letters_begins_anew(letters: Letters) -> None:
    server = letters.upstream._servers.list[0]
    for number in range(DEAF_MAX - 1):
        letters.ask(f"a-long-name-{number}.example")
    letters.capital = line.answer_to
    letters.ask("it-was-the-line.example")
    assert server.deaf == 0
    letters.capital = silent
    letters.ask("again-silent.example")
    assert server.mixes and server.deaf == 1


@pytest.mark.parametrize("code", ["SERVFAIL", "REFUSED", "FORMERR", "NOTIMP"])
def test_a_refusal_is_passed_on_only_if_the_clients_letters_have_it_too(letters: Letters, code: str) -> None:
    letters.put_dnsmasq_between()
    number = getattr(dnslib.RCODE, code)
    letters.capital = failing(number)
    for turn in range(DEAF_MAX):
        letters.ask(f"a-long-name-{turn}.example")
    assert len(letters.ask("some-other.example")) == 1, "learned as silence is"


def test_what_fails_in_any_letters_teaches_nothing(net: Net) -> None:
    """And is asked twice, not more; a server that says that a name is not there is believed at once."""
    net.serve(failing(dnslib.RCODE.SERVFAIL))
    server = net.upstream._servers.list[0]
    server.mixes = True
    for number in range(DEAF_MAX + 1):
        assert net.ask(f"never-signed-right-{number}.example").reply.header.rcode == dnslib.RCODE.SERVFAIL
    assert len(net.servers[0].seen) == 2 * (DEAF_MAX + 1) and server.mixes and server.deaf == 0
    net.close()
    net.serve(failing(dnslib.RCODE.NXDOMAIN))
    net.upstream._servers.list[0].mixes = True
    assert net.ask("not-there.example").reply.header.rcode == dnslib.RCODE.NXDOMAIN
    assert len(net.servers[0].seen) == 1


def test_with_two_servers_the_last_is_asked_once_more(net: Net) -> None:
    net.serve(failing(dnslib.RCODE.REFUSED), lambda query: _by_letters(query))
    for server in net.upstream._servers.list:
        server.mixes = True
    assert texts(net.ask("a-long-name.example").reply) == ["203.0.113.7"]
    assert [len(server.seen) for server in net.servers] == [1, 2]


def test_a_server_that_can_not_be_reached_any_more_is_not_told_to_be_up(net: Net) -> None:
    """It refuses, and is gone when it is asked again: the client is told what it said, `status` that it is gone."""
    net.serve(failing(dnslib.RCODE.REFUSED))
    server = net.upstream._servers.list[0]
    server.mixes = True
    real = net.upstream._put
    sent = []

    def put(query: object, to: object) -> None:
        sent.append(to)
        if len(sent) > 1:
            raise OSError(101, "Network is unreachable")
        real(query, to)  # type: ignore[arg-type]

    net.upstream._put = put  # type: ignore[method-assign]
    query = net.ask("a-long-name.example")
    assert query.reply.header.rcode == dnslib.RCODE.REFUSED and server.unreachable_since is not None


def test_a_failure_is_told_where_the_second_question_meets_silence(net: Net) -> None:
    """A broken domain: it fails at once, and is looked for anew when it is asked for again."""
    asked = []

    def once(query: dnslib.DNSRecord) -> dnslib.DNSRecord | None:
        asked.append(query)
        return failing(dnslib.RCODE.SERVFAIL)(query) if len(asked) == 1 else None

    net.serve(once)
    server = net.upstream._servers.list[0]
    server.mixes = True
    assert net.ask("bogus.example").reply.header.rcode == dnslib.RCODE.SERVFAIL
    assert len(asked) == 2 and not server.down, "after one patience, not the client's"


def test_one_silence_of_many_questions_counts_once(net: Net) -> None:
    net.serve(silent)
    server = net.upstream._servers.list[0]
    server.mixes = True
    waiting = [Asked(net.loop, f"a-long-name-{number}.example", "A", False) for number in range(8)]
    for query in waiting:
        net.upstream.query(query)
    turn_until(net.loop, lambda: len(net.servers[0].seen) == 8, 10)
    net.servers[0].answer = line.answer_to
    turn_until(net.loop, lambda: all(query.times for query in waiting), 10)
    assert server.mixes and server.deaf == 1


def test_a_server_that_refuses_edns_keeps_its_random_letters(net: Net) -> None:
    net.serve(lambda query: failing(dnslib.RCODE.FORMERR)(query) if query.ar else line.answer_to(query))
    server = net.upstream._servers.list[0]
    server.mixes = True
    for number in range(DEAF_MAX + 1):
        net.ask(f"a-long-name-{number}.example", edns=True)
    assert server.mixes and server.deaf == 0


def _by_letters(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
    name = str(query.q.qname)
    return line.answer_to(query) if name == name.lower() else failing(dnslib.RCODE.REFUSED)(query)
