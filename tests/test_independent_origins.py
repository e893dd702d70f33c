"""One wire story that forty outlets print counts once, all the way to the frames of `align`."""

import json
from datetime import UTC, datetime
from typing import cast

from crawler.run import import_documents
from nlp.models import Models
from nlp.narratives import load_taxonomy
from nlp.run import tag
from store import Store
from tests.test_nlp_label import FakeModels

NOW = datetime(2026, 2, 1, tzinfo=UTC)
WIRE = "Metals fell on tariffs, said desks. " + " ".join(f"word{n}" for n in range(80))
OWN = "A paper of its own on tariffs. " + " ".join(f"other{n}" for n in range(80))


def row(number: int, text: str) -> dict[str, str]:
    return {
        "title": f"Headline of outlet {number}",
        "text": text,
        "url": f"https://outlet{number}.example/1",
        "source": f"outlet{number}",
        "published_at": f"2026-01-30T{10 + number // 60:02d}:{number % 60:02d}:00Z",
    }


def test_forty_copies_are_one_story_of_reach_forty_and_one_origin(tmp_path):
    rows = [row(n, f"{WIRE} ({n})" if n else WIRE) for n in range(40)] + [row(50, OWN)]
    path = tmp_path / "wire.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with Store.open(tmp_path / "t.db", create=True) as store:
        assert import_documents(store, [path], now=NOW).counts["duplicates"] == 39
        tag(store, load_taxonomy(), models=cast(Models, FakeModels()), now=NOW)
        stories, labels = store.frames.stories(), store.frames.labels()
        naive = store.db.execute(
            "SELECT count(DISTINCT document_id) FROM labels WHERE narrative_id = 'tariffs'"
        ).fetchone()[0]
    assert list(stories["copies"]) == [40, 1]
    tariffs = labels[labels["narrative_id"] == "tariffs"]
    assert list(tariffs["document_id"]) == list(stories["document_id"])
    # Sources of the originals: what a suspect's evidence may call independent.
    assert tariffs["source_id"].nunique() == 2
    assert naive == 41, "counting documents would see forty-one voices"
