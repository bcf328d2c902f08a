"""Makes everything that a run in QEMU needs: packages of two versions, the image, its disks."""

import shutil
from pathlib import Path

from tools.openwrt import image, machine, packages

FEEDS = ("privacy-agent", "luci-app-privacy-agent")
RELEASES = ("1", "2")  # PKG_RELEASE of the package to install first and of its upgrade
EPOCH = 1_700_000_000
PARCELS_MIB = 16


def prepare(folder: Path, feeds: tuple[str, ...] = FEEDS) -> image.Image:
    """Build packages and image below `folder`, with fresh disks."""
    parcels = folder / "parcels"
    shutil.rmtree(parcels, ignore_errors=True)
    for release in RELEASES:
        packages.build(list(feeds), parcels, folder / "nosdk", EPOCH, overrides={"PKG_RELEASE": release})
    made = image.make(folder, outside_depends(folder, feeds))
    image.make_disk(made.state, image.STATE_MIB, label="state")
    image.make_disk(made.parcels, PARCELS_MIB, parcels, label="parcels")
    return made


def outside_depends(folder: Path, feeds: tuple[str, ...]) -> list[str]:
    """What our packages depend on outside the feed: the guest gets that and no more."""
    staged = [
        packages.Package(path) for feed in feeds for path in sorted((folder / "nosdk" / feed / "packages").iterdir())
    ]
    ours = {package.name for package in staged}
    return sorted({name for package in staged for name in package.depends} - ours)


def start(made: image.Image, log: Path | None = None) -> machine.Machine:
    """Boot; returns the machine with its shell at hand."""
    if log:
        log.unlink(missing_ok=True)
    running = machine.Machine(machine.command_line(made), log)
    try:
        running.login()
    except BaseException:
        running.power_off()
        raise
    return running
