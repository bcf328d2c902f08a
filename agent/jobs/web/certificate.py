"""TLS on the same port: the router's own certificate when the daemon hands one over, else a self-made one.

The self-made one is kept by the daemon, so that its fingerprint stays; `openssl` or OpenWrt's `px5g` makes it.
Where neither is installed there is no TLS, and passwords are taken from the router itself only.
"""

from __future__ import annotations

import os
import time

from agent.core.digits import is_digits

MYPY = False
if MYPY:
    import ssl
    from typing import Any

# Some browsers refuse certificates that last longer.
DAYS = 820
# Before the clock is set: from 1970 it must reach into the present.
DAYS_WITHOUT_CLOCK = 36500
CLOCK_SET_SINCE = 1700000000
PEM_MAX = 65536
KEY_KINDS = ("PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY")
TOOLS = (
    ("openssl", ("req", "-x509", "-nodes")),
    ("px5g", ("selfsigned",)),
)


class Certificate:
    """PEM texts and what people compare: the SHA-256 of the certificate."""

    def __init__(self, cert: str, key: str) -> None:
        import ssl

        from agent.platform.hashing import sha256

        self.cert = cert
        self.key = key
        digest = sha256(ssl.PEM_cert_to_DER_cert(cert)).hex().upper()
        self.fingerprint = ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 and later, HTTP/1.1 only. ValueError when certificate and key do not fit."""
        import ssl

        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.set_alpn_protocols(["http/1.1"])
        # OpenSSL reads files only; these exist in memory and end with the descriptors.
        cert, key = _in_memory(self.cert), _in_memory(self.key)
        try:
            made.load_cert_chain(f"/proc/self/fd/{cert}", f"/proc/self/fd/{key}")
        except ssl.SSLError as error:
            raise ValueError("the certificate and its key do not fit") from error
        finally:
            os.close(cert)
            os.close(key)
        return made


def given(fds: str) -> Certificate | None:
    """The router's own, from descriptors "cert,key" (PEM or DER); None when there is none or it can't be used."""
    if not fds:
        return None
    cert, key = [_read(int(fd)) for fd in fds.split(",")]
    for kind in KEY_KINDS:
        try:
            made = Certificate(_pem(cert, "CERTIFICATE"), _pem(key, kind))
            made.context()
        except ValueError:
            continue
        return made
    return None


def stored(value: dict[str, Any], now: int) -> Certificate | None:
    """The self-made one that the daemon kept, while it is valid."""
    if not value or value["until"] <= now:
        return None
    return Certificate(value["cert"], value["key"])


def make(names: tuple[str, ...]) -> Certificate | None:
    """A fresh self-made one, or None without a tool."""
    days = DAYS if time.time() > CLOCK_SET_SINCE else DAYS_WITHOUT_CLOCK
    for tool, words in TOOLS:
        path = _which(tool)
        if path is None:
            continue
        cert, key = os.memfd_create("cert", 0), os.memfd_create("key", 0)
        files = (f"/proc/self/fd/{key}", f"/proc/self/fd/{cert}")
        if _run([path, *words, *arguments(tool, days, names, *files)]):
            return Certificate(_read(cert).decode(), _read(key).decode())
        os.close(cert)
        os.close(key)
    return None


def arguments(tool: str, days: int, names: tuple[str, ...], keyout: str, out: str) -> list[str]:
    """What both tools understand: px5g knows the curve by NIST's name only (not prime256v1), writes addresses wrongly,
    and loops over a name that is not its last argument.
    """
    curve = ["-days", str(days), "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    words = [*curve, "-keyout", keyout, "-out", out, "-subj", "/CN=privacy-agent"]
    others = [_alternative(name) for name in names]
    if tool == "px5g":
        others = [name for name in others if name.startswith("DNS:") and name != "DNS:privacy-agent"][:1]
    return words + (["-addext", "subjectAltName=" + ",".join(others)] if others else [])


def to_store(made: Certificate, now: int) -> dict[str, Any]:
    until = now + DAYS * 86400 if now > CLOCK_SET_SINCE else CLOCK_SET_SINCE
    return {"cert": made.cert, "key": made.key, "fingerprint": made.fingerprint, "until": until}


def _alternative(name: str) -> str:
    return ("IP:" if ":" in name or is_digits(name.replace(".", "")) else "DNS:") + name


def _which(tool: str) -> str | None:
    for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin"):
        path = folder + "/" + tool
        if os.access(path, os.X_OK):
            return path
    return None


def _run(command: list[str]) -> bool:
    """Quietly; True when it ended well."""
    child = os.fork()
    if child == 0:
        try:
            null = os.open("/dev/null", os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(null, fd)
            os.execve(command[0], command, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        finally:
            os._exit(127)
    _, status = os.waitpid(child, 0)
    return status == 0


def _read(fd: int) -> bytes:
    with open(fd, "rb") as file:
        file.seek(0)
        return file.read(PEM_MAX)


def _in_memory(text: str) -> int:
    fd = os.memfd_create("pem")
    os.write(fd, text.encode())
    return fd


def _pem(data: bytes, kind: str) -> str:
    """PEM as it is; DER wrapped as `kind`. ValueError when it is neither."""
    if data.lstrip()[:5] == b"-----":
        return data.decode()
    if data[:1] != b"\x30":
        raise ValueError("neither PEM nor DER")
    import binascii

    lines = [binascii.b2a_base64(data[at : at + 48]).decode() for at in range(0, len(data), 48)]
    return f"-----BEGIN {kind}-----\n" + "".join(lines) + f"-----END {kind}-----\n"
