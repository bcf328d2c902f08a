"""The OpenWrt packages: reproducible to the byte, in opkg's shape, indexed and signed."""

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import agent
from agent.jobs.web import bundle, static
from tools.openwrt import bytecode, index, ipk, packages, sbom, usign

EPOCH = 1_700_000_000
SUFFIXES = Path("/usr/share/publicsuffix/public_suffix_list.dat")

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="GNU make is not installed")
needs_suffixes = pytest.mark.skipif(not SUFFIXES.exists(), reason="Debian's package publicsuffix is not installed")


def build(folder: Path, compiled: bool = True) -> Path:
    (made,) = packages.build(["privacy-agent"], folder / "out", folder / "work", EPOCH, compiled=compiled)
    return made


def members(archive: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive))) as tar:
        return tar.getmembers()


def content(archive: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive))) as tar:
        member = tar.extractfile(name)
        assert member is not None
        return member.read()


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    if shutil.which("make") is None or not SUFFIXES.exists():
        pytest.skip("make or Debian's package publicsuffix is not installed")
    try:
        bytecode.interpreter("3.11")
    except bytecode.WrongPython as error:
        pytest.skip(str(error))
    return build(tmp_path_factory.mktemp("ipk"))


def test_the_same_sources_make_the_same_bytes(package, tmp_path):
    again = build(tmp_path / "elsewhere")
    assert package.name == again.name
    assert package.read_bytes() == again.read_bytes()


def copy_sources(source: Path, target: Path, mask: int, first_time: int) -> None:
    """What a build reads, with other modes and times of its files."""
    ignored = shutil.ignore_patterns("__pycache__", "node_modules")
    for name in ("agent", "blocklists", "packaging", "tools"):
        shutil.copytree(source / name, target / name, ignore=ignored)
    shutil.copy(source / "LICENSE", target)
    for number, path in enumerate(sorted(target.rglob("*"))):
        path.chmod((path.stat().st_mode | 0o044 | (0o011 if path.is_dir() else 0)) & ~mask)
        os.utime(path, (first_time, first_time + number))


def build_in(checkout: Path, mask: int, environment: dict[str, str]) -> tuple[tuple[str, bytes], ...]:
    """What tools/build-ipk of this checkout makes: packages, their index, and what it says that is in them."""
    command = [sys.executable, "tools/build-ipk", "privacy-agent", "luci-app-privacy-agent", "-o", "out"]
    environment = {"PATH": os.environ["PATH"], "SOURCE_DATE_EPOCH": str(EPOCH), **environment}
    run = subprocess.run(
        command, cwd=checkout, env=environment, umask=mask, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return tuple((path.name, path.read_bytes()) for path in sorted((checkout / "out").iterdir()))


@needs_make
@needs_suffixes
def test_folder_umask_times_zone_and_locale_leave_no_trace(tmp_path):
    places = {
        "here": (0o022, 1_000_000_000, {"TZ": "UTC", "LC_ALL": "C.UTF-8"}),
        "over/there": (0o077, 86_400, {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "HOME": "/nonexistent"}),
        "elsewhere": (0o000, 1_900_000_000, {"TZ": "America/St_Johns", "LC_ALL": "de_DE.UTF-8"}),
    }
    made: set[tuple[tuple[str, bytes], ...]] = set()
    for name, (mask, time, environment) in places.items():
        (tmp_path / name).mkdir(parents=True)
        copy_sources(tmp_path / "here" if made else packages.PROJECT, tmp_path / name, mask, time)
        made.add(build_in(tmp_path / name, mask, environment))
    (files,) = made
    names = [name.partition("_")[0] for name, _ in files]
    assert names == ["Packages", "Packages.gz", "luci-app-privacy-agent", "packages.cdx.json", "privacy-agent"]


def test_what_others_made_is_told(package):
    """Each file of data is one of this project's, or named with its licence and the hash that it is shipped with."""
    (part,) = [one for one in sbom.document([package], EPOCH)["components"] if one["name"] == "privacy-agent"]
    told = {one["hashes"][0]["content"]: one["name"] for one in part["components"]}
    data = content(package.read_bytes(), "./data.tar.gz")
    ours = {path.read_bytes() for path in (packages.PROJECT / "blocklists").rglob("*") if path.is_file()}
    shipped = [m.name for m in members(data) if m.isfile() and "/usr/share/privacy-agent/" in m.name]
    others = [name for name in shipped if content(data, name) not in ours]
    assert [told.pop(hashlib.sha256(content(data, name)).hexdigest()) for name in others] == ["public-suffix-list"]
    assert not told and all(one["licenses"] for one in part["components"])
    assert not [m.name for m in members(data) if m.name.endswith((".so", ".whl", ".egg-info", ".dist-info"))]


def test_the_page_is_stored_packed(package):
    """As it is sent: the web job knows names that end in .gz. Neither name nor time is in gzip's head."""
    data = content(package.read_bytes(), "./data.tar.gz")
    names = [m.name for m in members(data) if "/jobs/web/static/" in m.name and m.isfile()]
    joined = bundle.joined(static.FOLDER)
    assert any(name.endswith("/static/index.html.gz") for name in names)
    assert [name for name in names if not name.endswith(".gz")] == []
    for name in names:
        packed = content(data, name)
        assert packed[:2] == b"\x1f\x8b" and packed[3:8] == bytes(5), name
        part = name.split("/static")[1][: -len(".gz")]
        plain = joined[part].encode() if part in joined else Path(static.FOLDER + part).read_bytes()
        assert gzip.decompress(packed) == plain
    here = {part for part in joined if not part.startswith("/text/") or part == "/text/en.json"}
    assert here <= {name.split("/static")[1][: -len(".gz")] for name in names}
    assert not any("/static/js/" in name or "/static/css/" in name for name in names)


def test_the_documents_tell_the_flash_that_it_takes(package):
    fields = dict(line.split(": ", 1) for line in index.control_of(package).splitlines() if not line.startswith(" "))
    installed, packed = int(fields["Installed-Size"]) / 1e6, package.stat().st_size / 1e6
    readme, results = [(packages.PROJECT / name).read_text() for name in ("README.md", "tests/bench/RESULTS.md")]
    told = [float(number) for number in re.search(r"the agent \| ([\d.]+) MB \| ([\d.]+) MB", readme).groups()]
    assert told == [pytest.approx(packed, rel=0.05), pytest.approx(installed, rel=0.05)]
    shown = re.search(r"installed \| ([\d.]+) MB \|\n\| the same, packed [^|]*\| ([\d.]+) MB", results).groups()
    assert sorted(map(float, shown)) == sorted(told)


def test_outer_archive_is_what_opkg_reads(package):
    outer = members(package.read_bytes())
    assert [member.name for member in outer] == ["./debian-binary", "./data.tar.gz", "./control.tar.gz"]
    assert content(package.read_bytes(), "./debian-binary") == b"2.0\n"


def test_everything_is_roots_sorted_and_of_one_time(package):
    for name in ("./data.tar.gz", "./control.tar.gz"):
        inner = members(content(package.read_bytes(), name))
        assert [tuple(m.name.split("/")) for m in inner] == sorted(tuple(m.name.split("/")) for m in inner)
        assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in inner} == {(0, 0, "", "", EPOCH)}
        assert not [m.name for m in inner if m.mode & 0o022]


