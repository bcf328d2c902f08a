"""UDP to port 443 of a protected device: a client's first packet of QUIC is refused, everything else passes."""

import socket
import struct

import pytest

from tests.lab.lab import Lab
from tests.lab.resident import Resident
from tests.lab.test_connections import SERVERS, device
from tests.lab.traffic import fate

__all__ = ["device"]

V1, V2 = 1, 0x6B3343CF
QUIC = {
    "version 1": b"\xc3" + struct.pack(">I", V1) + b"\x08" + bytes(1250),
    "version 2": b"\xd3" + struct.pack(">I", V2) + b"\x14" + bytes(1250),
    "a draft": b"\xc0" + struct.pack(">I", 0xFF00001D) + b"\x08" + bytes(1250),
    "a reserved version": b"\xcf" + struct.pack(">I", 0x1A2A3A4A) + b"\x0c" + bytes(1250),
}
OTHERS = {
    "WireGuard, handshake": b"\x01\0\0\0" + bytes(144),
    "WireGuard, data": b"\x04\0\0\0" + bytes(range(256)) * 5,
    "DTLS 1.2": b"\x16\xfe\xfd" + bytes(1300),
    "DTLS, unified header": b"\x2f" + b"\xff" * 1300,
    "STUN": b"\0\x01\0\0\x21\x12\xa4\x42" + bytes(12),
    "TURN channel": b"\x40\0" + bytes(1300),
    "RTP": b"\x80\x60" + bytes(1300),
    "OpenVPN": b"\x38" + bytes(1300),
    "QUIC, short header": b"\x4a" + bytes(1300),
    "QUIC, handshake": b"\xe3" + struct.pack(">I", V1) + b"\x08" + bytes(1250),
    "version negotiation": b"\xc0\0\0\0\0\x08" + bytes(1250),
    "too short for an Initial": b"\xc3" + struct.pack(">I", V1) + b"\x08" + bytes(1100),
    "empty": b"",
}


def sent(lab: Lab, server: str, data: bytes, port: int) -> str:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with lab.alice.socket(family, socket.SOCK_DGRAM, 0.5) as sock:
        sock.connect((server, port))
        return fate(sock, data)


@pytest.mark.parametrize("server", SERVERS)
def test_only_quic_is_refused(lab: Lab, resident: Resident, device: int, server: str) -> None:
    for port in (443, 80):
        for name, data in QUIC.items():
            assert sent(lab, server, data, port) == "ConnectionRefusedError", name
        for name, data in OTHERS.items():
            assert sent(lab, server, data, port) == "TimeoutError", name
