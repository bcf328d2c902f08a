"""A segment that was sent once more while its connection's opening waited in the queue reaches no server either."""

import struct
import sys

from agent.core.marks import DEFAULT
from agent.core.nft.inspection import MAGIC
from agent.core.policy import View
from tests.core.test_flows import tcp, v4
from tests.daemon.test_safe_connections import RESET, Web, hello


def sent(web: Web, seq: int, data: bytes) -> int | None:
    packet = bytearray(v4(tcp(data)))
    struct.pack_into(">I", packet, 24, seq % (1 << 32))
    source = DEFAULT.pack(1, 1).to_bytes(4, sys.byteorder) + MAGIC
    found = web.judge.judge((1, 0, source, bytes(packet)))
    return None if found is None else found & DEFAULT.tag_mask


def test_a_copy_of_the_end_of_a_refused_opening_is_refused() -> None:
    data = hello("www.google.com")
    for seq in (1000, (1 << 32) - 30):
        web = Web(View((), "on"))
        assert sent(web, seq, data[:60]) is None
        assert sent(web, seq + 60, data[60:]) == RESET
        assert sent(web, seq + 60, data[60:]) == RESET
        assert sent(web, seq, data[:60]) == RESET


def test_another_connection_of_the_same_ports_is_judged_for_itself() -> None:
    web = Web(View((), "on"))
    assert sent(web, 1000, hello("www.google.com")) == RESET
    assert sent(web, 1 << 30, hello("other.example")) not in (None, RESET)
