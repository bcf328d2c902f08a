"""Makes what QEMU boots: kernel, initramfs, a writable disk for what a reboot must keep, and a disk of packages."""

import os
import subprocess
from pathlib import Path

from tools.openwrt import cpio, rootfs

GUEST = Path(__file__).resolve().parents[2] / "tests" / "qemu" / "guest"

# What a router without us already has, by package name: the opkg of the guest checks dependencies against it.
BASE_PACKAGES = ("libc", "kmod-nft-core", "dnsmasq", "firewall4", "luci-base")

STATE_MIB = 32


class Image:
    """Paths of a made image: what boots, what the router and the machine around it may write to, the packages."""

    __slots__ = ("kernel", "initramfs", "state", "world", "parcels")

    def __init__(self, folder: Path) -> None:
        self.kernel = folder / "kernel"
        self.initramfs = folder / "initramfs.cpio"
        self.state = folder / "state.ext4"
        self.world = folder / "world.ext4"
        self.parcels = folder / "parcels.ext4"


def make(folder: Path, depends: list[str]) -> Image:
    """Make kernel and initramfs in `folder`, with what these OpenWrt packages contain; disks are made per run."""
    folder.mkdir(parents=True, exist_ok=True)
    image = Image(folder)
    kernel, release = rootfs.kernel()
    image.kernel.unlink(missing_ok=True)
    image.kernel.symlink_to(kernel)
    root = compose(release, depends)
    with open(image.initramfs, "wb") as out:
        cpio.write(out, root.entries())
    return image


def compose(release: str, depends: list[str]) -> rootfs.Root:
    """A router's files with what these packages bring; without kernel modules where `release` is empty."""
    root = rootfs.Root()
    for path in ("proc", "sys", "dev", "tmp", "root", "overlay", "usr/lib/opkg/info", "etc/rc.d", "lib/upgrade"):
        root.add(cpio.directory(path))
    root.add(cpio.symlink("var", "tmp"))
    root.add(cpio.symlink("run", "tmp/run"))
    root.add(cpio.console())
    root.tree(GUEST)
    for program in rootfs.PROGRAMS:
        root.program(Path(program))
    for file in rootfs.FILES:
        root.file(Path(file))
    rootfs.add_depends(root, release, depends)
    listing = "".join(f"{name}\n" for name in sorted({*BASE_PACKAGES, *depends}))
    root.add(cpio.regular("usr/lib/opkg/provided", listing.encode()))
    root.applets()
    return root


def make_disk(path: Path, mib: int, content: Path | None = None, label: str = "") -> None:
    """An ext4 file system in a sparse file, with the content of a folder."""
    path.unlink(missing_ok=True)
    with open(path, "wb") as file:
        os.truncate(file.fileno(), mib << 20)
    command = ["mke2fs", "-q", "-t", "ext4", "-L", label, "-E", "root_owner=0:0"]
    if content is not None:
        command += ["-d", str(content)]
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
    subprocess.run([*command, str(path)], check=True, env=environment)
