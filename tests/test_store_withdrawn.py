"""A document that its author deleted: its words go everywhere, its row stays."""

import asyncio
import html
import json
from datetime import UTC, datetime

import pytest

from api.browse.app import make_datasette
from store import Store
from store.publish import publish
from store.results import explanation_of
from tests.sample_store import populated_store

NOW = datetime(2026, 2, 2, 21, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "t.db"
    populated_store(path)
    with Store.open(path) as opened:
        yield opened


@pytest.fixture
def labelled(store):
    """The id of a document that carries labels."""
    (found,) = store.db.execute(
        "SELECT l.document_id FROM labels l JOIN documents d ON d.id = l.document_id"
        " WHERE d.title <> '' AND d.text <> '' ORDER BY l.document_id LIMIT 1"
    ).fetchone()
    return found


@pytest.fixture
def quoted(store):
    """The id of a document that an explanation quotes, and what is quoted of it."""
    found = store.db.execute(
        "SELECT q.value ->> 'document_id', q.value ->> 'quote' FROM explanations e,"
        " json_each(e.document, '$.suspects') s, json_each(s.value, '$.quotes') q LIMIT 1"
    ).fetchone()
    return found


def count(store: Store, table: str, document_id: str) -> int:
    (number,) = store.db.execute(
        f"SELECT count(*) FROM {table} WHERE document_id = ?", [document_id]
    ).fetchone()
    return int(number)


def test_its_words_go_and_its_row_stays(store, labelled):
    word = store.documents.get(labelled).text.split()[0]
    documents = store.documents.count()
    assert store.documents.withdraw([labelled], NOW) == 1
    assert store.documents.count() == documents
    assert [count(store, table, labelled) for table in ("passages", "labels", "taggings")] == [
        0
    ] * 3
    gone = store.documents.get(labelled)
    assert (gone.title, gone.text, gone.author) == ("", "", None)
    found = store.db["documents"].search(word, columns=["id"], quote=True)
    assert labelled not in [row["id"] for row in found]
    assert store.check() == []


def explanations(store: Store) -> list[str]:
    return [row[0] for row in store.db.execute("SELECT document FROM explanations ORDER BY date")]


def test_its_words_go_from_the_explanations_that_quote_it(store, quoted):
    document_id, quote = quoted
    before = explanations(store)
    store.documents.withdraw([document_id], NOW)
    after = explanations(store)
    assert not [text for text in after if document_id in text]
    # All else stays as it was, and reads as what the alignment would write.
    for old, text in zip(map(json.loads, before), after, strict=True):
        for suspect in old["suspects"]:
            suspect["quotes"] = [
                one for one in suspect["quotes"] if one["document_id"] != document_id
            ]
        assert text == json.dumps(old, ensure_ascii=False)
        assert not store.results.explanations_differ([explanation_of(json.loads(text))], days=1)
    datasette = make_datasette(publish(store).path)
    for (day,) in store.db.execute("SELECT date FROM explanations WHERE days = 1"):
        answer = asyncio.run(datasette.client.get(f"/day/{day}"))
        assert answer.status_code == 200
        assert quote not in html.unescape(answer.text)


def test_an_explanation_that_quotes_others_is_not_rewritten(store, quoted):
    before = explanations(store)
    (other,) = store.db.execute(
        "SELECT id FROM documents WHERE NOT EXISTS (SELECT 1 FROM explanations e"
        " WHERE instr(e.document, documents.id)) ORDER BY id LIMIT 1"
    ).fetchone()
    store.documents.withdraw([other], NOW)
    assert explanations(store) == before


def test_one_that_comes_back_has_its_author_again_and_no_other_takes_one(store, labelled):
    words = {"title": "t", "text": "w", "content_hash": "h", "seen_at": NOW}
    author = store.documents.get(labelled).author
    store.documents.revise(labelled, **words, author="somebody else")
    assert store.documents.get(labelled).author == author
    store.documents.withdraw([labelled], NOW)
    store.documents.revise(labelled, **words, author="~ann")
    assert store.documents.get(labelled).author == "~ann"


def test_it_is_neither_labelled_nor_compared_nor_withdrawn_again(store, labelled):
    waiting = store.labels.pending_count("m", "t")
    store.documents.withdraw([labelled], NOW)
    assert store.labels.pending_count("m", "t") == waiting - 1
    recent = store.documents.recent_for_dedupe(datetime(2000, 1, 1, tzinfo=UTC))
    assert labelled not in [row.id for row in recent]
    assert store.documents.withdraw([labelled], NOW) == 0


def test_its_page_says_what_happened(store, labelled):
    store.documents.withdraw([labelled], NOW)
    snapshot = publish(store).path
    answer = asyncio.run(make_datasette(snapshot).client.get(f"/document/{labelled}"))
    assert answer.status_code == 200
    assert "Its author deleted it" in answer.text
    assert "Read it at" not in answer.text


def test_its_earliest_copy_stands_for_the_story(store, labelled):
    rows = store.db.execute(
        "SELECT id FROM documents WHERE id <> ? AND duplicate_of IS NULL"
        " ORDER BY effective_at, published_at, id LIMIT 3",
        [labelled],
    )
    first, *rest = [row[0] for row in rows]
    store.documents.set_duplicates(dict.fromkeys([first, *rest], labelled))
    store.documents.withdraw([labelled], NOW)
    assert store.documents.get(first).duplicate_of is None
    assert {store.documents.get(copy).duplicate_of for copy in rest} == {first}


def test_new_counts_take_the_place_of_the_old(store, labelled):
    store.documents.set_engagement({labelled: {"likes": 41}})
    assert store.documents.get(labelled).engagement == {"likes": 41}
