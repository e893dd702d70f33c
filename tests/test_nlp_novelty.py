"""The nearest earlier story: right, blind to what comes later, the same in any order of imports."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import numpy as np
import pytest

from nlp.models import Models
from nlp.narratives import load_taxonomy
from nlp.novelty import FAR, NEAR, nearest_earlier
from nlp.run import tag
from nlp.space import pack
from store import Store
from store.publish import backup, publish, snapshot_path
from store.records import Document, Nearest, Source, StoryVector
from tests.test_nlp_label import NOW, FakeModels

START = datetime(2026, 1, 1, tzinfo=UTC)
TAXONOMY = load_taxonomy()


# -- the search ---------------------------------------------------------------------


def story(key: str, hours: float, vector: Any) -> StoryVector:
    packed = pack([np.array(vector)])
    return StoryVector(
        document_id=key, effective_at=START + timedelta(hours=hours), vector=packed, nearest=None
    )


def world(count: int, seed: int = 3) -> list[StoryVector]:
    """Stories over 100 days, three on each of most stamps, drawn about a few centres."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(8, 12))
    hours = (rng.integers(0, 800, count) * 3).tolist()
    points = centres[rng.integers(0, 8, count)] + rng.normal(size=(count, 12))
    rows = [story(f"{n:05d}", hours[n], points[n]) for n in range(count)]
    return sorted(rows, key=lambda row: (row.effective_at, row.document_id))


def by_hand(stories: Sequence[StoryVector]) -> dict[str, tuple[float | None, float | None]]:
    """Each story with each before it, in double precision."""
    vectors = [np.frombuffer(row.vector, np.int8).astype(float) for row in stories]
    found = {}
    for place, row in enumerate(stories):
        best: list[float | None] = []
        for span in (NEAR, FAR):
            cosines = [
                float(vectors[place] @ v / np.linalg.norm(vectors[place]) / np.linalg.norm(v))
                for v, other in zip(vectors[:place], stories, strict=False)
                if row.effective_at - other.effective_at <= span
            ]
            best.append(round(max(0.0, *cosines, 0.0), 4) if cosines else None)
        found[row.document_id] = (best[0], best[1])
    return found


def rows_of(found: Sequence[Nearest]) -> dict[str, tuple[float | None, float | None]]:
    return {row.document_id: (row.nearest_7, row.nearest_30) for row in found}


@pytest.mark.parametrize("block", [7, 64, 1024])
def test_blocks_find_what_a_search_by_hand_finds(monkeypatch, block):
    monkeypatch.setattr("nlp.novelty.BLOCK", block)
    stories = world(300)
    found = list(nearest_earlier(stories))
    assert rows_of(found) == by_hand(stories)
    times = {row.document_id: (row.effective_at, row.document_id) for row in stories}
    for row in found:
        if row.nearest_id is not None:
            assert times[row.nearest_id] < times[row.document_id]


def test_later_stories_change_no_row():
    stories = world(300)
    whole = rows_of(list(nearest_earlier(stories)))
    for cut in (1, 50, 299):
        early = rows_of(list(nearest_earlier(stories[:cut])))
        assert early == {key: whole[key] for key in early}


def test_the_naive_search_that_ignores_time_looks_ahead():
    stories = world(300)
    honest = rows_of(list(nearest_earlier(stories)))
    vectors = np.array([np.frombuffer(row.vector, np.int8) for row in stories], dtype=float)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    def naive(count: int) -> Any:
        cosines = vectors[:count] @ vectors[:count].T
        return (cosines - 2 * np.eye(count)).max(axis=1)

    changed = np.mean(np.abs(naive(300)[:150] - naive(150)) > 1e-9)
    assert changed > 0.3
    assert rows_of(list(nearest_earlier(stories[:150]))).items() <= honest.items()


@pytest.mark.parametrize(
    ("days", "near", "far"), [(7, 1.0, 1.0), (7.1, None, 1.0), (30.1, None, None)]
)
def test_the_ends_of_the_two_windows(days, near, far):
    found = list(nearest_earlier([story("a", 0, [1, 2]), story("b", 24 * days, [1, 2])]))
    assert (found[1].nearest_7, found[1].nearest_30) == (near, far)
    assert found[1].nearest_id == ("a" if far else None)
    assert (found[0].nearest_7, found[0].nearest_30, found[0].nearest_id) == (None, None, None)


