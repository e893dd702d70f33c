"""Fixtures that many tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store import Store
from tests.browser import chromium, real_site, site  # noqa: F401 - fixtures
from tests.sample_night import in_its_own_process


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give an empty database."""
    with Store.open(tmp_path / "t.db", create=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Give the database of the sample's nightly run, not to be changed, and what it printed."""
    path = tmp_path_factory.mktemp("night") / "tapestory.db"
    return path, in_its_own_process(path)
