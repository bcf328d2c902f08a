"""A reference receiver of sealed reports: python -m tools.collector.receiver FOLDER --certificate PEM --key PEM

It can't open what it stores, and it stores nothing else: one line of JSON a report, in a file a period. It keeps no
address, neither in a file nor in a line of its log; how often one may ask is counted in memory under a salt that
changes every minute. Put it where nothing in front of it logs addresses either.
"""

import argparse
import asyncio
import contextlib
import hashlib
import ipaddress
import os
import ssl
import sys
import time
from pathlib import Path

from agent.core.envelope import BODY_BYTES, Envelope, parse
from agent.core.model import BadInput
from agent.core.summary import SCHEMA, period_of
from tools.collector.files import lines_of
from tools.collector.opening import LATE

HEAD_MAX = 4096
IDLE_S = 20.0
CONNECTIONS_MAX = 500
# Households behind one address (carrier NAT) share this; one household sends one a week.
PER_ADDRESS = 60
WINDOW_S = 60.0
ADDRESSES_MAX = 100_000  # a minute; beyond, nobody new is let in
# Anybody can seal a report, for any of the periods that are taken: no more than this is kept of all of them together,
# 2 GB on the disk and some 100 MB of ids in memory.
KEPT_MAX = 1_000_000
PERIODS_BACK, PERIODS_AHEAD = LATE, 1  # a clock may be off by a week
REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict"}
REASONS.update({413: "Content Too Large", 429: "Too Many Requests", 503: "Service Unavailable"})


