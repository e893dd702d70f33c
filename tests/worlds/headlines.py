"""Real headlines, labelled once, for measurements of discovery; skips without ``../shared``.

``TAPESTORY_HEADLINES=PATH`` names a working file that holds them already: labelling 21,000
headlines takes minutes.
"""

import os
import shutil
import sqlite3
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nlp.models import ModelSettings, load_models
from nlp.narratives import load_taxonomy
from nlp.run import tag
from nlp.space import pack
from store import Store
from tests.align_world import SHARED
from tests.stories_world import headline

HEADLINES = SHARED / "text" / "headlines.parquet"
REUTERS = SHARED / "text" / "reuters21578.parquet"
# Subjects of 1987 that no narrative has, each found in titles by a word of its own.
STORIES = {
    "coffee": r"coffee",
    "sugar": r"sugar",
    "cocoa": r"cocoa",
    "cotton": r"cotton",
    "rubber": r"rubber",
    "livestock": r"pork|hogs?\b|cattle|beef|livestock",
    "natural gas": r"natural gas|\blng\b",
    "steel": r"\bsteel",
}
OUTLETS = ("www-nytimes-com", "www-cnbc-com", "www-marketwatch-com", "techcrunch-com",
           "www-the-independent-com")  # fmt: skip


def labelled(folder: Path) -> Path:
    """Return a writable copy of the labelled headlines in a folder."""
    target = folder / "headlines.db"
    given = os.environ.get("TAPESTORY_HEADLINES")
    if given:
        shutil.copy(given, target)
        with Store.open(target):  # applies what the schema lacks
            return target
    if not HEADLINES.exists():
        pytest.skip("real headlines are in ../shared, which is not here")
    from crawler.run import import_documents

    with Store.open(target, create=True) as store:
        import_documents(store, [HEADLINES], now=datetime(2026, 2, 12, tzinfo=UTC))
        tag(store, load_taxonomy(), models=ModelSettings(), now=datetime(2026, 2, 12, tzinfo=UTC))
    return target


def shuffle_days(path: Path, *, first: date, last: date, seed: int) -> None:
    """Deal the days of a span anew among its documents, so that nothing in it breaks out.

    Each outlet keeps its days: what changes is which of its pieces came on which.
    """
    rng = np.random.default_rng(seed)
    with sqlite3.connect(path) as db:
        rows = db.execute(
            "SELECT source_id, id, effective_at FROM documents"
            " WHERE effective_at >= ? AND effective_at < ? ORDER BY 1, 2",
            [first.isoformat(), (last + timedelta(days=1)).isoformat()],
        ).fetchall()
        outlets = np.array([row[0] for row in rows])
        times = np.array([row[2] for row in rows], dtype=object)
        for outlet in np.unique(outlets):
            own = np.flatnonzero(outlets == outlet)
            times[own] = times[rng.permutation(own)]
        db.executemany(
            "UPDATE documents SET effective_at = ?1, published_at = ?1, first_seen_at = ?1"
            " WHERE id = ?2",
            [(when, row[1]) for when, row in zip(times, rows, strict=True)],
        )


def plant(path: Path, subject: str, *, first: date, days: int, a_day: float, seed: int) -> set[str]:
    """Add a story of 1987 as if it broke out on a day; return the ids of its documents.

    They carry no label, as those of a story that no narrative has.
    """
    frame = pd.read_parquet(REUTERS, columns=["title"])
    titles = frame["title"].dropna().drop_duplicates()
    titles = titles[titles.str.contains(STORIES[subject], case=False, regex=True)]
    rng = np.random.default_rng(seed)
    chosen = [str(one).capitalize() for one in rng.permutation(titles.to_numpy())]
    models = load_models(ModelSettings())
    vectors = models.place(chosen, "en")
    days_of = [
        first + timedelta(days=n) for n in range(days) for _ in range(int(a_day + rng.random()))
    ]
    found = []
    with Store.open(path) as store, store.transaction():
        name = store.topics.model_of("en", *_instants(first, days))
        assert name is not None
        run = store.runs.begin("import", now=datetime(2026, 2, 12, tzinfo=UTC))
        for day, title, vector in zip(days_of, chosen, vectors, strict=False):
            at = datetime.combine(
                day, time(int(rng.integers(24)), int(rng.integers(60))), tzinfo=UTC
            )
            outlet = OUTLETS[int(rng.integers(len(OUTLETS)))]
            key = f"{subject}/{title}"
            document, tagging = headline(key, at, outlet, title, pack([vector]), name)
            store.documents.add([document], run.id)
            store.labels.save([tagging], run.id)
            found.append(document.id)
        run.finish(now=datetime(2026, 2, 12, tzinfo=UTC))
    return set(found)


def _instants(first: date, days: int) -> tuple[datetime, datetime]:
    start = datetime.combine(first, time(), tzinfo=UTC)
    return start, start + timedelta(days=days)
