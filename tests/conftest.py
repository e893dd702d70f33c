"""Fixtures that many tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from store import Store
from tests.browser import chromium, real_site, site  # noqa: F401 - fixtures


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give an empty database."""
    with Store.open(tmp_path / "t.db", create=True) as opened:
        yield opened