def test_an_opposite_is_0_and_no_earlier_story_is_none():
    found = list(nearest_earlier([story("a", 0, [1, 0]), story("b", 1, [-1, 0])]))
    assert (found[0].nearest_30, found[1].nearest_30) == (None, 0.0)


def test_an_older_story_that_comes_late_changes_only_what_it_is_nearer_to():
    stories = world(300)
    whole = {row.document_id: row for row in nearest_earlier(stories)}
    late = set(np.random.default_rng(1).choice(300, 40, replace=False).tolist())
    first = [row for place, row in enumerate(stories) if place not in late]
    known = {row.document_id: row for row in nearest_earlier(first)}
    again = [replace(row, nearest=known.get(row.document_id)) for row in stories]
    changed = list(nearest_earlier(again))
    assert len(changed) < 200
    known |= {row.document_id: row for row in changed}
    assert rows_of(list(known.values())) == rows_of(list(whole.values()))


def test_a_cosine_survives_a_byte_per_dimension():
    rng = np.random.default_rng(2)
    for _ in range(50):
        one = rng.normal(size=768)
        two = one + rng.normal(size=768)
        exact = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
        (_, found) = nearest_earlier([story("a", 0, one), story("b", 1, two)])
        assert found.nearest_7 == pytest.approx(exact, abs=0.003)


def test_the_longest_products_are_exact():
    full = np.full(1040, 127, dtype=np.int8)
    assert int(full.astype(np.int64) @ full.astype(np.int64)) < 2**24


# -- through the store --------------------------------------------------------------


class PlacingModels(FakeModels):
    """Puts a text where its first word says: ``north``, ``east``, or between."""

    def score(self, texts: Sequence[str], taxonomy: Any, language: str = "en") -> list[Any]:
        scores = super().score(texts, taxonomy, language)
        return [
            replace(score, vector=self._vector(text))
            for score, text in zip(scores, texts, strict=True)
        ]

    def place(self, texts: Sequence[str], language: str = "en") -> list[Any]:
        self.placed += texts
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> Any:
        degrees = {"north": 90, "between": 60, "east": 0}[text.split(maxsplit=1)[0].lower()]
        angle = np.radians(degrees)
        return np.array([np.cos(angle), np.sin(angle)], dtype=np.float16)


def document(key: str, title: str, hours: float, **more: Any) -> Document:
    at = START + timedelta(hours=hours)
    plain: dict[str, Any] = dict(
        id=key.rjust(16, "0"), source_id="desk", guid=key, entry_key=key, url=None,
        canonical_url=None, title=title, text="", author=None, language="en", published_at=at,
        first_seen_at=at, effective_at=at, date_source="feed", content_hash=title,
    )  # fmt: skip
    return Document(**(plain | more))


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "t.db", create=True) as opened:
        opened.sources.sync([Source(id="desk", kind="feed", url="https://example.org/feed")])
        yield opened


def add(store: Store, *documents: Document) -> None:
    with store.transaction():
        store.documents.add(documents, store.runs.begin("import", now=NOW).id)


def night(store: Store, models: Any = None) -> Any:
    return tag(store, TAXONOMY, models=cast(Models, models or PlacingModels()), now=NOW)


def nearest(store: Store) -> dict[str, tuple[Any, Any]]:
    frame = store.frames.stories()
    assert list(frame[["nearest_7", "nearest_30"]].dtypes) == [float, float]
    rows = zip(frame["document_id"], frame["nearest_7"], frame["nearest_30"], strict=True)
    return {key.strip("0"): (_known(near), _known(far)) for key, near, far in rows}


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def test_a_night_compares_its_stories_with_those_before(store):
    add(store, document("a", "North one", 0), document("b", "East", 24), document("c", "北", 25))
    night(store)
    assert nearest(store) == {"a": (None, None), "b": (0.0, 0.0)}, "Chinese is not covered"
    add(store, document("d", "between", 24 * 9))
    night(store)
    assert nearest(store)["d"] == (None, pytest.approx(0.866, abs=0.01))
    assert (
        store.db.execute("SELECT nearest_id FROM novelty WHERE document_id LIKE '%d'")
        .fetchone()[0]
        .endswith("a")
    )


def test_a_second_night_writes_nothing(store):
    add(store, document("a", "North one", 0), document("b", "East", 24))
    night(store)
    before = list(store.db.conn.iterdump())
    changes = store.db.conn.total_changes
    night(store)
    assert list(store.db.conn.iterdump()) == before
    assert store.db.conn.total_changes == changes


