"""A household in a temporary folder for the tests of operations."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.counted import counted
from tests.daemon.limited import times
from tests.promises.household import Home

__all__ = ["counted", "home", "times"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(str(tmp_path))
    made.start()
    yield made
    made.crash()
