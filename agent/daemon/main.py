"""The resident's entry: the guard, with the daemon as its child. Only what the guard needs is imported here.

argv[1] is the settings file's path ("-" for none), argv[2] a JSON object of overrides, and the rest are datagrams in
hexadecimal: what the guard has to send when the daemon is dead (core/nft/teardown.py). It reads no settings.
"""

import gc
import os
import sys

from agent.daemon import guard
from agent.daemon.kernel.nfsocket import open_socket
from agent.platform import lastwords
from agent.platform.cmodules import socket


def main() -> int:
    path, overrides, *farewell = sys.argv[1:]

    def start(heartbeat: int, netlink: socket.socket | None) -> int:
        from agent.daemon.daemon import serve  # here, so that the guard never holds the daemon's modules

        gc.enable()
        return serve(path, overrides, heartbeat, netlink)

    os.umask(0o077)
    keep_out()
    lastwords.be_brief("")
    # The guard makes no cycles; a collection would only copy pages that it shares with the daemon.
    gc.disable()
    gc.freeze()
    return guard.run(start, open_socket(), [bytes.fromhex(datagram) for datagram in farewell])


def keep_out() -> None:
    """As agent/platform/coredump.py does for a job, for guard and daemon, without its ctypes: who changes its group is
    closed to others from then on (prctl(2), PR_SET_DUMPABLE). Without the right to change it all is as it was."""
    group = os.getegid()
    try:
        os.setegid(group + 1)
    except OSError:
        return
    os.setegid(group)
