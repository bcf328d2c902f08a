"""What is in the packages, for whoever has to look after it: a CycloneDX 1.6 document beside the index.

Made of the packages themselves, so it says what they hold and nothing else; the same packages make the same document.
"""

import datetime
import hashlib
import json
import uuid
from pathlib import Path

from tools.openwrt import index

NAME = "packages.cdx.json"
NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562, 6.6: URLs
SCHEMA = "https://cyclonedx.org/schema/bom-1.6.schema.json"

# Inside our packages, and of others: path, name, licence, home.
OF_OTHERS = (
    ("./usr/share/privacy-agent/suffixes.bin", "public-suffix-list", "MPL-2.0", "https://publicsuffix.org/"),
    ("./usr/share/privacy-agent/services.json", "domain-list-community", "MIT",
     "https://github.com/v2fly/domain-list-community"),
    ("./usr/share/privacy-agent/services.json", "nextdns-services", "MIT", "https://github.com/nextdns/services"),
)  # fmt: skip


def fields(package: Path) -> dict[str, str]:
    """The control file's fields; a description's further lines are left out."""
    lines = [line for line in index.control_of(package).splitlines() if line and not line.startswith(" ")]
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def component(package: Path) -> dict[str, object]:
    found = fields(package)
    name, version = found["Package"], found["Version"]
    made: dict[str, object] = {
        "type": "application",
        "bom-ref": _ref(name, version),
        "name": name,
        "version": version,
        "purl": f"pkg:opkg/{name}@{version}?arch={found['Architecture']}",
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(package.read_bytes()).hexdigest()}],
    }
    if found.get("License"):
        made["licenses"] = [{"license": {"id": found["License"]}}]
    if found.get("URL"):
        made["externalReferences"] = [{"type": "website", "url": found["URL"]}]
    inside = [
        {
            "type": "data",
            "bom-ref": f"{_ref(name, version)}/{what}",
            "name": what,
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}],
            "licenses": [{"license": {"id": licence}}],
            "externalReferences": [{"type": "website", "url": home}],
        }
        for path, what, licence, home in OF_OTHERS
        if (data := index.data_of(package, path)) is not None
    ]
    return {**made, "components": inside} if inside else made


def needs(package: Path) -> list[str]:
    """Names of the packages that it depends on; which version, the router's own feed decides."""
    words = fields(package).get("Depends", "").split(",")
    return sorted({word.split()[0] for word in words if word.strip()})


def document(made: list[Path], epoch: int) -> dict[str, object]:
    """`made` are .ipk files; `epoch`, Unix seconds, is the sources' own time."""
    parts = sorted((component(package) for package in made), key=lambda part: str(part["name"]))
    ours = {str(part["name"]): str(part["bom-ref"]) for part in parts}
    elsewhere = sorted({name for package in made for name in needs(package)} - set(ours))
    refs = {**{name: _ref(name, "") for name in elsewhere}, **ours}
    strangers = [
        {"type": "library", "bom-ref": refs[name], "name": name, "purl": f"pkg:opkg/{name}"} for name in elsewhere
    ]
    told = [
        {"ref": ours[fields(package)["Package"]], "dependsOn": [refs[name] for name in needs(package)]}
        for package in made
    ]
    serial = uuid.uuid5(NAMESPACE, json.dumps(parts, sort_keys=True))
    return {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"timestamp": datetime.datetime.fromtimestamp(epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")},
        "components": parts + strangers,
        "dependencies": sorted(told, key=lambda row: str(row["ref"])),
    }


def write(folder: Path, made: list[Path], epoch: int) -> Path:
    path = folder / NAME
    path.write_text(json.dumps(document(made, epoch), indent=1, sort_keys=True) + "\n")
    return path


def _ref(name: str, version: str) -> str:
    return f"opkg/{name}" + (f"@{version}" if version else "")
