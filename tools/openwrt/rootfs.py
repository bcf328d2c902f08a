"""Puts a router-shaped root file system together from this Debian machine's own files.

What the guest gets is listed here: busybox and a few programs with their libraries, kernel modules in the
order in which they can be loaded, and of Python's standard library only what OpenWrt's packages that we
depend on contain (`stdlib.py`). So a missing dependency fails in the guest as it would on a router.
"""

import importlib.util
import os
import py_compile
import re
import subprocess
import tempfile
from pathlib import Path

from tools.openwrt import cpio, hiding, stdlib

VERSION = "3.11"
PYTHON = Path("/usr/bin/python3.11")
STDLIB = Path("/usr/lib/python3.11")
ENCODINGS = Path("encodings/__init__.py")
BUSYBOX = Path("/bin/busybox")

# Witnesses and the router's own programs. setpriv and unshare stand in for procd's jail.
PROGRAMS = (
    "/usr/sbin/nft",
    "/usr/sbin/conntrack",
    "/usr/sbin/dnsmasq",
    "/usr/sbin/ip",
    "/usr/sbin/bridge",
    "/usr/sbin/tc",
    "/usr/bin/setpriv",
    "/usr/bin/unshare",
)

FILES = ("/etc/protocols", "/etc/services")

# Modules of a router with the default firewall, and what our packages' dependencies add: by OpenWrt package name.
BASE_MODULES = """virtio_pci virtio_blk virtio_net virtio-rng overlay bridge veth
    nf_tables nf_conntrack nfnetlink nft_ct nft_reject_inet nft_log nft_limit nft_fib_inet nft_hash nft_objref
    nft_masq nft_chain_nat nf_flow_table_inet nft_flow_offload sch_netem"""
KMODS = {
    "kmod-nft-nat": "nft_chain_nat nft_nat nft_masq nft_redir",
    "kmod-nf-conntrack-netlink": "nf_conntrack_netlink",
    "kmod-nft-queue": "nfnetlink_queue nft_queue",
    "kmod-nfnetlink-log": "nfnetlink_log",
    "kmod-nfnetlink-queue": "nfnetlink_queue",
}
# Python packages of the feed that are plain modules: taken from where this Python has them.
MODULES = {"python3-pyroute2": "pyroute2"}
OTHERS = {
    "libsodium": "/usr/lib/x86_64-linux-gnu/libsodium.so.23",
    "px5g-mbedtls": "/usr/bin/openssl",  # Debian has no px5g; the agent takes either
}


class Missing(Exception):
    """Something that the image needs is not on this machine; the message says what to install."""


class Root:
    """The files of the image by path; a later file of the same path wins."""

    def __init__(self) -> None:
        self._entries: dict[str, cpio.Entry] = {}

    def entries(self) -> list[cpio.Entry]:
        return [self._entries[path] for path in sorted(self._entries)]

    def add(self, entry: cpio.Entry) -> None:
        parent = os.path.dirname(entry.path)
        if parent and parent not in self._entries:
            self.add(cpio.directory(parent))
        self._entries[entry.path] = entry

    def file(self, source: Path, path: str | None = None) -> None:
        """Copy one file with its mode to the same place, or to `path`."""
        self.add(cpio.regular((path or str(source)).lstrip("/"), source.read_bytes(), source.stat().st_mode & 0o777))

    def tree(self, source: Path, path: str = "") -> None:
        """Copy a folder's content to `path`, links as links."""
        for item in sorted(source.rglob("*")):
            target = os.path.join(path, str(item.relative_to(source)))
            if item.is_symlink():
                self.add(cpio.symlink(target, os.readlink(item)))
            elif item.is_file():
                self.file(item, target)

    def program(self, source: Path) -> None:
        """Copy a program (or a shared object) and the libraries it needs."""
        if not source.exists():
            raise Missing(f"{source} is not here: install the Debian package that has it")
        self.file(source.resolve(), str(source))
        for library in libraries(source):
            self.file(library.resolve(), str(library))

    def applets(self) -> None:
        """busybox under all its names, where nothing better stands yet."""
        self.file(BUSYBOX, "bin/busybox")
        names = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
        taken = {os.path.basename(path) for path in self._entries}
        for name in names:
            if name not in taken or name == "sh":
                self.add(cpio.symlink(f"bin/{name}", "busybox"))


def libraries(program: Path) -> list[Path]:
    """The shared libraries of a program, the loader among them, as the dynamic linker would find them."""
    run = subprocess.run(["/usr/bin/ldd", program], capture_output=True, text=True, check=False)
    if "not a dynamic executable" in run.stderr or "statically linked" in run.stdout:
        return []
    found = re.findall(r"(/\S+) \(0x", run.stdout)
    return [Path(name) for name in found]


