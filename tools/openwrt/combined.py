"""Makes a disk that boots by itself, laid out as OpenWrt's "combined" images: a partition table, GRUB, a partition with
/boot, and a router of ours in it. What a real image is driven by can be tried on it.
"""

import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from tools.openwrt import image, machine, rootfs

GRUB = Path("/usr/lib/grub/i386-pc")
SECTOR = 512
FIRST = 2048  # sector of the partition; GRUB lies between the table and it
LINUX = 0x83
MODULES = "biosdisk part_msdos ext2 normal configfile linux serial terminal echo".split()

# The head of OpenWrt's grub-pc.cfg, and a menu that waits for nobody.
MENU = """serial --unit=0 --speed=115200 --word=8 --parity=no --stop=1
terminal_input console serial; terminal_output console serial
set default="0"
set timeout="1"
set root='(hd0,msdos1)'
menuentry "OpenWrt" {{
	linux /boot/vmlinuz {words}
	initrd /boot/initramfs
}}
menuentry "OpenWrt (failsafe)" {{
	linux /boot/vmlinuz failsafe=true {words}
}}
"""


def missing() -> str:
    """Why it can't be made here, or nothing."""
    if shutil.which("grub-mkimage") is None or not (GRUB / "boot.img").exists():
        return "GRUB's images are not installed (Debian: grub-common, grub-pc-bin)"
    return ""


def make(made: image.Image, target: Path, words: str = machine.BOOT + " role=router overlay=/dev/vda1") -> None:
    """Write the disk. `words` are the kernel's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boot = folder / "root" / "boot"
        (boot / "grub").mkdir(parents=True)
        shutil.copy(made.kernel, boot / "vmlinuz")
        shutil.copy(made.initramfs, boot / "initramfs")
        (boot / "grub" / "grub.cfg").write_text(MENU.format(words=words))
        size = sum(path.stat().st_size for path in boot.rglob("*") if path.is_file())
        partition = folder / "partition"
        image.make_disk(partition, (size >> 20) + image.STATE_MIB, folder / "root", label="kernel")
        core = folder / "core.img"
        subprocess.run(
            ["grub-mkimage", "-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-o", core, *MODULES], check=True
        )
        write(target, core.read_bytes(), partition)


def write(target: Path, core: bytes, partition: Path) -> None:
    """Table and boot code, GRUB's core right behind, the partition."""
    if len(core) > (FIRST - 1) * SECTOR:
        raise rootfs.Missing("GRUB's core does not fit before the partition")
    content = partition.read_bytes()
    boot = (GRUB / "boot.img").read_bytes()
    # Addresses by cylinder are not used by anything: the largest there are.
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", LINUX, b"\xfe\xff\xff", FIRST, len(content) // SECTOR)
    table = boot[:440] + bytes(6) + entry.ljust(64, b"\0") + b"\x55\xaa"
    with open(target, "wb") as disk:
        disk.write(table + core)
        disk.seek(FIRST * SECTOR)
        disk.write(content)