def test_control_says_what_the_makefile_says(package):
    control = index.control_of(package)
    fields = dict(line.split(": ", 1) for line in control.splitlines() if not line.startswith(" "))
    assert fields["Package"] == "privacy-agent"
    assert fields["Version"] == agent.__version__ + "-r1"
    assert fields["Architecture"] == "all"
    assert "python3-light (>= 3.11)" in fields["Depends"] and "python3-light (<< 3.12)" in fields["Depends"]
    data = content(package.read_bytes(), "./data.tar.gz")
    assert int(fields["Installed-Size"]) == sum(m.size for m in members(data) if m.isfile())


def test_python_is_bytecode_without_sources(package):
    names = [m.name for m in members(content(package.read_bytes(), "./data.tar.gz"))]
    site = [name for name in names if "site-packages/agent" in name]
    assert any(name.endswith("/agent/core/names.pyc") for name in site)
    assert not [name for name in site if name.endswith(".py") or "__pycache__" in name]


def test_configuration_survives_upgrades(package):
    control = content(package.read_bytes(), "./control.tar.gz")
    assert content(control, "./conffiles") == b"/etc/config/privacy-agent\n"


def test_hooks_are_the_base_systems(package):
    control = content(package.read_bytes(), "./control.tar.gz")
    for hook in ("postinst", "prerm"):
        assert f'default_{hook} "$0" "$@"' in content(control, f"./{hook}").decode()


@needs_make
@needs_suffixes
def test_sources_on_request(tmp_path):
    names = [m.name for m in members(content(build(tmp_path, compiled=False).read_bytes(), "./data.tar.gz"))]
    assert any(name.endswith("/agent/core/names.py") for name in names)


@needs_make
@needs_suffixes
def test_the_same_makefile_serves_the_next_python(tmp_path):
    """OpenWrt 25.12 has Python 3.13; its folder and its bounds follow, and nothing else."""
    work = tmp_path / "work"
    (made,) = packages.build(["privacy-agent"], tmp_path, work, EPOCH, python_version="3.13", compiled=False)
    names = [m.name for m in members(content(made.read_bytes(), "./data.tar.gz"))]
    assert "./usr/lib/python3.13/site-packages/agent/core/names.py" in names
    assert not [name for name in names if "python3.11" in name]
    assert "python3-light (>= 3.13), python3-light (<< 3.14)" in index.control_of(made)