def add_python(root: Root, packages: list[str]) -> None:
    """Python with the modules of these OpenWrt packages, as bytecode beside no source, as OpenWrt ships it."""
    root.program(PYTHON)
    root.add(cpio.symlink("usr/bin/python3", PYTHON.name))
    absent = stdlib.absent_modules(packages, hiding.built_in(str(PYTHON)), VERSION)
    for module in stdlib.files(STDLIB, packages, VERSION):
        source = STDLIB / module
        if module == ENCODINGS:
            root.add(
                cpio.regular(_guest(module.with_suffix(".pyc")), compiled(hiding.hide(source.read_bytes(), absent)))
            )
        elif module.suffix == ".py":
            root.add(cpio.regular(_guest(module.with_suffix(".pyc")), bytecode(source)))
        elif module.suffix == ".so":
            root.program(source)
        else:
            root.file(source)
    for name in packages:
        if name in MODULES:
            add_modules_of(root, MODULES[name])
    # Debian's site module looks here only; on OpenWrt it is site-packages itself.
    root.add(cpio.directory("usr/lib/python3.11/site-packages"))
    root.add(cpio.symlink("usr/lib/python3/dist-packages", "../python3.11/site-packages"))


def add_modules_of(root: Root, package: str) -> None:
    """An installed Python package, as bytecode in site-packages."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise Missing(f"the Python package {package} is not installed here")
    folder = Path(spec.origin).parent
    for source in sorted(folder.rglob("*.py")):
        target = STDLIB / "site-packages" / package / source.relative_to(folder)
        root.add(cpio.regular(str(target.with_suffix(".pyc")).lstrip("/"), bytecode(source)))


def _guest(module: Path) -> str:
    return str(STDLIB / module).lstrip("/")


def bytecode(source: Path) -> bytes:
    """The compiled form of a module: the machine's cache of it, or compiled now."""
    cached = Path(importlib.util.cache_from_source(str(source)))
    if cached.exists():
        return cached.read_bytes()
    return compiled(source.read_bytes())


def compiled(source: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        module, target = Path(folder) / "module.py", Path(folder) / "module.pyc"
        module.write_bytes(source)
        # Unchecked: there is no source beside it to be compared with.
        unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(module), str(target), doraise=True, invalidation_mode=unchecked)
        return target.read_bytes()


def kernel() -> tuple[Path, str]:
    """The newest installed cloud kernel and its release."""
    found = sorted(Path("/boot").glob("vmlinuz-*-cloud-amd64"), key=_release_key)
    if not found:
        raise Missing("no cloud kernel in /boot: install linux-image-cloud-amd64")
    return found[-1], found[-1].name.removeprefix("vmlinuz-")


def _release_key(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.name)]


def add_depends(root: Root, release: str, depends: list[str]) -> None:
    """What packages bring along that ours depend on: Python modules, libraries, and kernel modules. Nothing else.

    `release` is the kernel's; "" leaves modules out, for a root that runs on the kernel of its machine.
    """
    add_python(root, [name for name in depends if name.startswith("python3-")])
    for name in depends:
        if name in OTHERS:
            root.program(Path(OTHERS[name]))
    # openssl looks in Debian's place; the content is where OpenWrt has it, too.
    root.file(Path("/etc/ssl/openssl.cnf"))
    root.add(cpio.symlink("usr/lib/ssl/openssl.cnf", "/etc/ssl/openssl.cnf"))
    if release:
        add_modules(root, release, [*BASE_MODULES.split(), *" ".join(KMODS.get(name, "") for name in depends).split()])


def add_modules(root: Root, release: str, names: list[str]) -> None:
    """Copy modules with what they depend on, and their order of loading into /etc/modules.boot."""
    folder = Path("/lib/modules") / release
    order = load_order((folder / "modules.dep").read_text(), names)
    for module in order:
        root.file(folder / module, f"lib/modules/{module}")
    listing = "".join(f"/lib/modules/{module}\n" for module in order)
    root.add(cpio.regular("etc/modules.boot", listing.encode()))


def load_order(dependencies: str, names: list[str]) -> list[str]:
    """Paths of the named modules and of all they need, each after what it needs.

    `dependencies` is the text of modules.dep: "path: needed paths, the nearest first".
    """
    needs = {}
    for line in dependencies.splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
    paths = {_module_name(path): path for path in needs}
    order: list[str] = []
    for name in names:
        found = paths.get(_module_name(name))
        if found is None:
            continue  # built into this kernel
        order += [needed for needed in [*reversed(needs[found]), found] if needed not in order]
    return order


def _module_name(path: str) -> str:
    return os.path.basename(path).split(".")[0].replace("-", "_")
