"""A disk whose syncs take seconds: a part that is preloaded, compiled where there is a compiler."""

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("slow.c")


class SlowDisk:
    """`environment` for a process that is to have it; `takes` says how long a sync takes from now on."""

    def __init__(self, folder: Path, compiler: str) -> None:
        made = folder / "slow.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-ldl"], check=True)
        self._file = folder / "slow-disk"
        self.environment = {"LD_PRELOAD": str(made), "SLOW_DISK": str(self._file)}

    def takes(self, seconds: float) -> None:
        part = self._file.with_suffix(".part")
        part.write_text(str(seconds))
        part.rename(self._file)


def compiler() -> str | None:
    return shutil.which("cc") or shutil.which("gcc")
