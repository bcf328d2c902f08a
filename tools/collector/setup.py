"""Where the package's modules lie: in a checkout two folders up, in a source distribution beside this file."""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.sdist import sdist

PACKAGES = ("agent.core", "agent.platform", "tools.collector")
OUTER = ("agent/__init__.py", "tools/__init__.py")
ENCLOSED = Path("modules")
ROOT = ENCLOSED if ENCLOSED.is_dir() else Path("../..")


class Enclosing(sdist):
    """Brings the modules along, so that a worker builds from the archive alone."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, [name for name in files if not name.startswith("..")])
        inner = [path.relative_to(ROOT) for name in PACKAGES for path in (ROOT / name.replace(".", "/")).glob("*.py")]
        for module in [*map(Path, OUTER), *inner]:
            target = Path(base_dir, ENCLOSED, module)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / module, target)


found = re.search(r'__version__ = "([^"]+)"', (ROOT / "agent/__init__.py").read_text())
assert found
setup(
    version=found[1],
    packages=PACKAGES,
    py_modules=[name.removesuffix(".py").replace("/", ".") for name in OUTER],
    package_dir={"": str(ROOT)},
    cmdclass={"sdist": Enclosing},
    options={"egg_info": {"egg_base": "."}},
)
