"""An upstream that is not the router's resolver: names of this network go to the router all the same.

And no public name leads into this network.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import dnslib
import pytest

from tests.lab.lab import PREFIX, await_true, missing
from tests.lab.spaces import Space
from tests.world.line import ROOT, Client, Server, agent_command, answer_to

PUBLIC = "198.51.100.53"

pytestmark = pytest.mark.skipif(missing() != "", reason=missing() or "a lab is there")


@pytest.fixture
def router() -> Iterator[Space]:
    space = Space(f"{PREFIX}{os.getpid()}-upstream")
    space.address("lo", PUBLIC + "/32")
    yield space
    space.close()


def rebinding(query: dnslib.DNSRecord) -> dnslib.DNSRecord:
    reply = query.reply()
    inside = str(query.q.qname).lower().startswith("private")  # its letters are random
    reply.add_answer(dnslib.RR(query.q.qname, rdata=dnslib.A("192.168.1.5" if inside else "203.0.113.9"), ttl=60))
    return reply


def at_once(name: str, at: float) -> float:
    return 0.0


@pytest.mark.parametrize("protection", ["yes", "no"])
def test_local_names_go_to_the_router_and_public_ones_stay_outside(
    router: Space, tmp_path: Path, protection: str
) -> None:
    public = router.inside(lambda: Server(at_once, rebinding, (PUBLIC, 53)))
    local = router.inside(lambda: Server(at_once, answer_to, ("127.0.0.1", 53)))
    resolver_file = tmp_path / "resolv.conf"
    resolver_file.write_text("search fritz.box\nnameserver 127.0.0.1\n")
    port, command = agent_command(
        tmp_path, [], upstream=f"{PUBLIC}:53", resolver_file=resolver_file, rebind_protection=protection
    )
    router.start(command, cwd=ROOT)
    await_true(lambda: str(port) in router.run(["ss", "-Hltn"]), "listener", 60)
    names = ["nas.fritz.box", "nas.lan", "printer"]
    found = router.inside(lambda: Client(port, ["public.example.net", "private.example.net", *names], 0.05)).join()
    assert found.addresses == {
        "public.example.net": "203.0.113.9",
        "private.example.net": "0.0.0.0" if protection == "yes" else "192.168.1.5",
        **{name: "203.0.113.7" for name in names},
    }
    assert {name.lower() for name in public.seen} == {"public.example.net", "private.example.net"}
    assert not public.seen & {"public.example.net", "private.example.net"}, "random letters, which its answers repeat"
    assert local.seen == set(names)
    public.close()
    local.close()
