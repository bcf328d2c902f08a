"""One conversation with netfilter: requests and batches out, answers or a refusal in plain words back."""

from __future__ import annotations

import errno
import os

from agent.core.model import BadInput
from agent.core.netlink import Message, NetlinkReply, encode, messages
from agent.core.nftables import batch
from agent.platform.cmodules import socket

# A batch for 255 devices has about 300 messages, and a refused one may leave an error for each.
_READ_BYTES = 65536

# What the kernel's error means here, and what to do about it.
_REASONS = {
    errno.EPERM: "the kernel does not permit it: run as root (CAP_NET_ADMIN), and only once: "
    "the table may belong to another running agent",
    errno.EACCES: "the kernel does not permit it: run as root (CAP_NET_ADMIN)",
    errno.EEXIST: "a table of this name exists and belongs to somebody else",
    errno.ENOENT: "the kernel lacks a part of nftables: install kmod-nft-core, kmod-nft-nat and kmod-nft-fib",
    errno.EOPNOTSUPP: "the kernel is too old: tables with an owner need Linux 5.12 or newer",
    errno.EINVAL: "the kernel does not know a part of the rules: it needs Linux 5.19 or newer with nftables",
    errno.EPROTONOSUPPORT: "the kernel has no netfilter: install kmod-nft-core",
    errno.ENOBUFS: "the kernel is short of memory",
    errno.ENOMEM: "the kernel is short of memory",
}


class NetfilterError(Exception):
    """The kernel would not do it; the message is a sentence for the household, `errno` the kernel's number."""

    def __init__(self, sentence: str, errno: int) -> None:
        super().__init__(sentence)
        self.errno = errno


class Netfilter:
    """The socket is made before the guard forks and shared with it, see `nfsocket`; None where there is no netlink."""

    def __init__(self, sock: socket.socket | None) -> None:
        self.sock = sock
        self._seq = 1

    def commit(self, work: list[Message]) -> None:
        """All of it or nothing. NetfilterError."""
        if work:
            first = self._seq
            self._seq += len(work) + 2
            self._exchange(batch(work, first), first, first + len(work))

    def ask(self, message: Message) -> list[NetlinkReply]:
        """The answers to one message; of a dump all. NetfilterError."""
        seq = self._seq
        self._seq += 1
        return self._exchange(encode(message, seq), seq, seq)

    def each(self, work: list[Message]) -> None:
        """Every message for itself, sent at once; what is not there any more is passed over. NetfilterError."""
        if not work:
            return
        first = self._seq
        self._seq += len(work)
        datagram = b"".join([encode(message, first + at) for at, message in enumerate(work)])
        self._exchange(datagram, first, first + len(work) - 1, errno.ENOENT)

    def _exchange(self, datagram: bytes, first: int, last: int, passed: int = 0) -> list[NetlinkReply]:
        """Sends; the answers to sequence numbers `first` to `last`, or NetfilterError for the first error among them
        that is not `passed` over.

        netfilter works inside send(): when it returns, everything is done and all answers wait in the socket. A dump
        goes on inside recv() in the same way.
        """
        if self.sock is None:
            raise NetfilterError("this system has no netlink", errno.EPROTONOSUPPORT)
        try:
            _drain(self.sock)
            self.sock.send(datagram)
            answers = [answer for answer in _drain(self.sock) if first <= answer.seq <= last]
        except (OSError, BadInput) as error:
            number = getattr(error, "errno", None) or errno.EIO
            raise NetfilterError(_sentence(number, ""), number) from error
        for answer in answers:
            if answer.errno not in (0, passed):
                raise NetfilterError(_sentence(answer.errno, answer.text), answer.errno)
        if not any(answer.seq == last for answer in answers):
            raise NetfilterError("the kernel did not answer", errno.EIO)
        return answers


def _drain(sock: socket.socket) -> list[NetlinkReply]:
    answers: list[NetlinkReply] = []
    while True:
        try:
            answers += messages(sock.recv(_READ_BYTES))
        except BlockingIOError:
            return answers


def _sentence(number: int, words: str) -> str:
    reason = _REASONS.get(number, os.strerror(number))
    return f"{reason} ({words})" if words else reason
