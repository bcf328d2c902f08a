"""A household in a temporary folder, crashed at the end so that nothing is left open."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.fixtures import agent, lab, resident, site
from tests.promises.household import Home

__all__ = ["agent", "home", "lab", "resident", "site"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(str(tmp_path))
    yield made
    made.crash()
