"""How to build an image with the agent in it, for a model: the command line of OpenWrt's ImageBuilder.

Which models fit is a matter of flash and memory. By tools/openwrt/footprint.py and the tests' file sets (x86-64) it
takes, with Python and libraries, about 9 MB packed and 28 MB unpacked; 17 MB of memory for daemon and guard, up to 20
more for the web page while it is used, and up to 30 MB for minutes while lists are compiled.
"""

from typing import NamedTuple

RELEASES = {"24.10": ".ipk", "25.12": ".apk"}
OURS = ("privacy-agent", "luci-app-privacy-agent")
DOCTOR = ("privacy-agent-doctor",)

# Less cannot work: the agent with Python takes more than half of 16 MB, and half of the memory that 64 MB leave.
FLASH_LEAST_MB, MEMORY_LEAST_MB = 16, 128
# With this much it can be installed on an image as it is, and the default lists fit.
FLASH_EASY_MB, MEMORY_EASY_MB = 64, 256


class Model(NamedTuple):
    """`target` and `profile` as ImageBuilder names them; sizes of flash and memory."""

    target: str
    profile: str
    flash_mb: int
    memory_mb: int


# Examples of each class; any other model is described by the four values.
MODELS = {
    model.profile: model
    for model in (
        Model("ath79/generic", "tplink_archer-c7-v2", 16, 128),
        Model("ramips/mt7621", "xiaomi_mi-router-4a-gigabit", 16, 128),
        Model("ramips/mt7621", "netgear_r6220", 128, 128),
        Model("ramips/mt7621", "ubnt_edgerouter-x", 256, 256),
        Model("ipq40xx/generic", "avm_fritzbox-4040", 32, 256),
        Model("mediatek/mt7622", "linksys_e8450-ubi", 128, 512),
        Model("mediatek/filogic", "glinet_gl-mt3000", 256, 512),
        Model("mediatek/filogic", "glinet_gl-mt6000", 8192, 1024),
        Model("x86/64", "generic", 1024, 1024),
    )
}


class TooSmall(Exception):
    """The model can't have the agent; the message says why."""


def advice(model: Model) -> list[str]:
    """What to expect of a model, a sentence each."""
    if model.flash_mb < FLASH_LEAST_MB or model.memory_mb < MEMORY_LEAST_MB:
        raise TooSmall(
            f"{model.profile} has {model.flash_mb} MB of flash and {model.memory_mb} MB of memory; "
            f"it takes {FLASH_LEAST_MB} and {MEMORY_LEAST_MB} at least"
        )
    sentences = []
    if model.flash_mb < FLASH_EASY_MB:
        sentences.append("Only built into an image: what is installed later is not packed as well.")
    if model.memory_mb < MEMORY_EASY_MB:
        sentences.append("Small lists only: the default ones are fewer there, as memory allows; add no large one.")
    return sentences or ["Comfortable: the default lists fit."]


def packages(luci: bool, doctor: bool) -> list[str]:
    """What the image gets besides its profile's own packages; ImageBuilder adds what these depend on."""
    names = [*OURS] if luci else [OURS[0]]
    return [*(["luci"] if luci else []), *names, *(DOCTOR if doctor else ())]


def recipe(model: Model, release: str, luci: bool = True, doctor: bool = False) -> str:
    """A shell script with the sentences of `advice`. `release` is a point release (24.10.5) of one of RELEASES."""
    series = ".".join(release.split(".")[:2])
    if series not in RELEASES:
        raise ValueError(f"release {release} is none of {', '.join(RELEASES)}")
    name = model.target.replace("/", "-")
    builder = f"openwrt-imagebuilder-{release}-{name}.Linux-x86_64"
    folder = f"https://downloads.openwrt.org/releases/{release}/targets/{model.target}"
    made = "tools/build-ipk" if series == "24.10" else "OpenWrt's SDK, with packaging/openwrt as a feed"
    lines = [
        "#!/bin/sh -e",
        f"# OpenWrt {release} and the agent, {model.profile} ({model.flash_mb} MB flash, {model.memory_mb} MB RAM).",
        *(f"# {sentence}" for sentence in advice(model)),
        f"# In a folder with our packages (*{RELEASES[series]}, made by {made}).",
        f"wget {folder}/{builder}.tar.zst {folder}/sha256sums",
        "sha256sum -c --ignore-missing sha256sums",
        f"tar --zstd -xf {builder}.tar.zst",
        f"cp *{RELEASES[series]} {builder}/packages/",
        f"make -C {builder} image PROFILE={model.profile} PACKAGES='{' '.join(packages(luci, doctor))}'",
        f"ls {builder}/bin/targets/{model.target}/",
    ]
    return "\n".join(lines) + "\n"