class Store:
    """Sealed reports in FOLDER/PERIOD.jsonl; each id once, and `most` in all files together."""

    def __init__(self, folder: Path, most: int = KEPT_MAX) -> None:
        self._folder = folder
        self._most = most
        self._ids: dict[int, set[bytes]] = {}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def add(self, envelope: Envelope, line: bytes) -> bool:
        """Durable before it returns; False when it is there already. OSError, also when it is full."""
        known = self._known(envelope.period)
        report = bytes.fromhex(envelope.id)
        if report in known:
            return False
        if self._kept() >= self._most:
            raise OSError("as many as are kept")
        self._append(envelope.period, line)
        known.add(report)
        return True

    def _kept(self) -> int:
        """Looked at each time: the operator takes away what was counted."""
        size = 0
        for path in self._folder.glob("*.jsonl"):
            with contextlib.suppress(FileNotFoundError):
                size += path.stat().st_size
        return size // BODY_BYTES

    def _append(self, period: int, line: bytes) -> None:
        fd = os.open(self._path(period), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            size = os.fstat(fd).st_size
            try:
                if size % BODY_BYTES:
                    # The end of a line that a crash cut off: the report was not acknowledged and comes again.
                    os.ftruncate(fd, size - size % BODY_BYTES)
                    size -= size % BODY_BYTES
                if os.write(fd, line) != len(line):
                    raise OSError("the disk is full")
                os.fsync(fd)
            except OSError:
                os.ftruncate(fd, size)
                raise
        finally:
            os.close(fd)

    def _path(self, period: int) -> Path:
        return self._folder / f"{period}.jsonl"

    def _known(self, period: int) -> set[bytes]:
        if period not in self._ids:
            self._ids[period] = self._read(self._path(period))
            for old in [one for one in self._ids if one < period - PERIODS_BACK - PERIODS_AHEAD - 1]:
                del self._ids[old]
        return self._ids[period]

    @staticmethod
    def _read(path: Path) -> set[bytes]:
        found = set()
        for line in lines_of(path) if path.exists() else ():
            with contextlib.suppress(BadInput):
                found.add(bytes.fromhex(parse(line).id))
        return found


class Rates:
    """How often an address asked within this minute, by a hash whose salt nobody keeps. Of IPv6 the network counts
    (/64): whoever has one address there has them all."""

    def __init__(self, most: int = PER_ADDRESS) -> None:
        self._most = most
        self._since = -WINDOW_S
        self._salt = b""
        self._counts: dict[bytes, int] = {}

    def allows(self, address: str, now: float) -> bool:
        if now - self._since >= WINDOW_S:
            self._since, self._salt, self._counts = now, os.urandom(16), {}
        who = hashlib.blake2b(network(address), key=self._salt, digest_size=8).digest()
        if who not in self._counts and len(self._counts) >= ADDRESSES_MAX:
            return False
        self._counts[who] = self._counts.get(who, 0) + 1
        return self._counts[who] <= self._most


def network(address: str) -> bytes:
    """What is counted as one: an IPv4 address, also one within IPv6, or the first half of an IPv6 address."""
    found = ipaddress.ip_address(address.split("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        return found.ipv4_mapped.packed if found.ipv4_mapped else found.packed[:8]
    return found.packed


class Receiver:
    """`keys` are the ids of public keys that are in use; none: any."""

    def __init__(self, store: Store, path: str = "/", keys: frozenset[str] = frozenset(), rates: Rates | None = None):
        self._store = store
        self._path = path
        self._keys = keys
        self._rates = rates or Rates()
        self._open = 0
        self.counts: dict[int, int] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one report."""
        self._open += 1
        try:
            async with asyncio.timeout(IDLE_S):
                status = await self._status(reader, writer)
                self.counts[status] = self.counts.get(status, 0) + 1
                reply = f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                writer.write(reply.encode())
                await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            self.counts[0] = self.counts.get(0, 0) + 1
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError, ssl.SSLError):
                await writer.wait_closed()

    async def _status(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        if self._open > CONNECTIONS_MAX:
            return 503
        peer = writer.get_extra_info("peername")
        if not peer or not self._rates.allows(str(peer[0]), time.monotonic()):
            return 429
        head = await reader.readuntil(b"\r\n\r\n")
        refused, expects = self._judge(head)
        if refused:
            return refused
        if expects:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return self.take(await reader.readexactly(BODY_BYTES))

    def _judge(self, head: bytes) -> tuple[int, bool]:
        """(the status that refuses a request by its head, or 0; whether it waits for a word before its body)."""
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        if len(words) != 3:
            return 400, False
        if words[1] != self._path:
            return 404, False
        if words[0] != "POST":
            return 405, False
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()) or "transfer-encoding" in headers:
            return 400, False
        if int(length[:9]) != BODY_BYTES:
            return (413 if int(length[:9]) > BODY_BYTES else 400), False
        return 0, headers.get("expect", "").lower() == "100-continue"

    def take(self, line: bytes) -> int:
        """The status for a body: stored, there already, or not one of ours."""
        now = period_of(int(time.time()))
        try:
            envelope = parse(line)
        except BadInput:
            return 400
        if envelope.schema != SCHEMA or (self._keys and envelope.key not in self._keys):
            return 400
        if not now - PERIODS_BACK <= envelope.period <= now + PERIODS_AHEAD:
            return 400
        try:
            return 201 if self._store.add(envelope, line) else 409
        except OSError:
            return 503


async def run(receiver: Receiver, host: str, port: int, context: ssl.SSLContext) -> None:
    server = await asyncio.start_server(
        receiver.serve, host, port, ssl=context, limit=HEAD_MAX, ssl_handshake_timeout=10
    )
    print("ready", flush=True)
    async with server:
        while True:
            await asyncio.sleep(WINDOW_S)
            told = ", ".join(f"{status or 'cut off'}: {n}" for status, n in sorted(receiver.counts.items()))
            print(told or "nothing", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Receives sealed reports and stores them unopened.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--certificate", required=True, help="chain in PEM")
    parser.add_argument("--key", required=True, help="its private key in PEM")
    parser.add_argument("--listen", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--path", default="/")
    parser.add_argument("--accept", action="append", default=[], metavar="KEY-ID", help="public keys in use")
    parser.add_argument("--most", type=int, default=KEPT_MAX, help=f"reports kept in all (default {KEPT_MAX})")
    options = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    context.num_tickets = 0  # nothing by which a household's next report could be told
    receiver = Receiver(Store(options.folder, options.most), options.path, frozenset(options.accept))
    # What asyncio itself would print of a broken handshake has an address in it.
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _, __: None)
    with contextlib.suppress(KeyboardInterrupt):
        loop.run_until_complete(run(receiver, options.listen, options.port, context))
    return 0


if __name__ == "__main__":
    sys.exit(main())
