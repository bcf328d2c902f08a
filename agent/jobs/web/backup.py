"""A backup as one file that only its passphrase opens: settings, people, devices, consent and ledger.

The file: a magic line, 16 bytes of salt, then chunks: a length (4 bytes, big-endian) and that many sealed bytes.
Each chunk is zlib-packed JSON rows under ChaCha20-Poly1305; its nonce is its number, and the last one says
that it is the last, so that nothing can be cut off, left out or exchanged unnoticed.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Awaitable, Callable, Iterator

from agent.jobs.web import passwords
from agent.jobs.web.account import WEAK, Account
from agent.jobs.web.effects import Ask, Work
from agent.jobs.web.handlers import NO_STORE
from agent.jobs.web.http_types import Problem, WebRequest, WebResponse, reply
from agent.platform.sodium import NONCE_BYTES, SALT_BYTES, TAG_BYTES

MYPY = False
if MYPY:
    from typing import Any

MAGIC = b"privacy-agent backup 1\n"
ROWS_A_PAGE = 100
# Packed, a household with a year of ledger and a week of history has some 300 kB.
FILE_MAX = 2 * 1024 * 1024
# A page of rows is at most a control line of 64 KiB; what unpacks to more was not made here.
CHUNK_MAX = 256 * 1024
FIRST_LINE_MAX = 2048


class Backup:
    def __init__(self, account: Account) -> None:
        self._account = account

    async def save(self, request: WebRequest, passphrase: str = "", history: bool = False) -> WebResponse:
        weakness = passwords.weakness(passphrase)
        if weakness:
            raise Problem(422, "weak-password", WEAK[weakness], {"reason": weakness})
        salt = self._account.sodium.random(SALT_BYTES)
        key = await self._key(passphrase, salt)
        what = {"history": history, "limit": ROWS_A_PAGE} | self._account.proof(request)
        headers = [("Content-Disposition", 'attachment; filename="privacy-agent.backup"'), *NO_STORE]
        first = await Ask("backup", what)
        more = self._chunks(first, what, key)
        return WebResponse(200, MAGIC + salt, "application/octet-stream", headers, more=more)

    def _chunks(self, first: dict[str, Any], what: dict[str, Any], key: bytes) -> Callable[[], Awaitable[bytes]]:
        pages: list[dict[str, Any] | None] = [first]
        numbers = iter(range(1 << 31))

        async def more() -> bytes:
            page = pages[0]
            if page is None:
                return b""
            after = page.get("next")
            pages[0] = await Ask("backup", what | {"after": after}) if after else None
            text = zlib.compress(json.dumps(page["items"], separators=(",", ":")).encode())
            sealed = self._account.sodium.seal(key, nonce(next(numbers)), text, end(pages[0] is None))
            return struct.pack(">I", len(sealed)) + sealed

        return more

    async def bring_back(self, request: WebRequest) -> WebResponse:
        """The body: a line of JSON with the passphrase, then the file."""
        line, _, file = request.body.partition(b"\n")
        try:
            passphrase = json.loads(line[:FIRST_LINE_MAX])["passphrase"]
            passphrase.encode()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Problem(400, "bad-request", "The body must begin with a line {passphrase}.") from error
        if not file.startswith(MAGIC):
            raise Problem(422, "no-backup", "This file is no backup of privacy-agent.")
        start = len(MAGIC) + SALT_BYTES
        key = await self._key(passphrase, file[len(MAGIC) : start])
        pages = list(self._pages(key, file[start:]))
        for number, rows in enumerate(pages):
            part = "last" if number == len(pages) - 1 else "more" if number else "first"
            if part == "last" and number == 0:
                await Ask("restore", {"rows": [], "part": "first"} | self._account.proof(request))
            done = await Ask("restore", {"rows": rows, "part": part} | self._account.proof(request))
        return reply(done, headers=NO_STORE)

    def _pages(self, key: bytes, data: bytes) -> Iterator[list[Any]]:
        """All rows, or a Problem before the first of them is used."""
        number = 0
        while data:
            length = struct.unpack(">I", data[:4])[0] if len(data) > 4 else 0
            sealed, data = data[4 : 4 + length], data[4 + length :]
            opened = self._account.sodium.open(key, nonce(number), sealed, end(not data))
            if not TAG_BYTES < length == len(sealed) or opened is None:
                raise Problem(422, "wrong-passphrase", "The passphrase is not right, or the file is damaged.")
            unpack = zlib.decompressobj()
            text = unpack.decompress(opened, CHUNK_MAX)
            if unpack.unconsumed_tail:
                raise Problem(422, "no-backup", "This file is no backup of privacy-agent.")
            yield json.loads(text)
            number += 1
        if number == 0:
            raise Problem(422, "wrong-passphrase", "The passphrase is not right, or the file is damaged.")

    async def _key(self, passphrase: str, salt: bytes) -> bytes:
        if len(salt) != SALT_BYTES:
            raise Problem(422, "no-backup", "This file is no backup of privacy-agent.")
        made = await Work(derive, self._account.sodium, passphrase, salt.hex())
        return bytes.fromhex(made)


def derive(sodium: Any, passphrase: str, salt: str) -> str:
    """In the child process: JSON takes no bytes."""
    key: bytes = sodium.key_from_passphrase(passphrase.encode(), bytes.fromhex(salt))
    return key.hex()


def nonce(number: int) -> bytes:
    return struct.pack(">I", number).rjust(NONCE_BYTES, b"\0")


def end(last: bool) -> bytes:
    return b"last" if last else b"more"
