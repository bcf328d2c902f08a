"""Ports for servers of the tests' own."""

import random
import socket

# Below those that the kernel gives to clients (net.ipv4.ip_local_port_range): theirs may be taken the moment after.
FIRST, LAST = 12000, 32000


def free_port(host: str = "127.0.0.1") -> int:
    """One that is free for both UDP and TCP; drawn, so that two who look at the same time find different ones."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        port = random.SystemRandom().randrange(FIRST, LAST)
        with socket.socket(family, socket.SOCK_STREAM) as stream, socket.socket(family, socket.SOCK_DGRAM) as datagrams:
            try:
                stream.bind((host, port))
                datagrams.bind((host, port))
            except OSError:
                continue
            return port
