"""What makes a plain router of one with our rules, as datagrams that can be sent without any thought.

Who starts the guard makes them and hands them over, so that the guard holds none of this code.
"""

from agent.core import conntrack
from agent.core.marks import DEFAULT, Layout
from agent.core.netlink import encode
from agent.core.nftables import batch, delete_table

TABLE = "privacy_agent"


def farewell(layout: Layout = DEFAULT, table: str = TABLE) -> "list[bytes]":
    """For the netfilter socket that owns the table: the table is deleted, then every redirected flow ended."""
    return [batch([delete_table(table)], 1), encode(conntrack.flush(layout.tag, layout.tag_mask), 1)]
