"""Makes everything that a run in QEMU needs: packages of two versions, the image, its disks."""

import shutil
from pathlib import Path

from tools.openwrt import image, machine, packages

RELEASES = ("1", "2")  # PKG_RELEASE of the package to install first and of its upgrade
EPOCH = 1_700_000_000
PARCELS_MIB = 16


def prepare(folder: Path, feeds: tuple[str, ...] = ("privacy-agent",)) -> image.Image:
    """Build packages and image below `folder`, with fresh disks."""
    parcels = folder / "parcels"
    shutil.rmtree(parcels, ignore_errors=True)
    for release in RELEASES:
        packages.build(list(feeds), parcels, folder / "nosdk", EPOCH, overrides={"PKG_RELEASE": release})
    made = image.make(folder, python_packages(folder), [])
    image.make_disk(made.state, image.STATE_MIB, label="state")
    image.make_disk(made.parcels, PARCELS_MIB, parcels, label="parcels")
    return made


def python_packages(folder: Path) -> list[str]:
    """What the agent's package depends on of Python: the guest gets these modules and no others."""
    package = packages.Package(folder / "nosdk" / "privacy-agent" / "packages" / "privacy-agent")
    return [name for name in package.depends if name.startswith("python3-")]


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
