"""Tells one address inside the house what happened: a word, and no name. The only way out of this job.

Each is one POST of {"what": WORD} over a connection of its own. The connection is bound to an interface of the home
network and takes no gateway, so that it leaves by no other way whatever the routes say; no name is looked up, no proxy
used, no redirect followed, and the reply is not read beyond its first bytes.
"""

import json
import os
import socket
import sys

from agent.core import house_url
from agent.core.house_url import HouseUrl
from agent.core.model import BadInput
from agent.jobs.deadline import DeadlineExceeded, deadline
from agent.platform.pdeathsig import die_with_parent

IDLE_S = 5.0
TOTAL_S = 30.0


def tell(url: HouseUrl, what: str, interfaces: list[str]) -> bool:
    """Whether one of the interfaces led there."""
    body = json.dumps({"what": what}).encode()
    head = (
        f"POST {url.path} HTTP/1.1\r\nHost: {url.authority}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return any(_sent(url, head.encode() + body, interface) for interface in interfaces)


def _sent(url: HouseUrl, data: bytes, interface: str) -> bool:
    family = socket.AF_INET6 if ":" in url.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as link:
        link.settimeout(IDLE_S)
        try:
            # Where the kernel refuses either of them, nothing is sent.
            link.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)
            link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
            link.connect((url.host, url.port))
            link.sendall(data)
            link.recv(64)
        except OSError:
            return False
    return True


def main() -> int:
    die_with_parent()
    given = json.loads(os.environ["PRIVACY_AGENT_HOUSE_CALL"])
    try:
        url = house_url.read(given["url"])
        with deadline(TOTAL_S):
            told = [tell(url, what, given["interfaces"]) for what in given["what"]]
    except (BadInput, DeadlineExceeded) as error:
        print(f"privacy-agent: notice_url: {error}", file=sys.stderr, flush=True)
        return 1
    return 0 if all(told) else 1


if __name__ == "__main__":
    sys.exit(main())
