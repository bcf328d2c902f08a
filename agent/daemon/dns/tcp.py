"""DNS by TCP (RFC 7766): few connections, short patience, and several questions on one of them.

Nobody is turned away for being one too many: who has no place yet waits, as do those behind in the backlog.
"""

from agent.core.marks import of_syn
from agent.core.wire import HEADER
from agent.daemon.dns.pending import Listener
from agent.daemon.dns.service import Dns
from agent.daemon.dns.sessions import DnsSession
from agent.daemon.loop import Loop
from agent.platform.cmodules import accept, socket

CONNECTIONS_MAX = 64  # TCP is for the odd long answer; each takes some kilobytes
PER_ADDRESS_MAX = 32  # a program that looks names up in parallel opens one for each
WAITING_MAX = 128  # accepted, but not read yet: a descriptor and a kilobyte each
WAITING_PER_ADDRESS_MAX = 96  # one device does not take them all
QUIET_S = 1.0  # who has said nothing for so long, and is owed nothing, makes room where somebody waits
ACCEPT_DRAIN = 16
BACKLOG_MAX = 4096  # what net.core.somaxconn allows by default
# From the last whole question or answer. Bytes that trickle in don't prolong it.
IDLE_S = 10.0
FAREWELL_S = 2.0  # for the other side to close too, once nothing more comes
SWEEP_S = 1.0
OPEN_MAX = 16  # questions of one connection in flight
QUERY_MAX = 4096
CHUNK = 4096
UNREAD_MAX = 1 << 16  # with more bytes of answers that wait for the client to read them, no question is taken
OUT_MAX = 1 << 18  # the answers to what is open then may still come, but not all of them at full size

# <linux/tcp.h>. The switch leaves the mark in the SYN, see `marks.of_syn`; 2 keeps it from the Ethernet header on.
TCP_SAVE_SYN = 27
TCP_SAVED_SYN = 28
SYN_MAX = 256


class TcpClient:
    """A client's. `open` counts its questions without an answer.

    After `ended` none is taken, after `hung_up` none comes. `doubtful`: who it is was known before
    a change, and is asked again with what comes next.
    """

    __slots__ = (
        *("socket", "address", "lane", "received", "out", "open", "deadline"),
        *("ended", "hung_up", "doubtful", "closed", "busy"),
    )

    def __init__(self, accepted: socket.socket, address: str, lane: DnsSession, deadline: float) -> None:
        self.socket = accepted
        self.address = address
        self.lane = lane
        self.received = bytearray()
        self.out = bytearray()
        self.open = 0
        self.deadline = deadline
        self.ended = False
        self.hung_up = False
        self.doubtful = False
        self.closed = False
        self.busy = False

    @property
    def has_room(self) -> bool:
        return self.open < OPEN_MAX and len(self.out) < UNREAD_MAX

    @property
    def has_query(self) -> bool:
        return len(self.received) >= 2 + max(HEADER, int.from_bytes(self.received[:2], "big"))

    def next_query(self) -> bytes | None:
        """The next whole message, taken from what was received; BufferError when what comes can't be one."""
        if len(self.received) < 2:
            return None
        size = int.from_bytes(self.received[:2], "big")
        if not HEADER <= size <= QUERY_MAX:
            raise BufferError
        if len(self.received) < 2 + size:
            return None
        message = bytes(self.received[2 : 2 + size])
        del self.received[: 2 + size]
        return message


