import os
import socket
from pathlib import Path

import pytest

from agent.core.dns import EDE_NETWORK_ERROR, EDE_NO_REACHABLE_AUTHORITY
from agent.daemon.dns.resolvers import DOUBTED, DOWN, PROBE_S, PROBE_S_MAX, UP, Server, Servers, parse_resolv_conf


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("nameserver 192.0.2.1\n", ["192.0.2.1"]),
        ("nameserver 192.0.2.1\nnameserver 2001:db8::1\n", ["192.0.2.1", "2001:db8::1"]),
        ("nameserver fe80::1%lo\n", ["fe80::1%lo"]),
        ("# nameserver 192.0.2.1\n; nameserver 192.0.2.2\nsearch lan\noptions edns0\n", []),
        (
            "nameserver\nnameserver not-an-address\nnameserver 192.0.2.300\n\tnameserver\t192.0.2.4  # fast\n",
            ["192.0.2.4"],
        ),
        ("nameserver 192.0.2.1\nnameserver 192.0.2.1\n", ["192.0.2.1"]),
        ("\xff\xfe\0nameserver", []),
        ("", []),
    ],
)
def test_resolv_conf(text: str, found: list[str]) -> None:
    assert parse_resolv_conf(text.encode("latin-1")) == [(address, 53) for address in found]


def test_settings_go_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.1\n")
    servers = Servers([("192.0.2.9", 5353)], str(path), [])
    assert [(server.address, server.port) for server in servers.list] == [("192.0.2.9", 5353)]


def test_the_file_is_read_again_when_it_changes_and_a_server_that_stays_keeps_its_health(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.1\nnameserver 192.0.2.2\n")
    servers = Servers([], str(path), [])
    second = servers.list[1]
    second.doubt(EDE_NETWORK_ERROR)
    assert not servers.reread()
    (tmp_path / "new").write_text("nameserver 192.0.2.2\nnameserver 192.0.2.3\n")
    os.replace(tmp_path / "new", path)
    assert servers.reread()
    assert [server.address for server in servers.list] == ["192.0.2.2", "192.0.2.3"]
    assert servers.list[0] is second
    assert second.state == DOUBTED


def test_a_file_that_is_gone_for_a_moment_changes_nothing_and_an_empty_one_leaves_none(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.1\n")
    servers = Servers([], str(path), [])
    path.unlink()
    assert not servers.reread()
    assert servers.state == UP
    path.write_text("# the line is down\n")
    assert servers.reread()
    assert servers.state == "none"
    assert servers.best() is None
    assert servers.ede == EDE_NETWORK_ERROR


def test_other_settings_are_followed(tmp_path: Path) -> None:
    path, other = tmp_path / "resolv.conf", tmp_path / "resolv.conf.auto"
    path.write_text("nameserver 192.0.2.1\n")
    other.write_text("nameserver 192.0.2.2\n")
    servers = Servers([], str(path), [])
    for given, file, address in (
        ([("192.0.2.9", 53)], path, "192.0.2.9"),
        ([], other, "192.0.2.2"),
        ([], path, "192.0.2.1"),
        ([("192.0.2.9", 53)], path, "192.0.2.9"),
        ([], path, "192.0.2.1"),
    ):
        servers.use(given, str(file))
        assert servers.reread()
        assert not servers.reread()
        assert [server.address for server in servers.list] == [address]


def test_our_own_listener_is_never_asked(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 127.0.0.1\nnameserver 192.0.2.1\n")
    servers = Servers([], str(path), [("127.0.0.1", 53)])
    assert [server.address for server in servers.list] == ["192.0.2.1"]


def test_at_most_four() -> None:
    servers = Servers([(f"192.0.2.{number}", 53) for number in range(1, 9)], "", [])
    assert len(servers.list) == 4


def test_two_probes_lost_make_a_doubted_server_down_and_any_answer_makes_it_up() -> None:
    server = Server("192.0.2.1", 53)
    server.doubt(EDE_NO_REACHABLE_AUTHORITY)
    assert server.state == DOUBTED
    assert not server.probe_lost()
    assert server.probe_lost()
    assert server.state == DOWN
    assert not server.probe_lost()
    server.answered()
    assert server.state == UP
    server.doubt(EDE_NETWORK_ERROR)
    assert not server.probe_lost(), "counted from the start again"


def test_probes_of_an_up_server_do_not_count() -> None:
    server = Server("192.0.2.1", 53)
    assert not server.probe_lost()
    assert not server.probe_lost()
    assert server.state == UP


def test_probes_slow_down_to_a_limit() -> None:
    server = Server("192.0.2.1", 53)
    server.doubt(EDE_NO_REACHABLE_AUTHORITY)
    waits = []
    for _ in range(10):
        server.probe_lost()
        waits.append(server.probe_after_s)
    assert waits[0] == waits[1] == PROBE_S
    assert waits == sorted(waits)
    assert waits[-1] == PROBE_S_MAX


def test_the_best_is_the_first_that_is_up_else_doubted() -> None:
    servers = Servers([("192.0.2.1", 53), ("192.0.2.2", 53), ("192.0.2.3", 53)], "", [])
    one, two, three = servers.list
    assert servers.best() is one
    one.doubt(EDE_NO_REACHABLE_AUTHORITY)
    assert servers.best() is two
    for server in (two, three):
        server.doubt(EDE_NO_REACHABLE_AUTHORITY)
    assert servers.best() is one
    for server in (one, two, three):
        server.probe_lost()
        server.probe_lost()
    assert servers.best() is None
    assert servers.state == DOWN


def test_the_other_is_asked_in_turn() -> None:
    servers = Servers([("192.0.2.1", 53), ("192.0.2.2", 53), ("192.0.2.3", 53)], "", [])
    one, two, three = servers.list
    assert [servers.other(one), servers.other(two), servers.other(three)] == [two, three, one]
    two.doubt(EDE_NO_REACHABLE_AUTHORITY)
    assert servers.other(one) is three
    gone = Server("192.0.2.77", 53)
    assert servers.other(gone) in servers.list


def test_alone_it_is_asked_again_unless_it_is_down() -> None:
    servers = Servers([("192.0.2.1", 53)], "", [])
    (only,) = servers.list
    assert servers.other(only) is only
    only.doubt(EDE_NO_REACHABLE_AUTHORITY)
    assert servers.other(only) is only
    only.probe_lost()
    only.probe_lost()
    assert servers.other(only) is None


def test_a_link_local_address_keeps_its_zone() -> None:
    server = Server("fe80::1%lo", 53)
    assert server.family == socket.AF_INET6
    assert server.sockaddr == ("fe80::1", 53, 0, socket.if_nametoindex("lo"))
    assert Server("fe80::1%nothere", 53).sockaddr == ("fe80::1", 53, 0, 0)
