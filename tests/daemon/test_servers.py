import os
import socket
from pathlib import Path

import pytest

from agent.core.dns import EDE_NETWORK_ERROR
from agent.daemon.dns.servers import (
    DOWN,
    PATIENCE_FIRST_S,
    PATIENCE_MAX_S,
    PATIENCE_MIN_S,
    UNKNOWN,
    UP,
    UpstreamServer,
    UpstreamServers,
    on_this_router,
    parse_domains,
    parse_resolv_conf,
)


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
    servers = UpstreamServers([("192.0.2.9", 5353)], str(path), [])
    assert [(server.address, server.port) for server in servers.list] == [("192.0.2.9", 5353)]


def test_the_file_is_read_again_when_it_changes_and_a_server_that_stays_keeps_its_health(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.1\nnameserver 192.0.2.2\n")
    servers = UpstreamServers([], str(path), [])
    second = servers.list[1]
    second.unanswered()
    assert not servers.reread()
    (tmp_path / "new").write_text("nameserver 192.0.2.2\nnameserver 192.0.2.3\n")
    os.replace(tmp_path / "new", path)
    assert servers.reread()
    assert [server.address for server in servers.list] == ["192.0.2.2", "192.0.2.3"]
    assert servers.list[0] is second
    assert second.doubted


def test_a_file_that_is_gone_for_a_moment_changes_nothing_and_an_empty_one_leaves_none(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.1\n")
    servers = UpstreamServers([], str(path), [])
    path.unlink()
    assert not servers.reread()
    assert servers.state == UNKNOWN
    path.write_text("# the line is down\n")
    assert servers.reread()
    assert servers.state == "none"
    assert servers.best() is None
    assert servers.ede == EDE_NETWORK_ERROR


def test_other_settings_are_followed(tmp_path: Path) -> None:
    path, other = tmp_path / "resolv.conf", tmp_path / "resolv.conf.auto"
    path.write_text("nameserver 192.0.2.1\n")
    other.write_text("nameserver 192.0.2.2\n")
    servers = UpstreamServers([], str(path), [])
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
    servers = UpstreamServers([], str(path), [("127.0.0.1", 53)])
    assert [server.address for server in servers.list] == ["192.0.2.1"]


def test_at_most_four() -> None:
    servers = UpstreamServers([(f"192.0.2.{number}", 53) for number in range(1, 9)], "", [])
    assert len(servers.list) == 4


def test_any_answer_ends_a_doubt() -> None:
    server = UpstreamServer("192.0.2.1", 53)
    server.unanswered()
    assert server.doubted and not server.down, "one may be a lost packet"
    server.unanswered()
    assert server.down
    server.answered(3.0)
    assert not server.doubted
    server.unreachable(7.0)
    assert server.down and server.ede == EDE_NETWORK_ERROR and server.unreachable_since == 7.0
    server.answered(0.1)
    assert not server.doubted and server.unreachable_since is None


def test_patience_follows_what_the_server_takes() -> None:
    server = UpstreamServer("192.0.2.1", 53)
    assert server.patience_s == PATIENCE_FIRST_S
    for _ in range(20):
        server.answered(0.001)
    assert server.patience_s == PATIENCE_MIN_S
    for _ in range(40):
        server.answered(0.5)
    assert 0.5 < server.patience_s < 1.0
    server.answered(3.0)
    assert server.patience_s == PATIENCE_MAX_S


def test_a_doubted_server_is_looked_at_more_and_more_seldom() -> None:
    server = UpstreamServer("192.0.2.1", 53)
    server.unanswered()
    looks = [now / 10 for now in range(2000) if server.look(now / 10)]
    waits = [later - earlier for earlier, later in zip(looks, looks[1:])]
    assert looks[0] == 0 and waits[0] == pytest.approx(2, abs=0.11) and waits == sorted(waits)
    assert waits[-1] == pytest.approx(32, abs=0.11)


def test_the_best_is_the_first_without_doubt_else_the_least_bad() -> None:
    servers = UpstreamServers([("192.0.2.1", 53), ("192.0.2.2", 53), ("192.0.2.3", 53)], "", [])
    one, two, three = servers.list
    assert servers.best() is one and servers.state == UNKNOWN
    one.unanswered()
    assert servers.best() is two
    for server in (two, three, three):
        server.unanswered()
    assert servers.best() is one
    one.unanswered()
    assert servers.best() is two
    two.unanswered()
    assert servers.best() is one and servers.state == DOWN
    two.answered(0.1)
    assert servers.best() is two and servers.state == UP


def test_a_much_quicker_one_goes_before_the_preferred() -> None:
    servers = UpstreamServers([("192.0.2.1", 53), ("192.0.2.2", 53)], "", [])
    one, two = servers.list
    one.answered(0.2)
    two.answered(0.01)
    assert servers.best() is one
    one.answered(4.0)
    assert servers.best() is two


def test_the_next_is_asked_in_turn() -> None:
    servers = UpstreamServers([("192.0.2.1", 53), ("192.0.2.2", 53), ("192.0.2.3", 53)], "", [])
    one, two, three = servers.list
    assert [servers.after(one, [one], []), servers.after(two, [two], []), servers.after(three, [three], [])] == [
        two,
        three,
        one,
    ]
    assert servers.after(three, [one, two, three], [two]) is one, "what failed once fails again"
    two.unanswered()
    assert servers.after(one, [one], []) is three
    assert servers.after(three, [one, three], []) is two
    assert servers.after(two, [one, three, two], []) in (one, three)
    gone = UpstreamServer("192.0.2.77", 53)
    assert servers.after(gone, [gone], []) in servers.list
    (alone,) = UpstreamServers([("192.0.2.1", 53)], "", []).list
    assert UpstreamServers([("192.0.2.1", 53)], "", []).after(alone, [alone], []) is not None


def test_a_link_local_address_keeps_its_zone() -> None:
    server = UpstreamServer("fe80::1%lo", 53)
    assert server.family == socket.AF_INET6
    assert server.sockaddr == ("fe80::1", 53, 0, socket.if_nametoindex("lo"))
    assert UpstreamServer("fe80::1%nothere", 53).sockaddr == ("fe80::1", 53, 0, 0)


def test_the_domains_of_this_network() -> None:
    assert parse_domains(b"search lan fritz.box\nnameserver 192.0.2.1\ndomain home.example\n") == [
        "lan",
        "fritz.box",
        "home.example",
    ]


def test_only_servers_of_this_network_where_so_wanted(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 9.9.9.9\nnameserver 192.168.1.1\nnameserver 2620:fe::fe\nnameserver fe80::1%lo\n")
    servers = UpstreamServers([], str(path), [], inside=True)
    assert [server.address for server in servers.list] == ["192.168.1.1", "fe80::1%lo"]
    assert servers.holds(("192.168.1.1", 53)) and not servers.holds(("9.9.9.9", 53))


def test_which_addresses_are_the_routers_own() -> None:
    assert on_this_router("127.0.0.1") and on_this_router("127.0.0.9")
    assert not on_this_router("192.168.203.7") and not on_this_router("9.9.9.9") and not on_this_router("fd12::7")
