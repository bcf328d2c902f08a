"""Packets that the kernel sends up: NFQUEUE, where it waits for a verdict, and NFLOG, where it does not.

Whoever reads slowly or dies does no harm: a full queue and an unread one let pass, and so does a full log.
"""

import select
from collections.abc import Callable, Iterator

from agent.core.model import BadInput
from agent.core.netlink import Message, encode, messages
from agent.core.nft import nfqueue
from agent.daemon.faults import raised
from agent.platform.cmodules import socket

_NETLINK_NETFILTER = 12
_SOL_NETLINK, _NO_ENOBUFS = 270, 5
_SO_RCVBUFFORCE = 33
# Packets that wait for a verdict; more pass unread. A burst of 1,600 hellos is judged without a loss (512 took 800),
# and what waits takes 3 to 5 MB of the kernel's memory at most, as long as hellos are no longer than a packet.
_LENGTH_MAX = 1024
_ROOM_BYTES = 1 << 21  # for a message of each; in half of it were 910
_READ_BYTES = 1 << 16
_TURN_MAX = 64  # packets read before the loop goes on with something else
_SETTLE_MAX = 1 + _LENGTH_MAX // _TURN_MAX
# Copies are sent in bundles, which halves their cost; a tenth of a second late is soon enough for a history.
_GATHER, _WAIT_CS = 16, 10

Packet = tuple[int, int, bytes, bytes]  # see nfnl.packets
Judge = Callable[[Packet], int | None]


class Queue:
    """The queue and the log of one number. `judge(packet)` gives the packet's new mark, None to let it go as it is.
    `note(packet)` takes a copy; `sent()` is called when verdicts have reached the kernel.

    OSError when the kernel has no queue, or somebody else reads it.
    """

    def __init__(
        self,
        number: int,
        copy_bytes: int,
        judge: Judge,
        note: Callable[[Packet], None],
        sent: Callable[[], None] = lambda: None,
        met: Callable[[Exception], None] = raised,
    ) -> None:
        self._verdict = nfqueue.Accepting(number).verdict
        self._judge = judge
        self._note = note
        self._sent = sent
        self._met = met
        self.packets = 0
        self.queue = _bound(nfqueue.bind_queue(number, copy_bytes, _LENGTH_MAX))
        try:
            self.log = _bound(nfqueue.bind_log(number, copy_bytes, _GATHER, _WAIT_CS))
        except OSError:
            self.queue.close()
            raise
        self._more, self._more_log = _readable(self.queue), _readable(self.log)

    def read_queue(self) -> None:
        """Judges what waits, at most a turn's share."""
        self._judge_some()

    def read_log(self) -> None:
        """Notes the copies that wait, at most a turn's share."""
        self._note_some()

    def _judge_some(self) -> bool:
        """Whether there may be more."""
        verdicts = []
        read = 0
        for data in _reads(self.queue, self._more):
            read += 1
            for packet in nfqueue.packets(data):
                try:
                    mark = self._judge(packet)
                except Exception as error:  # noqa: BLE001 - the barrier: it goes on as it is
                    self._met(error)
                    mark = None
                verdicts.append(self._verdict(packet[0], mark))
        self.packets += len(verdicts)
        if verdicts:
            self._send(verdicts[0] if len(verdicts) == 1 else b"".join(verdicts))
            self._sent()
        return read == _TURN_MAX

    def _send(self, verdicts: bytes) -> None:
        try:
            self.queue.send(verdicts)
        except OSError:
            return  # the packets went with their queue: the table was taken down meanwhile

    def _note_some(self) -> bool:
        read = 0
        for data in _reads(self.log, self._more_log):
            read += 1
            packets = nfqueue.packets(data)
            for packet in packets:
                try:
                    self._note(packet)
                except Exception as error:  # noqa: BLE001 - the barrier
                    self._met(error)
            self.packets += len(packets)
        return read == _TURN_MAX

    def drain(self) -> None:
        """What waits is read now; what floods in meanwhile is not waited for."""
        for read in (self._judge_some, self._note_some):
            for _ in range(_SETTLE_MAX):
                if not read():
                    break

    def close(self) -> None:
        self.queue.close()
        self.log.close()


def _reads(sock: socket.socket, poll: select.poll) -> Iterator[bytes]:
    """What waits, each read when the one before has been dealt with: meanwhile the rest of a burst comes in.

    Most often it is one, and to ask costs a third of the exception that a read of nothing is.
    """
    read = 0
    while read < _TURN_MAX:
        try:
            data = sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            continue  # a copy was lost to a full buffer: unread is unrecorded
        read += 1
        yield data
        if read == 1 and not poll.poll(0):
            return


def _readable(sock: socket.socket) -> select.poll:
    made = select.poll()
    made.register(sock, select.POLLIN)
    return made


def _bound(work: list[Message]) -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER)
    try:
        sock.bind((0, 0))
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM_BYTES)
        sock.setsockopt(_SOL_NETLINK, _NO_ENOBUFS, 1)
        sock.setblocking(False)
        for seq, message in enumerate(work):
            _ask(sock, encode(message, seq + 1))
    except OSError:
        sock.close()
        raise
    return sock


def _ask(sock: socket.socket, request: bytes) -> None:
    """netfilter answers inside send()."""
    sock.send(request)
    try:
        answers = messages(sock.recv(_READ_BYTES))
    except BadInput as error:
        raise OSError(str(error)) from error
    for answer in answers:
        if answer.errno:
            raise OSError(answer.errno, "the kernel has no queue or log for packets, or somebody else reads it")
