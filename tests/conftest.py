"""Fixtures that many tests share."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.browse.app import make_datasette
from store import Store
from store.publish import publish, snapshot_path
from tests.browser import chromium, real_site, site  # noqa: F401 - fixtures
from tests.sample_night import in_its_own_process
from tests.sample_store import populated_store
from tests.sample_topics import fill_topics


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


@pytest.fixture(scope="session")
def sample_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the populated sample store with its snapshot, not to be changed."""
    path = tmp_path_factory.mktemp("sample") / "t.db"
    populated_store(path)
    with Store.open(path) as store:
        publish(store)
    return path


@pytest.fixture(scope="session")
def topics_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the sample store with topics and its snapshot, not to be changed."""
    path = tmp_path_factory.mktemp("topics") / "t.db"
    populated_store(path)
    with Store.open(path) as store:
        fill_topics(store)
        publish(store)
    return path


@pytest.fixture
def mine(sample_path: Path, tmp_path: Path) -> Iterator[Store]:
    """Give a copy of the sample store that a test may change."""
    copy = tmp_path / "own.db"
    copy.write_bytes(sample_path.read_bytes())
    with Store.open(copy) as opened:
        yield opened


@pytest.fixture(scope="session")
def get(sample_path: Path) -> Callable[[str], Any]:
    """Give a function from an address to the answer of the sample's pages."""
    client = make_datasette(snapshot_path(sample_path)).client
    return lambda address: asyncio.run(client.get(address))
