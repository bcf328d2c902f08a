"""A receiver's certificate for an address of a test's network, of a root of its own."""

import subprocess
from pathlib import Path


def authority(folder: Path, address: str) -> None:
    """Makes ca.pem, and server.pem with server.key for the address."""
    (folder / "server.ext").write_text(f"subjectAltName=IP:{address}\nauthorityKeyIdentifier=keyid")
    curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    for words in (
        # Python 3.13 wants to be told what an authority's key is for.
        f"req -x509 {curve} -days 30 -subj /CN=ca -keyout ca.key -out ca.pem -addext keyUsage=critical,keyCertSign",
        f"req -new {curve} -subj /CN=receiver -keyout server.key -out server.csr",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -set_serial 1 -days 30 -out server.pem -extfile server.ext",
    ):
        subprocess.run(["openssl", *words.split()], check=True, capture_output=True, cwd=folder)
