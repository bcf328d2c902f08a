"""A router's serial console, as a program uses it: log in, run commands, put a file.

It asks little of the other side, so that it serves images of ours and OpenWrt's: a console that waits for Enter, a
POSIX shell, a terminal that echoes what is typed and has no `stty`.
"""

import re
import time
from pathlib import Path
from typing import Protocol

# What a terminal takes as one line (MAX_CANON of the kernel's line discipline), with room for the markers.
LINE_MAX = 3900
# Bytes of a file in one command: each may become four characters.
PIECE = 900
# For a command, where nothing is said: on a busy machine an emulated router takes a hundred times as long as it should.
PATIENCE_S = 120
SYNC_TRIES = 6
SYNC_S = 10


class StepFailed(Exception):
    """A command failed or the machine fell silent; the console's log tells the story."""


class Link(Protocol):
    """The other end of the console, with a power switch."""

    def read(self, timeout_s: float) -> bytes | None:
        """What it said within this time: None for nothing, b"" once it has ended."""

    def write(self, data: bytes) -> None: ...

    def restart(self) -> None:
        """Off and on again: the disks are as they were, the memory is not."""

    def end(self) -> None: ...


class Console:
    """Commands in, output and exit status out. `log` is everything that was said, for whoever reads a failure."""

    def __init__(self, link: Link, log: Path | None = None) -> None:
        self._link = link
        self._log_path = log
        self._serial = 0
        self._unread = ""
        self.log = ""

    def wait_for(self, pattern: str, timeout_s: float) -> re.Match[str]:
        """Read until the console shows this; what came after it stays to be read."""
        end = time.monotonic() + timeout_s
        while True:
            match = re.search(pattern, self._unread)
            if match:
                self._unread = self._unread[match.end() :]
                return match
            left = end - time.monotonic()
            if left <= 0 or not self._read(left):
                raise StepFailed(f"the console did not show {pattern!r} within {timeout_s:.0f} s")

    def _read(self, timeout_s: float) -> bool:
        """Take what the console says within this time; False once it has ended."""
        data = self._link.read(timeout_s)
        if data is None:
            return True
        if self._log_path:
            with open(self._log_path, "ab") as file:
                file.write(data)
        text = data.decode("utf-8", "replace").replace("\r", "")
        self.log += text
        self._unread += text
        return bool(data)

    def type(self, line: str) -> None:
        self._link.write(line.encode() + b"\n")

    def login(self, timeout_s: float = 300) -> None:
        """Wait until the console can be activated, and get a shell that says nothing by itself."""
        # Nothing is typed before: a boot loader takes keys for itself.
        asked = self.wait_for(r"press Enter to activate this console|login: $", timeout_s).group()
        self.type("root" if asked.startswith("login") else "")
        self._sync()
        # A shell whose output is no terminal shows no prompt and edits no lines.
        self.type("dmesg -n 1; stty -echo 2>/dev/null; sh 2>&1 | cat")
        self._sync()

    def _sync(self) -> None:
        """Until a shell answers; a password is not known here."""
        for number in range(SYNC_TRIES):
            # The echo of the typed line does not hold the sum.
            self.type(f"echo =SYNC=$((1000 + {number}))=")
            try:
                found = self.wait_for(rf"=SYNC={1000 + number}=\n|Password:", SYNC_S)
            except StepFailed:
                continue
            if found.group().startswith("Password"):
                raise StepFailed("the console wants a password: use an image where root has none")
            return
        raise StepFailed("no shell answers on the console")

    def run(self, command: str, timeout_s: float = PATIENCE_S) -> tuple[int, str]:
        """Run one shell command line; returns its exit status and its output (both streams)."""
        self._serial += 1
        mark = f"{self._serial}"
        # Split, so that an echo of the typed line is not taken for the answer.
        line = f"echo '=BE''GIN{mark}='; ( {command} ) </dev/null 2>&1; echo \"=EN\"'D{mark}='$?="
        if len(line.encode()) > LINE_MAX or "\n" in line:
            raise ValueError(f"a command must be one line of at most {LINE_MAX} bytes")
        self.type(line)
        self.wait_for(f"=BEGIN{mark}=\n", timeout_s)
        match = self.wait_for(rf"((?s:.*?))=END{mark}=(\d+)=\n", timeout_s)
        return int(match.group(2)), match.group(1)

    def ask(self, command: str, timeout_s: float = PATIENCE_S) -> str:
        """Run a command that must succeed; returns its output without the last newline."""
        status, output = self.run(command, timeout_s)
        if status:
            raise StepFailed(f"`{command}` ended with {status}:\n{output}")
        return output.rstrip("\n")

    def put(self, data: bytes, path: str, mode: int = 0o644) -> None:
        """Write a file over the console, piece by piece; what is large comes on a disk instead."""
        self.ask(f": > {path} && chmod {mode:o} {path}")
        for at in range(0, len(data), PIECE):
            self.ask(f"printf '{quoted(data[at : at + PIECE])}' >> {path}")

    def reboot(self, timeout_s: float = 300) -> None:
        """Reboot in an orderly way. The emulator ends at the guest's reset; it is started again with the same disks."""
        self.type("reboot")
        while self._read(timeout_s):
            pass
        self.power_cut(timeout_s)

    def power_cut(self, timeout_s: float = 300) -> None:
        """Off and on again, without a word to the guest."""
        self._link.restart()
        self._unread = ""
        self.login(timeout_s)

    def power_off(self) -> None:
        self._link.end()


def quoted(data: bytes) -> str:
    """Bytes as printf's format between single quotes: letters as they are, the rest in octal."""
    plain = b'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ./_-=:,;()[]{}<>+*#@!?|&$"~^'
    return "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in data)
