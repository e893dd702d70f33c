"""What the pages read is what the plain query over the tables finds, live and in a snapshot."""

import random
import sqlite3
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from store import Store
from store.migrations.pages import VIEWS
from store.page_search import match_of, words_of
from store.pages import Pages
from store.publish import backup, is_current, publish, restore, snapshot_path
from store.records import Document, Entity, Label, Passage, Tagging
from store.rows import Kept
from tests.sample_store import _document, populated_store
from tests.sample_world import MODEL, NARRATIVES, NOW, SOURCES, STANCES, TAXONOMY, sessions

WINDOWS = (
    ("2026-01-23T21:00:00Z", "2026-01-30T21:00:00Z"),
    ("2026-01-29T21:00:00Z", "2026-01-30T21:00:00Z"),
    ("", "9999"),
)
CARRIED = """
WITH votes AS (
  SELECT l.document_id, l.stance, sum(l.probability * l.stance_probability) AS vote,
    max(l.probability) AS top, max(l.is_causal_claim) AS claim
  FROM documents d JOIN labels l ON l.document_id = d.id
  WHERE d.effective_at >= ? AND d.effective_at < ? AND d.duplicate_of IS NULL
    AND l.narrative_id = ?
  GROUP BY l.document_id, l.stance
), carried AS (
  SELECT * FROM (
    SELECT document_id, stance, max(top) OVER story AS probability,
      max(claim) OVER story AS causal,
      row_number() OVER (PARTITION BY document_id ORDER BY vote DESC, stance) AS nth
    FROM votes WINDOW story AS (PARTITION BY document_id)
  ) WHERE nth = 1
)
"""
SUREST = "ORDER BY causal DESC, probability * stance_probability DESC, document_id, position"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return a working file with many ties and repeated wordings, and its snapshot."""
    path = tmp_path_factory.mktemp("pages") / "t.db"
    populated_store(path)
    with Store.open(path) as store:
        _say_more(store)
        publish(store)
    return path, snapshot_path(path)


def _say_more(store):
    rng = random.Random(4)
    run = store.runs.begin("crawl", now=NOW)
    documents: list[Document] = []
    taggings: list[Tagging] = []
    for number in range(100, 260):
        day = sessions()[rng.randrange(14)]
        source = SOURCES[rng.randrange(4)].id
        # Few wordings, so that stories share them; few figures, so that they tie.
        said = [f"Gold and talk number {rng.randrange(6)}." for _ in range(3)]
        copied = documents[-1].id if number % 9 == 0 and not documents[-1].duplicate_of else None
        document = _document(number, day, source, f"Gold {number}", " ".join(said), copied)
        shift = timedelta(minutes=rng.randrange(90))
        documents.append(replace(document, effective_at=document.effective_at + shift))
        passages: list[Passage] = []
        labels: list[Label] = []
        for position, text in enumerate(said):
            start = 0 if position == 0 else passages[-1].end + 1
            passages.append(
                Passage(
                    id=f"{document.id}:{position}",
                    document_id=document.id,
                    position=position,
                    part="text",
                    start=start,
                    end=start + len(text),
                    text=text,
                )
            )
            labels += [
                Label(
                    passage_id=passages[-1].id,
                    document_id=document.id,
                    narrative_id=narrative.id,
                    probability=rng.choice([0.6, 0.9]),
                    stance=rng.choice(STANCES),
                    stance_probability=rng.choice([0.6, 0.9]),
                    is_causal_claim=rng.random() < 0.3,
                    model=MODEL,
                    taxonomy=TAXONOMY,
                )
                for narrative in NARRATIVES[:3]
                if rng.random() < 0.6
            ]
        names = [("gold", "GLD"), ("silver", "SLV"), ("A Company", None)]
        taggings.append(
            Tagging(
                document_id=document.id,
                content_hash=document.content_hash,
                model=MODEL,
                taxonomy=TAXONOMY,
                outcome="tagged",
                language="en",
                passages=passages,
                labels=labels,
                entities=[
                    Entity(document_id=document.id, text=text, label=label, asset_id=id_, count=2)
                    for text, id_ in names
                    for label in ("asset", "word")
                    if rng.random() < 0.4
                ],
            )
        )
    rng.shuffle(documents)  # as an archive that is imported later: numbers are no clock
    store.documents.add([one for one in documents if not one.duplicate_of], run.id)
    store.documents.add([one for one in documents if one.duplicate_of], run.id)
    store.labels.save(taggings, run.id)
    run.finish(now=NOW)


@pytest.fixture(params=["working file", "snapshot"])
def db(files, request):
    path = files[request.param == "snapshot"]
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    yield connection
    connection.close()


def asked(db, sql, values):
    return [tuple(row) for row in db.execute(sql, values)]


def picked(rows, *columns):
    return [tuple(row[column] for column in columns) for row in rows]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("narrative", [one.id for one in NARRATIVES[:4]])
def test_what_carries_a_narrative_is_what_the_plain_query_finds(db, narrative, window):
    stories, values = Pages(db).stories, [*window, narrative]
    assert picked(
        stories.top(narrative, window, 12), "id", "stance", "probability", "causal", "reach"
    ) == asked(
        db,
        f"{CARRIED} SELECT document_id, stance, probability, causal, (SELECT count(*) + 1 FROM"
        " documents c WHERE c.duplicate_of = document_id) AS reach FROM carried"
        " ORDER BY reach DESC, causal DESC, probability DESC, document_id LIMIT 12",
        values,
    )
    assert picked(
        stories.outlets(narrative, window),
        *("id", "stories", "favor", "against", "none", "all_stories"),
    ) == asked(
        db,
        f"{CARRIED} SELECT d.source_id, count(*) AS stories, sum(c.stance = 'favor'),"
        " sum(c.stance = 'against'), sum(c.stance = 'none'), (SELECT count(*) FROM documents a"
        " WHERE a.source_id = d.source_id AND a.duplicate_of IS NULL AND a.effective_at >= ?"
        " AND a.effective_at < ?) FROM carried c JOIN documents d ON d.id = c.document_id"
        " GROUP BY d.source_id ORDER BY stories DESC, d.source_id LIMIT 25",
        [*values, *window],
    )
    assert picked(
        stories.entities(narrative, window), "text", "label", "asset_id", "stories"
    ) == asked(
        db,
        f"{CARRIED} SELECT max(e.text), max(e.label), max(e.asset_id),"
        " count(DISTINCT e.document_id) AS stories FROM carried c JOIN entities e"
        " ON e.document_id = c.document_id GROUP BY lower(e.text)"
        " ORDER BY stories DESC, e.text LIMIT 18",
        values,
    )


@pytest.mark.parametrize("first_look", [1, 3, 64])
@pytest.mark.parametrize("window", WINDOWS)
def test_quotes_are_one_for_a_story_and_one_for_a_wording(db, window, first_look, monkeypatch):
    monkeypatch.setattr("store.page_stories._FIRST_LOOK", first_look)
    for narrative in [one.id for one in NARRATIVES[:4]]:
        for stance in STANCES:
            found = Pages(db).stories.quotes(narrative, stance, window, 4)
            assert picked(found, "document_id", "position", "quote", "title") == asked(
                db,
                "WITH said AS (SELECT l.document_id, p.position, p.text AS quote, l.probability,"
                " l.stance_probability, l.is_causal_claim AS causal, d.title FROM documents d"
                " JOIN labels l ON l.document_id = d.id JOIN passages p ON p.id = l.passage_id"
                " WHERE d.effective_at >= ? AND d.effective_at < ? AND d.duplicate_of IS NULL"
                " AND l.narrative_id = ? AND l.stance = ?)"
                " SELECT document_id, position, quote, title FROM (SELECT *,"
                f" row_number() OVER (PARTITION BY document_id {SUREST}) AS in_story,"
                f" row_number() OVER (PARTITION BY quote {SUREST}) AS in_words FROM said)"
                " WHERE in_story = 1 AND in_words = 1 ORDER BY causal DESC,"
                " probability * stance_probability DESC, document_id LIMIT 4",
                [*window, narrative, stance],
            )


@pytest.mark.parametrize("asset", ["GLD", "SLV", "VIX"])
def test_the_newest_stories_that_name_an_asset(db, asset):
    found = picked(Pages(db).stories.naming(asset), "id", "mentions")
    assert found == asked(
        db,
        "SELECT d.id, sum(e.count) FROM entities e JOIN documents d ON d.id = e.document_id"
        " WHERE e.asset_id = ? AND d.duplicate_of IS NULL GROUP BY d.id"
        " ORDER BY d.effective_at DESC, d.id LIMIT 15",
        [asset],
    )


@pytest.mark.parametrize("most", [5, 40, 10_000])
@pytest.mark.parametrize("copies", [False, True])
@pytest.mark.parametrize("text", ["gold", "gold talk", '"talk number 3"', "metals", "nothingatall"])
def test_newest_first_is_exact_however_few_hits_are_looked_at(db, text, copies, most, monkeypatch):
    monkeypatch.setattr("store.page_search.MOST", most)
    expected = asked(
        db,
        "SELECT d.id FROM documents_fts JOIN documents d ON d.number = documents_fts.rowid"
        f" WHERE documents_fts MATCH ?{'' if copies else ' AND d.duplicate_of IS NULL'}"
        " ORDER BY d.effective_at DESC, d.id",
        [match_of(words_of(text))],
    )
    for offset in (0, 7, 60):
        found = Pages(db).search.find(text, newest=True, copies=copies, limit=7, offset=offset)
        assert picked(found["documents"], "id") == expected[offset : offset + 7]
        assert found["more"] or found["total"] == len(expected)


@pytest.mark.parametrize("text", ["gold", "gold talk", '"talk number 3"', "metals"])
def test_relevance_is_that_of_the_index_where_all_hits_are_looked_at(db, text):
    found = Pages(db).search.find(text, limit=200)
    assert not found["more"]
    assert picked(found["documents"], "id") == asked(
        db,
        "SELECT d.id FROM documents_fts JOIN documents d ON d.number = documents_fts.rowid"
        " WHERE documents_fts MATCH ? AND d.duplicate_of IS NULL"
        " ORDER BY documents_fts.rank, d.id LIMIT 200",
        [match_of(words_of(text))],
    )


def test_with_more_hits_than_are_looked_at_those_stored_last_are_ranked(db, monkeypatch):
    monkeypatch.setattr("store.page_search.MOST", 20)
    found = Pages(db).search.find("gold", copies=True, limit=50)
    last = asked(
        db,
        "SELECT d.id FROM documents d JOIN documents_fts f ON f.rowid = d.number"
        " WHERE documents_fts MATCH 'gold' ORDER BY d.number DESC LIMIT 21",
        [],
    )
    assert found["more"]
    assert found["total"] == 21
    assert {(row["id"],) for row in found["documents"]} == set(last)


# -- what is the same for every page -----------------------------------------------


def test_what_is_kept_is_asked_once_and_belongs_to_each_page(files):
    db = sqlite3.connect(files[1])
    asked_for: list[str] = []
    db.set_trace_callback(asked_for.append)
    answers: dict[Any, Any] = {}
    first, second = (Pages(Kept(db, answers)) for _ in range(2))
    narratives = first.narratives()
    first.series.cells("asset_id", "GLD")
    narratives[0]["name"] = "changed by a page"
    count = len(asked_for)
    assert second.narratives() == Pages(db).narratives() != narratives
    assert second.series.cells("asset_id", "GLD") == Pages(db).series.cells("asset_id", "GLD")
    assert second.series.cells("asset_id", "SPY") == Pages(db).series.cells("asset_id", "SPY")
    # Those of the bare connection, and the one that nobody had asked for.
    assert len(asked_for) - count == 4


def test_what_is_kept_does_not_grow_without_end(files, monkeypatch):
    monkeypatch.setattr("store.rows._MOST_KEPT", 3)
    answers: dict[Any, Any] = {}
    pages = Pages(Kept(sqlite3.connect(files[1]), answers))
    for day in range(10, 20):
        assert pages.days(5, until=f"2026-01-{day}") is not None
        assert len(answers) <= 3


# -- the snapshot ------------------------------------------------------------------


def test_the_snapshot_holds_the_rows_of_the_views(files):
    working, site = (sqlite3.connect(path) for path in files)
    for name in VIEWS:
        kinds = [
            one.execute("SELECT type FROM sqlite_master WHERE name = ?", [name]).fetchone()[0]
            for one in (working, site)
        ]
        assert kinds == ["view", "table"]
        found = [sorted(one.execute(f"SELECT * FROM {name}")) for one in (working, site)]
        if name == "table_counts":
            assert set(found[0]) < set(found[1])
        else:
            assert found[0] == found[1] != []


def test_the_snapshot_knows_how_many_rows_its_tables_have(files):
    site = sqlite3.connect(files[1])
    counts = dict(site.execute("SELECT * FROM table_counts").fetchall())
    tables = [row[0] for row in site.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert sorted(tables) == sorted(counts)
    for table, rows in counts.items():
        assert site.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0] == rows


def test_a_snapshot_of_an_older_version_is_made_again(files, tmp_path):
    path = tmp_path / "t.db"
    backup(files[0], path)
    backup(files[0], snapshot_path(path))  # newer than the file, but without the rows
    assert not is_current(path)
    with Store.open(path) as store:
        assert publish(store).fresh
    assert is_current(path)


def test_a_snapshot_that_is_restored_is_a_working_file_again(files, tmp_path):
    path = tmp_path / "t.db"
    restore(files[1], path)
    with Store.open(path) as store:
        store.db.execute("DELETE FROM labels")
        assert store.pages.stories.top("qt-liquidity", WINDOWS[2]) == []
        kinds = store.db.execute(
            "SELECT type FROM sqlite_master WHERE name LIKE 'story!_%' ESCAPE '!'"
        )
        assert {row[0] for row in kinds} == {"view"}
