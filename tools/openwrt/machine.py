"""QEMU's machines: the router, alone with its surroundings or with a second machine that holds them.

Software emulation only (`-accel tcg`): the same everywhere, and nothing to ask of the host.
"""

import os
import selectors
import socket
import subprocess
from pathlib import Path
from typing import NamedTuple

from tools.openwrt.image import Image
from tools.openwrt.rootfs import Missing

# Without self-tests of ciphers, and without ACPI, whose tables take the emulator long: a third of a boot.
BOOT = "console=ttyS0 quiet panic=-1 tsc=unstable random.trust_cpu=on cryptomgr.notests acpi=off"


class Wire(NamedTuple):
    """A cable between two emulators: datagrams on loopback, so that either end may be switched off and on."""

    here: int
    there: int

    @property
    def turned(self) -> "Wire":
        return Wire(self.there, self.here)

    def netdev(self, name: str) -> str:
        return f"socket,id={name},udp=127.0.0.1:{self.there},localaddr=127.0.0.1:{self.here}"


def wires(count: int) -> list[Wire]:
    """Cables on ports that are free now."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2 * count)]
    for sock in sockets:
        sock.bind(("127.0.0.1", 0))
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return [Wire(*ports[at : at + 2]) for at in range(0, 2 * count, 2)]


def mac(number: int) -> str:
    return f"02:00:00:00:00:{number:02x}"


# The machine that the guest's init.d/network expects, by MAC address.
LAN, WAN, CLIENT, ISP, GUEST, NEIGHBOUR, VISITOR = (mac(number) for number in (1, 2, 3, 4, 5, 0x22, 0x33))


def alone() -> list[str]:
    """Cards of a router that holds its surroundings in namespaces: one hub is its LAN, another its WAN."""
    arguments = []
    for number, (address, hub) in enumerate(((LAN, 1), (WAN, 2), (CLIENT, 1), (ISP, 2))):
        arguments += ["-netdev", f"hubport,hubid={hub},id=card{number}", *_card(number, address)]
    return arguments


def of_router(cables: list[Wire], online: bool = False) -> list[str]:
    """Cards of a router by itself: LAN, WAN and guest zone by cable; `online` adds one with a way out."""
    arguments = []
    for number, (address, cable) in enumerate(zip((LAN, WAN, GUEST), cables, strict=True)):
        arguments += ["-netdev", cable.netdev(f"card{number}"), *_card(number, address)]
    if online:
        arguments += ["-netdev", "user,id=card3", *_card(3, mac(6))]
    return arguments


def of_world(cables: list[Wire]) -> list[str]:
    """Cards of the machine around it: client and neighbour on the LAN, the provider, a visitor."""
    lan, wan, guest = (cable.turned for cable in cables)
    arguments = ["-netdev", lan.netdev("cable"), "-netdev", "hubport,hubid=1,id=plug,netdev=cable"]
    for number, address in enumerate((CLIENT, NEIGHBOUR)):
        arguments += ["-netdev", f"hubport,hubid=1,id=card{number}", *_card(number, address)]
    for number, (address, cable) in enumerate(((ISP, wan), (VISITOR, guest)), 2):
        arguments += ["-netdev", cable.netdev(f"card{number}"), *_card(number, address)]
    return arguments


def _card(number: int, address: str) -> list[str]:
    return ["-device", f"virtio-net-pci,netdev=card{number},mac={address},romfile="]


def ours(image: Image, role: str, cards: list[str], memory_mib: int = 384) -> list[str]:
    """QEMU's arguments for an image of ours in a role: both, router, world."""
    arguments = ["qemu-system-x86_64", "-cpu", "max", *_common(memory_mib)]
    if role == "both":
        # The guest's clock counts its instructions, 2 ns each: a router of 500 million a second, however busy this
        # machine is. Without, a busy machine makes the daemon look hung to its guard. Two machines would drift apart.
        arguments += ["-icount", "shift=1,sleep=on", "-rtc", "clock=vm"]
    arguments += ["-kernel", str(image.kernel), "-initrd", str(image.initramfs), "-append", f"{BOOT} role={role}"]
    state = image.state if role != "world" else image.world
    return [*arguments, *disk(state), *disk(image.parcels, readonly=True), *cards]


class Kind(NamedTuple):
    """How an image of OpenWrt is started: emulator, machine, firmware ("": its own) and the Debian package of that."""

    emulator: str
    machine: tuple[str, ...]
    firmware: str = ""
    package: str = ""


# By what the name of the image holds, the first that fits.
KINDS = {
    "armsr-armv8": Kind(
        "qemu-system-aarch64",
        ("-machine", "virt", "-cpu", "cortex-a57"),
        "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd",
        "qemu-efi-aarch64",
    ),
    "armsr-armv7": Kind(
        "qemu-system-arm",
        ("-machine", "virt", "-cpu", "cortex-a15"),
        "/usr/share/AAVMF/AAVMF32_CODE.fd",
        "qemu-efi-arm",
    ),
    "combined-efi": Kind("qemu-system-x86_64", ("-cpu", "max"), "/usr/share/ovmf/OVMF.fd", "ovmf"),
    "": Kind("qemu-system-x86_64", ("-cpu", "max")),
}


def kind_of(name: str) -> Kind:
    return next(kind for part, kind in KINDS.items() if part in name)


def openwrt(kind: Kind, system: Path, parcels: Path, cards: list[str]) -> list[str]:
    """QEMU's arguments for a disk that boots by itself."""
    if kind.firmware and not Path(kind.firmware).exists():
        raise Missing(f"{kind.firmware} is not here: install the Debian package {kind.package}")
    firmware = ["-bios", kind.firmware] if kind.firmware else []
    arguments = [kind.emulator, *kind.machine, *_common(512), *firmware]
    return [*arguments, *disk(system), *disk(parcels, readonly=True), *cards]


def _common(memory_mib: int) -> list[str]:
    arguments = ["-accel", "tcg", "-smp", "1", "-m", str(memory_mib), "-nodefaults", "-display", "none"]
    return [*arguments, "-serial", "stdio", "-no-user-config", "-no-reboot", "-device", "virtio-rng-pci"]


def disk(path: Path, readonly: bool = False) -> list[str]:
    # A flush ends in this machine's memory, which outlives the guest: its disk may be busy for longer than the guard's
    # patience with a daemon that is stuck in storage.
    return ["-drive", f"file={path},format=raw,if=virtio,cache=unsafe" + (",readonly=on" if readonly else "")]


class Emulator:
    """A running QEMU: the far end of a console."""

    def __init__(self, arguments: list[str]) -> None:
        self._arguments = arguments
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._write_fd = self._process.stdin.fileno()
        self._read_fd = self._process.stdout.fileno()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._read_fd, selectors.EVENT_READ)

    def read(self, timeout_s: float) -> bytes | None:
        return os.read(self._read_fd, 65536) if self._selector.select(timeout_s) else None

    def write(self, data: bytes) -> None:
        os.write(self._write_fd, data)

    def restart(self) -> None:
        self.end()
        self._start()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
