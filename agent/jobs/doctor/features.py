"""What the kernel can do, found by trying: in an owned table without hooks, which no packet ever passes."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

from agent.core import conntrack, nftables
from agent.core.netlink import Message, encode, messages
from agent.core.nft import nfqueue
from agent.core.nft.dns_redirect import STEERED, DnsRedirect
from agent.jobs.doctor.finding import FAILURE, OK, WARNING, Finding

PROBE = "privacy_agent_doctor"
PART = "part"
_NETLINK_NETFILTER = 12
_SO_MARK, _SO_RCVMARK, _TCP_SAVE_SYN = 36, 75, 27

_PACKAGES = "Install kmod-nft-core, kmod-nft-nat and kmod-nft-fib, and kmod-nf-conntrack-netlink."


def options() -> Iterator[Finding]:
    """Socket options that identity rests on."""
    for kind, level, option, value, what in (
        (socket.SOCK_DGRAM, socket.SOL_SOCKET, _SO_RCVMARK, 1, "the mark of a datagram (SO_RCVMARK)"),
        (socket.SOCK_STREAM, socket.IPPROTO_TCP, _TCP_SAVE_SYN, 2, "the mark of a connection (TCP_SAVE_SYN)"),
        (socket.SOCK_DGRAM, socket.SOL_SOCKET, _SO_MARK, 0, "marks of its own (SO_MARK)"),
    ):
        with socket.socket(socket.AF_INET, kind) as sock:
            try:
                sock.setsockopt(level, option, value)
            except OSError as error:
                sentence = f"The agent can't have {what}: {error.strerror}."
                yield Finding(FAILURE, "kernel", sentence, "Run as root on Linux 5.19 or newer.")
                return
    yield Finding(OK, "kernel", "Sockets tell the marks of datagrams and connections.")


def expressions() -> Iterator[Finding]:
    """Whether the kernel takes the switch's rules, and which way connections can be queued."""
    base = [
        nftables.new_table(PROBE),
        nftables.new_mark_map(PROBE, STEERED, 1),
        nftables.new_interface_set(PROBE, "lan", 2),
        nftables.new_interface_set(PROBE, "open", 3),
        nftables.new_part(PROBE, PART),
    ]
    refused = _try(base)
    if refused:
        yield Finding(FAILURE, "kernel", f"No table with an owner can be made: {os.strerror(refused)}.", _PACKAGES)
        return
    yield endings()
    bad = {os.strerror(number) for _, rule in DnsRedirect([], 1).rules() if (number := _try([*base, _rule(rule)]))}
    if bad:
        yield Finding(FAILURE, "kernel", f"The kernel does not take the rules: {', '.join(sorted(bad))}.", _PACKAGES)
    else:
        yield Finding(OK, "kernel", "The kernel takes tables with an owner and every rule of the switch.")
    if _try([*base, _rule(nfqueue.queue(1))]) and _try([*base, _rule(nfqueue.queue_by_target(1))]):
        sentence = "Connections can't be judged: the kernel has neither the queue expression nor the NFQUEUE target."
        yield Finding(WARNING, "kernel", sentence, "Install kmod-nft-queue.")
    else:
        yield Finding(OK, "kernel", "Connections can be queued for a verdict.")


def endings() -> Finding:
    """Whether the agent could end the flows that it redirects: it redirects none otherwise."""
    if _asked(encode(conntrack.statistics(), 1)):
        sentence = "Redirected flows could not be ended: the kernel has no connection tracking by netlink."
        return Finding(FAILURE, "kernel", sentence, "Install kmod-nf-conntrack-netlink.")
    return Finding(OK, "kernel", "Redirected flows can be ended.")


def _rule(expression: bytes) -> Message:
    return nftables.new_rule(PROBE, PART, expression)


def _try(work: list[Message]) -> int:
    """0, or the kernel's error number. The table goes with the socket."""
    return _asked(nftables.batch(work, 1))


def _asked(datagram: bytes) -> int:
    """0, or the number of the first error that the kernel answers with."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as sock:
        sock.bind((0, 0))
        sock.setblocking(False)
        try:
            sock.send(datagram)
        except OSError as error:
            return error.errno or 1
        number = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                found = [answer.errno for answer in messages(sock.recv(65536)) if answer.errno]
                number = number or (found[0] if found else 0)
        return number
