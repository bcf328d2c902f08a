"""Makes everything that a run in QEMU needs: packages of two versions, the image, its disks; and starts it."""

import shutil
import zlib
from pathlib import Path
from typing import NamedTuple

from tools.openwrt import combined, image, machine, packages
from tools.openwrt.console import Console
from tools.openwrt.rootfs import Missing

BASIC = ("privacy-agent",)
FULL = ("privacy-agent", "luci-app-privacy-agent", "python-dnslib", "privacy-agent-doctor")
RELEASES = ("1", "2")  # PKG_RELEASE of the package to install first and of its upgrade
EPOCH = 1_700_000_000
PARCELS_MIB = 16
GZIP = b"\x1f\x8b"


class Trial(NamedTuple):
    """A router's console, and that of the machine around it: the same one where the router holds its surroundings."""

    router: Console
    world: Console

    def end(self) -> None:
        self.router.power_off()
        if self.world is not self.router:
            self.world.power_off()


def prepare(folder: Path, feeds: tuple[str, ...] = FULL, more: Path | None = None) -> image.Image:
    """Build packages and image below `folder`, with fresh disks. `more` is a folder of packages to lie beside ours."""
    parcels = folder / "parcels"
    shutil.rmtree(parcels, ignore_errors=True)
    for release in RELEASES:
        packages.build(list(feeds), parcels, folder / "nosdk", EPOCH, overrides={"PKG_RELEASE": release})
    if more:
        shutil.copytree(more, parcels / "more")
    made = image.make(folder, outside_depends(folder, feeds))
    for disk, label in ((made.state, "state"), (made.world, "world")):
        image.make_disk(disk, image.STATE_MIB, label=label)
    size = sum(path.stat().st_size for path in parcels.rglob("*") if path.is_file())
    image.make_disk(made.parcels, PARCELS_MIB + (size >> 20), parcels, label="parcels")
    return made


def outside_depends(folder: Path, feeds: tuple[str, ...]) -> list[str]:
    """What our packages depend on outside the feed: the guest gets that and no more."""
    staged = [
        packages.Package(path) for feed in feeds for path in sorted((folder / "nosdk" / feed / "packages").iterdir())
    ]
    ours = {package.name for package in staged}
    return sorted({name for package in staged for name in package.depends} - ours)


def start(made: image.Image, log: Path | None = None) -> Trial:
    """Boot a router of ours that holds its surroundings; returns its shell at hand."""
    console = _boot(machine.ours(made, "both", machine.alone()), log)
    return Trial(console, console)


def start_pair(made: image.Image, system: Path, name: str, online: bool, log: Path | None = None) -> Trial:
    """Boot a disk with an OpenWrt, and beside it a machine of ours with what is around a router.

    `name` is the image's, by which its kind is known; `online` gives it a way out, to fetch packages.
    """
    cables = machine.wires(3)
    world = _boot(machine.ours(made, "world", machine.of_world(cables)), log and log.with_suffix(".world"))
    kind = machine.kind_of(name)
    arguments = machine.openwrt(kind, system, made.parcels, machine.of_router(cables, online))
    try:
        return Trial(_boot(arguments, log), world)
    except BaseException:
        world.power_off()
        raise


def _boot(arguments: list[str], log: Path | None) -> Console:
    if log:
        log.unlink(missing_ok=True)
    console = Console(machine.Emulator(arguments), log)
    try:
        console.login()
    except BaseException:
        console.power_off()
        raise
    return console


def system_disk(given: Path, folder: Path) -> Path:
    """A copy of an image to boot from, unpacked where it is packed: the owner's file stays as it is."""
    target = folder / "openwrt.img"
    with open(given, "rb") as source, open(target, "wb") as out:
        packed = source.read(2) == GZIP
        source.seek(0)
        # OpenWrt appends metadata to the packed image, which is no part of the stream.
        stream = zlib.decompressobj(31) if packed else None
        while data := source.read(1 << 20):
            out.write(stream.decompress(data) if stream else data)
    return target


def imitation(made: image.Image, folder: Path) -> Path:
    """A disk that boots by itself with a router of ours: what the way of a real image is tried on."""
    if why := combined.missing():
        raise Missing(why)
    target = folder / "imitation-x86-64-generic-ext4-combined.img"
    combined.make(made, target)
    return target
