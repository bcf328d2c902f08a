"""DNS as a client has it: the configured resolvers and the agent itself are asked with dnslib."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

from dnslib import QTYPE, RCODE, DNSError, DNSRecord

from agent.core.addresses import parse_endpoint, show_endpoint
from agent.core.model import BadInput
from agent.core.settings import Settings
from agent.jobs.doctor.finding import FAILURE, OK, WARNING, Finding

TIMEOUT_S = 2.0
DNS_PORT = 53
ROOT = "."  # every resolver has an answer to it, and the question says nothing about anybody
GOOD = ("NOERROR", "NXDOMAIN")
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def upstream(settings: Settings) -> Iterator[Finding]:
    """Each resolver that the daemon would ask."""
    servers = [parse_endpoint(text) for text in settings.texts("upstream")] or of_file(settings.text("resolver_file"))
    if not servers:
        yield Finding(FAILURE, "upstream", "No resolver is configured.", "Set upstream, or name one in resolver_file.")
    answers = {server: ask(*server, tcp=False) for server in servers}
    level = WARNING if any(answer in GOOD for answer in answers.values()) else FAILURE
    for server, answer in answers.items():
        name = show_endpoint(*server)
        if answer in GOOD:
            yield Finding(OK, "upstream", f"The resolver {name} answers.")
        else:
            yield Finding(level, "upstream", f"The resolver {name} does not answer: {answer}.", "Check the WAN side.")


def agent(settings: Settings) -> Iterator[Finding]:
    """The daemon's own listeners, by UDP and TCP, as nobody in particular."""
    for text in settings.texts("dns_listen"):
        address, port = parse_endpoint(text)
        for tcp in (False, True):
            way = f"{text} by {'TCP' if tcp else 'UDP'}"
            answer = ask(WILDCARDS.get(address, address), port, tcp)
            if answer in GOOD:
                yield Finding(OK, "dns", f"The agent answers DNS on {way}.")
            else:
                yield Finding(FAILURE, "dns", f"The agent does not answer DNS on {way}: {answer}.", "Restart it.")


def of_file(path: str) -> list[tuple[str, int]]:
    """The name servers of a file like resolv.conf."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            words = [line.split() for line in file]
    except OSError:
        return []
    found = []
    for line in words:
        if len(line) > 1 and line[0] == "nameserver":
            try:
                found.append(parse_endpoint(line[1] if ":" not in line[1] else f"[{line[1]}]", DNS_PORT))
            except BadInput:
                continue
    return found


def ask(address: str, port: int, tcp: bool) -> str:
    """The response code's name, or why there was none."""
    question = DNSRecord.question(ROOT, "A")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as sock:
            sock.settimeout(TIMEOUT_S)
            sock.connect((address, port))
            reply = DNSRecord.parse(_by_tcp(sock, question.pack()) if tcp else _by_udp(sock, question.pack()))
    except TimeoutError:
        return f"nothing came within {TIMEOUT_S:.0f} seconds"
    except OSError as error:
        return error.strerror or str(error)
    except (DNSError, struct.error) as error:
        return f"what came is not DNS ({error})"
    if reply.header.id != question.header.id or reply.q.qtype != QTYPE.A:
        return "what came answers another question"
    return str(RCODE.get(reply.header.rcode))


def _by_udp(sock: socket.socket, question: bytes) -> bytes:
    sock.send(question)
    return sock.recv(4096)


def _by_tcp(sock: socket.socket, question: bytes) -> bytes:
    sock.sendall(struct.pack(">H", len(question)) + question)
    size = struct.unpack(">H", _exactly(sock, 2))[0]
    return _exactly(sock, size)


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise ConnectionResetError("the connection was closed")
        data += more
    return data
