"""Fixtures of the tests against the world."""

from collections.abc import Iterator

import pytest

from tests.jobs.bad_server import Authority
from tests.world.lists import open_folder
from tests.world.rulesets import OPENED


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with open_folder() as folder:
        yield Authority(folder)


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """Closes what `opened` opened."""
    yield
    while OPENED:
        OPENED.pop().close()
