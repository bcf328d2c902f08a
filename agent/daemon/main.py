"""The resident's entry: the guard, with the daemon as its child. Only what the guard needs is imported here.

argv[1] is the settings file's path ("-" for none), argv[2] a JSON object of overrides. The guard does not read them:
what it has to send when the daemon is dead does not depend on any setting.
"""

import gc
import os
import sys

from agent.core.farewell import farewell
from agent.daemon import guard
from agent.daemon.kernel.nfsocket import open_socket


def main() -> int:
    path, overrides = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "{}"

    def start(heartbeat, netlink):  # type: ignore[no-untyped-def]
        from agent.daemon.serve import serve  # here, so that the guard never holds the daemon's modules

        gc.enable()
        return serve(path, overrides, heartbeat, netlink)

    os.umask(0o077)
    # The guard makes no cycles; a collection would only copy pages that it shares with the daemon.
    gc.disable()
    gc.freeze()
    return guard.run(start, open_socket(), farewell())