class Tcp(Listener):
    """A bound, listening, non-blocking TCP socket and its connections. Its `to` is the connection."""

    stream = True

    def __init__(self, loop: Loop, dns: Dns, listening: socket.socket, by_mark: bool) -> None:
        self._loop = loop
        self._dns = dns
        self._socket = listening
        self._by_mark = by_mark
        self._connections: set[TcpClient] = set()
        self._waiting: dict[TcpClient, None] = {}  # in the order in which they came
        self._accepting = True
        self._sweeping = False
        loop.add(listening, self._accept)
        dns.attach(self)

    def send(self, message: bytes, to: object) -> None:
        assert isinstance(to, TcpClient)
        if to.closed:
            return
        to.open -= 1
        to.out += len(message).to_bytes(2, "big") + message
        if len(to.out) > OUT_MAX:
            self._drop(to)
        elif not to.busy:
            self._advance(to)

    def drain(self) -> None:
        """What was asked until now is answered to whoever asked; with what comes next it is identified anew."""
        self._accept_all()
        waiting, self._waiting = self._waiting, {}
        self._connections.update(waiting)
        for connection in list(self._connections):
            all_read = self._read_all(connection)
            if connection.closed:
                continue
            connection.doubtful = True
            # Those that waited have no place to stay in. A part of a question is one of before.
            connection.ended |= connection in waiting or not all_read or bool(connection.received)
            self._advance(connection)

    def close(self) -> None:
        for connection in [*self._waiting, *self._connections]:
            self._waiting.pop(connection, None)
            self._end(connection)
        self._loop.remove(self._socket)
        self._socket.close()

    # connections

    def _accept_all(self) -> None:
        """None stays in the backlog to be taken for one of later."""
        try:
            for _ in range(BACKLOG_MAX):
                accepted, source = accept(self._socket)
                if len(self._waiting) < WAITING_MAX:
                    self._welcome(accepted, source[0])
                else:
                    accepted.close()
        except OSError:
            pass  # no more

    def _accept(self) -> None:
        try:
            for _ in range(ACCEPT_DRAIN):
                if len(self._waiting) >= WAITING_MAX:
                    self._loop.remove(self._socket)
                    self._accepting = False
                    return
                accepted, source = accept(self._socket)
                self._welcome(accepted, source[0])
        except OSError:
            pass  # no more, or gone again already, or no descriptor left: they come again

    def _welcome(self, accepted: socket.socket, address: str) -> None:
        accepted.setblocking(False)
        if sum(waiting.address == address for waiting in self._waiting) >= WAITING_PER_ADDRESS_MAX:
            accepted.close()
            return
        lane = self._lane(accepted, address)
        connection = TcpClient(accepted, address, lane, self._loop.now + IDLE_S)
        if self._has_place(connection):
            self._begin(connection)
        else:
            self._waiting[connection] = None
        if not self._sweeping:
            self._sweeping = True
            self._loop.after(SWEEP_S, self._sweep)

    def _has_place(self, connection: TcpClient) -> bool:
        """Makes room where it can: a quiet one goes, or with all places taken one of whoever has far more."""
        own = [one for one in self._connections if one.address == connection.address]
        if len(own) >= PER_ADDRESS_MAX:
            going = [one for one in own if self._is_quiet(one)]
        elif len(self._connections) >= CONNECTIONS_MAX:
            going = [one for one in self._connections if self._is_quiet(one)] or self._of_the_greediest(len(own) + 1)
        else:
            return True
        if going:
            self._end(min(going, key=lambda one: one.deadline))
        return bool(going)

    def _of_the_greediest(self, least: int) -> list[TcpClient]:
        by_address: dict[str, list[TcpClient]] = {}
        for one in self._connections:
            by_address.setdefault(one.address, []).append(one)
        most = max(by_address.values(), key=len)
        return most if len(most) > least else []

    def _is_quiet(self, connection: TcpClient) -> bool:
        owed = connection.open or connection.out or connection.received
        return not owed and connection.deadline <= self._loop.now + IDLE_S - QUIET_S

    def _begin(self, connection: TcpClient) -> None:
        self._connections.add(connection)
        connection.deadline = self._loop.now + IDLE_S
        self._loop.add(connection.socket, lambda: self._read(connection))

    def _let_in(self) -> None:
        """There may be a place for somebody who waits."""
        for connection in list(self._waiting):
            if self._has_place(connection):
                del self._waiting[connection]
                self._begin(connection)
        if not self._accepting and len(self._waiting) < WAITING_MAX:
            self._accepting = True
            self._loop.add(self._socket, self._accept)

    def _lane(self, accepted: socket.socket, address: str) -> DnsSession:
        """Not from the known ones: a connection is of a moment, and an address says less than its SYN's mark."""
        return self._dns.lanes.of_connection(_mark_of(accepted) if self._by_mark else None, address)

    def _sweep(self) -> None:
        every = [*self._connections, *self._waiting]
        overdue = [connection for connection in every if connection.deadline <= self._loop.now]
        self._sweeping = len(overdue) < len(every)
        if self._sweeping:
            self._loop.after(SWEEP_S, self._sweep)
        for connection in overdue:
            self._end(connection)
        self._let_in()

    def _drop(self, connection: TcpClient) -> None:
        self._end(connection)
        if self._waiting or not self._accepting:
            self._let_in()

    def _say_farewell(self, connection: TcpClient) -> None:
        """Closed with something unread, TCP would tell the other side to forget what it has not read of us either."""
        connection.deadline = min(connection.deadline, self._loop.now + FAREWELL_S)
        try:
            if connection.hung_up:
                raise OSError
            connection.socket.shutdown(socket.SHUT_WR)
            self._loop.add(connection.socket, lambda: self._discard(connection))
        except OSError:
            self._drop(connection)

    def _discard(self, connection: TcpClient) -> None:
        try:
            if connection.socket.recv(CHUNK):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._drop(connection)

    def _end(self, connection: TcpClient) -> None:
        connection.closed = True
        self._connections.discard(connection)
        self._waiting.pop(connection, None)
        self._loop.remove(connection.socket)
        connection.socket.close()

    # bytes

    def _read(self, connection: TcpClient) -> None:
        self._receive(connection)

    def _receive(self, connection: TcpClient) -> bool:
        """Whether more may be there."""
        try:
            chunk = connection.socket.recv(CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            self._drop(connection)
            return False
        # Half closed: what was asked is still answered.
        connection.hung_up = not chunk
        if connection.doubtful and chunk:
            connection.doubtful = False
            connection.ended = connection.ended or not self._is_known_still(connection)
        connection.ended = connection.ended or connection.hung_up
        if not connection.ended:
            connection.received += chunk
        self._advance(connection)
        return not connection.ended

    def _read_all(self, connection: TcpClient) -> bool:
        """Whether all that was sent until now is read: there is a limit."""
        for _ in range(OPEN_MAX):
            if not connection.has_room:
                return False
            if not self._receive(connection):
                return True
        return False

    def _is_known_still(self, connection: TcpClient) -> bool:
        """Whether it is of a client of now, whose lane it then has. A mark that is nobody's now was somebody's."""
        connection.lane = self._dns.lanes.of_connection(*connection.lane.source)
        return connection.lane.client is not None or not self._by_mark

    def _advance(self, connection: TcpClient) -> None:
        """Takes on what was received, sends what was answered, and watches for what there is room for."""
        connection.busy = True
        try:
            self._take_on(connection)
            self._write(connection)
            # What was written may have made room for questions that wait here; nothing else would come back to them.
            while connection.has_room and connection.has_query:
                self._take_on(connection)
                self._write(connection)
        except (BufferError, OSError):
            self._drop(connection)
            return
        except Exception as error:  # noqa: BLE001 - the barrier
            self._loop.faults.met(error)
            self._drop(connection)
            return
        connection.busy = False
        if connection.ended and not connection.open and not connection.out:
            self._say_farewell(connection)
            return
        readable = (lambda: self._read(connection)) if connection.has_room and not connection.ended else None
        writable = (lambda: self._advance(connection)) if connection.out else None
        if readable or writable:
            self._loop.add(connection.socket, readable, writable)
        else:
            # Watched for nothing, it would still wake the loop again and again after a hang-up.
            self._loop.remove(connection.socket)

    def _take_on(self, connection: TcpClient) -> None:
        while connection.has_room:
            message = connection.next_query()
            if message is None:
                return
            connection.open += 1
            connection.deadline = self._loop.now + IDLE_S
            self._dns.query(connection.lane, message, self, connection)
            self._dns.asked(1)

    def _write(self, connection: TcpClient) -> None:
        if not connection.out:
            return
        try:
            del connection.out[: connection.socket.send(connection.out)]
        except BlockingIOError:
            return
        if not connection.out:
            connection.deadline = self._loop.now + IDLE_S


def _mark_of(accepted: socket.socket) -> int:
    """0, which is nobody's, for a connection that did not come by the switch."""
    try:
        return of_syn(accepted.getsockopt(socket.IPPROTO_TCP, TCP_SAVED_SYN, SYN_MAX)) or 0
    except OSError:
        return 0
