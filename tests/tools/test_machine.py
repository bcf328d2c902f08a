"""What boots: the kinds of OpenWrt's images, unpacking them, the layout of a disk that boots by itself."""

import gzip
import struct

import pytest

from tools.openwrt import combined, machine, trial
from tools.openwrt.rootfs import Missing

NAMES = {
    "openwrt-24.10.4-x86-64-generic-ext4-combined.img.gz": ("qemu-system-x86_64", ""),
    "openwrt-24.10.4-x86-64-generic-squashfs-combined-efi.img.gz": ("qemu-system-x86_64", "ovmf"),
    "openwrt-24.10.4-armsr-armv8-generic-ext4-combined-efi.img.gz": ("qemu-system-aarch64", "qemu-efi-aarch64"),
    "openwrt-25.12.0-armsr-armv7-generic-squashfs-combined.img.gz": ("qemu-system-arm", "qemu-efi-arm"),
    "my router.img": ("qemu-system-x86_64", ""),
}


@pytest.mark.parametrize("name", NAMES)
def test_the_name_tells_how_an_image_is_started(name):
    kind = machine.kind_of(name)
    assert (kind.emulator, kind.package) == NAMES[name]


def test_missing_firmware_is_named_with_its_package(tmp_path):
    kind = machine.Kind("qemu-system-x86_64", (), str(tmp_path / "none.fd"), "ovmf")
    with pytest.raises(Missing, match="install the Debian package ovmf"):
        machine.openwrt(kind, tmp_path, tmp_path, [])


def test_both_ends_of_a_cable_fit():
    cables = machine.wires(3)
    assert len({port for cable in cables for port in cable}) == 6
    router, world = machine.of_router(cables), machine.of_world(cables)
    for cable in cables:
        assert f"udp=127.0.0.1:{cable.there},localaddr=127.0.0.1:{cable.here}" in " ".join(router)
        assert f"udp=127.0.0.1:{cable.here},localaddr=127.0.0.1:{cable.there}" in " ".join(world)


@pytest.mark.parametrize("more", [b"", b"FWx0 metadata that OpenWrt appends behind the stream"])
def test_images_are_unpacked_and_the_owners_stays(tmp_path, more):
    content = bytes(range(256)) * 10_000
    given = tmp_path / "given.img.gz"
    given.write_bytes(gzip.compress(content) + more)
    before = given.read_bytes()
    assert trial.system_disk(given, tmp_path).read_bytes() == content
    assert given.read_bytes() == before


def test_a_plain_image_is_copied(tmp_path):
    (tmp_path / "given.img").write_bytes(b"\x33\xc0" + bytes(5000))
    assert trial.system_disk(tmp_path / "given.img", tmp_path).read_bytes() == b"\x33\xc0" + bytes(5000)


@pytest.mark.skipif(combined.missing() != "", reason=combined.missing())
def test_a_disk_has_a_table_that_a_bios_reads(tmp_path):
    partition, disk = tmp_path / "partition", tmp_path / "disk"
    partition.write_bytes(b"file system".ljust(512 * 8, b"."))
    combined.write(disk, b"core".ljust(512, b"-"), partition)
    data = disk.read_bytes()
    flag, kind, first, count = struct.unpack_from("<B3xB3xII", data, 446)
    assert (flag, kind, first, count) == (0x80, 0x83, combined.FIRST, 8)
    assert data[510:512] == b"\x55\xaa" and data[462:510] == bytes(48)
    assert data[512:516] == b"core" and data[first * 512 :].startswith(b"file system")
    with pytest.raises(Missing, match="does not fit"):
        combined.write(disk, bytes(combined.FIRST * 512), partition)
