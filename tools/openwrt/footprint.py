"""What the agent takes of a router's flash with Python and libraries: `python -m tools.openwrt.footprint`.

Bytes of the files that DEPENDS brings along, as installed, and packed in blocks as squashfs packs an image. Libraries
and C modules are Debian's for this machine's processor. OpenWrt builds its own for size: take it as about.
"""

import lzma
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.openwrt import packages, rootfs, stdlib

BLOCK = 256 << 10  # of OpenWrt's squashfs images
# By package of OpenWrt's feeds: what it brings besides its part of the standard library.
LIBRARIES = {
    "libopenssl3 (python3-openssl)": ("libssl.so.3", "libcrypto.so.3"),
    "libsqlite3 (python3-sqlite3)": ("libsqlite3.so.0",),
    "libffi (python3-ctypes)": ("libffi.so.8",),
    "libsodium": ("libsodium.so.23",),
}


def packed(data: bytes) -> int:
    """Squashfs packs block by block; small files share one."""
    blocks = (data[at : at + BLOCK] for at in range(0, len(data), BLOCK))
    return sum(len(lzma.compress(block, format=lzma.FORMAT_XZ, check=lzma.CHECK_NONE)) for block in blocks)


def parts(folder: Path, version: str) -> Iterator[tuple[str, bytes]]:
    """Name of a package → the bytes of its files, one after the other."""
    (ours,) = packages.stage(packages.FEED / "privacy-agent", folder, version, {})
    packages.finish(ours, version, compiled=version == rootfs.VERSION)
    yield "python3.11 (interpreter)", rootfs.PYTHON.read_bytes()
    wanted = [name for name in ours.depends if name.startswith("python3-")]
    found: dict[str, bytearray] = {}
    for module in stdlib.files(rootfs.STDLIB, wanted, version):
        source = rootfs.STDLIB / module
        data = rootfs.bytecode(source) if source.suffix == ".py" else source.read_bytes()
        found.setdefault(str(stdlib.owner(module, version)), bytearray()).extend(data)
    yield from sorted((name, bytes(data)) for name, data in found.items())
    for name, files in LIBRARIES.items():
        yield name, b"".join((Path("/usr/lib") / f"{machine()}" / file).read_bytes() for file in files)
    yield "privacy-agent", b"".join(path.read_bytes() for path in sorted(ours.root.rglob("*")) if path.is_file())


def machine() -> str:
    return next(Path("/usr/lib").glob("*-linux-gnu/libcrypto.so.3")).parent.name


def main() -> int:
    total, total_packed = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for name, data in parts(Path(folder) / "work", rootfs.VERSION):
            size = packed(data)
            total, total_packed = total + len(data), total_packed + size
            print(f"{name:36} {len(data) / 1e6:6.2f} MB {size / 1e6:6.2f} MB packed")
    print(f"{'all':36} {total / 1e6:6.2f} MB {total_packed / 1e6:6.2f} MB packed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
