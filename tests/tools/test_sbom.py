"""What build-ipk says is in the packages is in them."""

import hashlib
from pathlib import Path

from tools.openwrt import ipk, sbom

EPOCH = 1_700_000_000
CONTROL = """Package: {name}
Version: 0.1.0-1
Depends: libc, python3-light (>= 3.11), python3-light (<< 3.12){more}
License: Apache-2.0
URL: https://example.org/agent
Architecture: all
Description: A line
 and one more: with a colon
"""


def made(folder: Path, name: str, more: str = "") -> Path:
    root = folder / name
    (root / "usr").mkdir(parents=True)
    (root / "usr" / "file").write_text(name)
    package = folder / f"{name}_0.1.0-1_all.ipk"
    package.write_bytes(ipk.pack({"control": CONTROL.format(name=name, more=more).encode()}, root, EPOCH))
    return package


def test_each_package_with_its_hash_and_what_it_needs(tmp_path: Path) -> None:
    pair = [made(tmp_path, "one"), made(tmp_path, "two", ", one")]
    told = sbom.document(pair, EPOCH)
    parts = {part["name"]: part for part in told["components"]}
    assert sorted(parts) == ["libc", "one", "python3-light", "two"]
    for package in pair:
        part = parts[package.name.split("_")[0]]
        assert part["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(package.read_bytes()).hexdigest()}]
        assert part["licenses"] == [{"license": {"id": "Apache-2.0"}}] and part["version"] == "0.1.0-1"
    needs = {row["ref"]: row["dependsOn"] for row in told["dependencies"]}
    assert needs["opkg/two@0.1.0-1"] == ["opkg/libc", "opkg/one@0.1.0-1", "opkg/python3-light"]
    assert {ref for row in needs.values() for ref in row} <= {part["bom-ref"] for part in told["components"]}
    assert told["metadata"] == {"timestamp": "2023-11-14T22:13:20Z"}


def test_the_names_of_services_are_of_two(tmp_path: Path) -> None:
    root = tmp_path / "root"
    data = root / "usr/share/privacy-agent"
    data.mkdir(parents=True)
    (data / "services.json").write_text("{}")
    package = tmp_path / "one_0.1.0-1_all.ipk"
    package.write_bytes(ipk.pack({"control": CONTROL.format(name="one", more="").encode()}, root, EPOCH))
    (part,) = [one for one in sbom.document([package], EPOCH)["components"] if one["name"] == "one"]
    told = {(one["name"], one["licenses"][0]["license"]["id"]) for one in part["components"]}
    assert told == {("domain-list-community", "MIT"), ("nextdns-services", "MIT")}
    assert len({one["bom-ref"] for one in part["components"]}) == 2


def test_the_same_packages_make_the_same_document(tmp_path: Path) -> None:
    pair = [made(tmp_path, "one"), made(tmp_path, "two")]
    first, again = (sbom.write(tmp_path, order, EPOCH).read_bytes() for order in (pair, pair))
    assert first == again
    assert sbom.document(pair[:1], EPOCH)["serialNumber"] != sbom.document(pair, EPOCH)["serialNumber"]
