"""UDP to port 443 of a protected device: a client's first packet of QUIC is refused, everything else passes."""

import socket
import struct

import pytest

from tests.lab.lab import ALICE_MAC, Lab
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
    "OpenVPN, data": b"\x48" + bytes(1300),
    "OpenVPN, tls-crypt-v2": b"\x50" + bytes(1300),
    "OpenVPN, wrapped key": b"\x58" + bytes(1300),
    "QUIC or a TURN channel": b"\x4a" + bytes(1300),
    "too short for QUIC": b"\x5a" + bytes(19),
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


@pytest.mark.parametrize("server", SERVERS)
def test_quic_that_was_open_before_protection(lab: Lab, resident: Resident, server: str) -> None:
    """Its packets bear no version; the connection goes on from its port, or from another one."""
    short = [bytes([first]) + bytes(range(40)) for first in (0x41, 0x52, 0x4F, 0x44)]
    family = socket.AF_INET6 if ":" in server else socket.AF_INET

    def fates(sock: socket.socket) -> list[str]:
        sock.connect((server, 443))
        return [fate(sock, data) for data in short]

    with (
        lab.alice.socket(family, socket.SOCK_DGRAM, 0.3) as old,
        lab.alice.socket(family, socket.SOCK_DGRAM, 0.3) as new,
    ):
        assert fates(old) == ["TimeoutError"] * 4
        number = resident.add("Tablet", ALICE_MAC)
        resident.on(number)
        assert fates(old) == ["TimeoutError"] * 4, "history refuses nothing"
        resident.on(number, "protection")
        for sock in (old, new):
            assert fates(sock)[1:] == ["ConnectionRefusedError"] * 3
        resident.call("settings.set", key="refuse_quic", value=False)
        with lab.alice.socket(family, socket.SOCK_DGRAM, 0.3) as third:
            assert fates(third) == ["TimeoutError"] * 4