def test_every_feed_folder_names_the_projects_version():
    for name in packages.feed_folders():
        text = (packages.FEED / name / "Makefile").read_text()
        if "PYPI_NAME" in text:
            continue
        assert f"PKG_VERSION:={agent.__version__}\n" in text, name


def test_capabilities_are_no_more_than_allowed():
    # CAP_NET_BIND_SERVICE: the page for refused plain requests comes from port 80, in the name of the server.
    allowed = {"CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE", "CAP_SETUID", "CAP_SETGID", "CAP_KILL"}
    text = (packages.FEED / "privacy-agent" / "files" / "capabilities.json").read_text()
    for sets in json.loads(text).values():
        assert set(sets) <= allowed


def test_depends_refuses_what_only_the_sdk_can_tell():
    assert packages.depends("+a +b @TARGET_x86") == ["libc", "a", "b"]
    with pytest.raises(ValueError, match="conditional"):
        packages.depends("+PACKAGE_x:y")


def test_index_names_size_and_hash(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").write_bytes(b"content")
    data = ipk.pack({"control": b"Package: p\nVersion: 1\nDescription:  a\n b\n"}, root, EPOCH)
    (tmp_path / "p_1_all.ipk").write_bytes(data)
    index.write(tmp_path, None)
    text = (tmp_path / "Packages").read_text()
    assert gzip.decompress((tmp_path / "Packages.gz").read_bytes()).decode() == text
    assert f"SHA256sum: {hashlib.sha256(data).hexdigest()}\nDescription:  a\n b\n\n" in text
    assert f"Filename: p_1_all.ipk\nSize: {len(data)}\n" in text
    assert not (tmp_path / "Packages.sig").exists()


@pytest.fixture
def key():
    try:
        return usign.generate()
    except usign.BadKey as error:
        pytest.skip(str(error))


def test_signature_holds_for_the_message_and_the_key_only(key):
    public, signature = usign.encode_public(key), usign.sign(b"message", key)
    assert usign.verify(b"message", signature, public)
    assert not usign.verify(b"messagf", signature, public)
    assert not usign.verify(b"message", signature, usign.encode_public(usign.generate()))


def test_secret_key_round_trips_and_notices_damage(key):
    text = usign.encode_secret(key)
    assert usign.decode_secret(text).key == key.key
    comment, packed = text.splitlines()
    other = packed[:-8] + ("B" if packed[-8] == "A" else "A") + packed[-7:]
    with pytest.raises(usign.BadKey):
        usign.decode_secret(f"{comment}\n{other}\n")


def test_key_file_is_made_once_and_private(key, tmp_path):
    first = usign.load_or_make(tmp_path / "feed.key")
    assert usign.load_or_make(tmp_path / "feed.key").key == first.key
    assert os.stat(tmp_path / "feed.key").st_mode & 0o777 == 0o600
    assert (tmp_path / "feed.pub").read_text() == usign.encode_public(first)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_agrees_with_the_signature(key, tmp_path):
    """An independent Ed25519 accepts the bytes inside the usign file."""
    import base64

    prefix = bytes.fromhex("302a300506032b6570032100")  # SubjectPublicKeyInfo of Ed25519, RFC 8410
    (tmp_path / "key.der").write_bytes(prefix + key.public)
    (tmp_path / "message").write_bytes(b"a message")
    signature = base64.b64decode(usign.sign(b"a message", key).splitlines()[1])
    assert signature[:2] == b"Ed" and signature[2:10] == key.fingerprint
    (tmp_path / "sig").write_bytes(signature[10:])
    command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", "key.der"]
    subprocess.run([*command, "-in", "message", "-sigfile", "sig"], cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("signify-openbsd") is None, reason="signify-openbsd is not installed")
def test_signify_agrees_with_a_signed_index(key, tmp_path):
    """What a router downloads: the index, its signature, the key that the feed's maker gave away."""
    (tmp_path / "root").mkdir()
    (tmp_path / "p_1_all.ipk").write_bytes(ipk.pack({"control": b"Package: p\nVersion: 1\n"}, tmp_path / "root", EPOCH))
    (tmp_path / "feed.pub").write_text(usign.encode_public(key))
    assert [path.name for path in index.write(tmp_path, key)] == ["Packages", "Packages.gz", "Packages.sig"]
    command = ["signify-openbsd", "-V", "-p", "feed.pub", "-m", "Packages", "-x", "Packages.sig"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with (tmp_path / "Packages").open("a") as file:
        file.write("Package: added\n")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


@pytest.mark.skipif(shutil.which("signify-openbsd") is None, reason="signify-openbsd is not installed")
def test_signify_agrees_with_the_files(key, tmp_path):
    """usign's format is signify's: OpenBSD's own program verifies it."""
    (tmp_path / "key.pub").write_text(usign.encode_public(key))
    (tmp_path / "message").write_bytes(b"a message")
    (tmp_path / "message.sig").write_text(usign.sign(b"a message", key))
    command = ["signify-openbsd", "-V", "-p", "key.pub", "-m", "message"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
