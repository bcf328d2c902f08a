"""A disk that is slow or fails, and a clock that is wrong, for the house's processes alone: trouble.c, preloaded."""

import struct
import subprocess
from pathlib import Path

from tests.promises.slow_disk import compiler

SOURCE = Path(__file__).with_name("trouble.c")
LAYOUT = "<dqii"


class Trouble:
    """`prefix` for the command that is to have it; without a compiler there is none, and `set` does nothing."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "trouble"
        self._file.write_bytes(bytes(struct.calcsize(LAYOUT)))
        self.prefix: tuple[str, ...] = ()
        if found := compiler():
            made = folder / "trouble.so"
            subprocess.run([found, "-O1", "-shared", "-fPIC", "-w", "-o", str(made), str(SOURCE), "-ldl"], check=True)
            self.prefix = ("env", f"LD_PRELOAD={made}", f"CAMPAIGN_TROUBLE={self._file}")

    def set(self, sync_s: float = 0.0, clock_s: int = 0, kinds: int = 0, every: int = 0) -> None:
        """From now on; without words all is well again."""
        with self._file.open("r+b") as file:
            file.write(struct.pack(LAYOUT, sync_s, clock_s, kinds, every))
