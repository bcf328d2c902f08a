"""Flash of a test's own: a small ext4 in a file, which really turns read-only, as it does after an error."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.namespaces import missing


class Flash:
    """Mounted at `folder`, writable."""

    def __init__(self, image: Path, folder: Path, megabytes: int = 16) -> None:
        self.folder = folder
        self._image = image
        image.write_bytes(b"")
        subprocess.run(["truncate", "-s", f"{megabytes}M", str(image)], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
        folder.mkdir()
        self.mount()

    def mount(self, *options: str) -> None:
        chosen = ",".join(("loop", "errors=remount-ro", *options))
        subprocess.run(["mount", "-o", chosen, str(self._image), str(self.folder)], check=True)

    def remount(self, option: str) -> None:
        """ "ro" or "rw" while no file is open for writing; "abort" is what an error of the medium does, at once."""
        subprocess.run(["mount", "-o", "remount," + option, str(self.folder)], check=True)

    def remove(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True)

    def repair(self) -> None:
        """While nothing has a file of it open: mounted anew, as by a restart of the router."""
        subprocess.run(["umount", str(self.folder)], check=True)
        self.mount()


@pytest.fixture
def flash(tmp_path: Path) -> Iterator[Flash]:
    if reason := missing("mount"):
        pytest.skip(reason)
    if shutil.which("mkfs.ext4") is None or not Path("/dev/loop-control").exists():
        pytest.skip("not here: ext4 in a file")
    made = Flash(tmp_path / "image", tmp_path / "state")
    yield made
    made.remove()