def test_a_text_that_is_known_keeps_its_vector_without_being_read_again(store):
    add(store, document("a", "North one", 0))
    night(store)
    add(store, document("b", "North one", 30))
    models = PlacingModels()
    assert night(store, models).counts["reused"] == 1
    assert (models.asked, models.placed) == ([], [])
    assert nearest(store)["b"] == (1.0, 1.0)


def test_a_copy_has_no_row_and_is_nobodys_nearest(store):
    add(store, document("a", "North one", 0), document("b", "North two", 1))
    store.documents.set_duplicates({"b".rjust(16, "0"): "a".rjust(16, "0")})
    add(store, document("c", "North three", 2))
    night(store)
    assert nearest(store) == {"a": (None, None), "c": (1.0, 1.0)}
    ids = store.db.execute("SELECT document_id, nearest_id FROM novelty ORDER BY 1").fetchall()
    assert [(a.strip("0"), b and b.strip("0")) for a, b in ids] == [("a", None), ("c", "a")]


def test_a_vector_that_is_missing_is_made_later(store):
    """As in a database of an older version, or after labels came back from Parquet."""
    add(store, document("a", "North one", 0), document("b", "between", 5))
    night(store)
    known = nearest(store)
    with store.transaction():
        store.db.execute("DELETE FROM vectors")
        store.db.execute("DELETE FROM novelty")
    models = PlacingModels()
    night(store, models)
    assert (models.asked, sorted(models.placed)) == ([], ["North one", "between"])
    assert nearest(store) == known


def test_a_night_that_was_killed_before_the_search_is_made_good(store, monkeypatch):
    add(store, document("a", "North one", 0), document("b", "between", 5))

    def killed(stories: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("nlp.run.nearest_earlier", killed)
        with pytest.raises(KeyboardInterrupt):
            night(store)
    assert nearest(store) == {"a": (None, None), "b": (None, None)}
    night(store)
    assert nearest(store)["b"] == (pytest.approx(0.866, abs=0.01),) * 2


def test_archives_in_any_order_give_the_same_rows(store, tmp_path):
    names = ["North", "between", "East"]
    every = [document(f"{n:03d}x", f"{names[n % 3]} {n}", 11 * n) for n in range(90)]
    add(store, *every)
    night(store)
    with Store.open(tmp_path / "parts.db", create=True) as parts:
        parts.sources.sync([Source(id="desk", kind="feed", url="https://example.org/feed")])
        for part in (every[60:], every[:20], every[20:60]):
            add(parts, *part)
            night(parts)
        assert nearest(parts) == nearest(store)


def test_a_revision_changes_what_later_stories_see_and_no_row(store):
    add(store, document("a", "North one", 0), document("b", "North two", 1))
    night(store)
    before = nearest(store)
    store.documents.revise(
        "a".rjust(16, "0"), title="East now", text="", content_hash="East now", seen_at=NOW
    )
    night(store)
    assert nearest(store) == before
    add(store, document("c", "East", 2))
    night(store)
    assert nearest(store)["c"] == (1.0, 1.0)


def test_another_model_measures_anew(store):
    add(store, document("a", "North one", 0), document("b", "between", 5))
    night(store)
    models = PlacingModels()
    models.model_id = "fake:2"
    night(store, models)
    found = {
        row[0]
        for row in store.db.execute("SELECT model FROM novelty UNION SELECT model FROM vectors")
    }
    assert found == {"fake:2"}
    assert nearest(store)["b"] == (pytest.approx(0.866, abs=0.01),) * 2


def test_a_withdrawn_document_leaves_no_vector(store):
    add(store, document("a", "North one", 0), document("b", "between", 5))
    night(store)
    store.documents.withdraw(["a".rjust(16, "0")], NOW)
    for table in ("vectors", "novelty"):
        ids = [row[0] for row in store.db.execute(f"SELECT document_id FROM {table}")]
        assert ids == ["b".rjust(16, "0")]
    night(store)
    assert store.check() == []


def test_vectors_are_in_backups_and_not_in_the_snapshot(store, tmp_path):
    add(store, document("a", "North one", 0), document("b", "between", 5))
    night(store)
    publish(store)
    for path, vectors in (
        (snapshot_path(store.path), 0),
        (backup(store.path, tmp_path / "b.db"), 2),
    ):
        with Store.open(path, read_only=True) as copy:
            counts = [copy.db[name].count for name in ("vectors", "novelty")]
            assert counts == [vectors, 2]
            assert copy.frames.stories()["nearest_7"].notna().sum() == 1
