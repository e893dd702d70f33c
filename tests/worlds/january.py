"""The real archive of ``../shared`` with the labels of the shipped model, without running it.

Labelling 21,000 headlines takes minutes; what came out is a figure per headline. The file beside
this module holds it: document, narrative, stance, and whether a cause is claimed, no word of any
text. ``python -m tests.worlds.january DB > tests/worlds/january_labels.txt`` writes it from a
database that holds the archive as ``tapestory import`` and ``tapestory tag`` leave it.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from align.explanation import World
from align.inputs import build, needed_assets, world_of
from align.run import _read
from api.config import load_settings
from api.stages import import_documents, import_prices
from crawler.prices.guess import guess_asset
from nlp.narratives import load_taxonomy
from store import Store
from store.records import Label, Passage, Stance, Tagging
from tests.align_world import SHARED

LABELS = Path(__file__).with_name("january_labels.txt")
NOW = datetime(2026, 11, 22, tzinfo=UTC)
# Long enough for the placebo days of March 2020 and for large days to compare with.
SINCE = "2010-01-01"
# Of the hexadecimal digits of a document's id: no two headlines share these.
_DIGITS = 8
# Headlines in a language that the model does not cover.
_UNTAGGED = "not covered"
_STANCES: dict[str, Stance] = {"favor": "favor", "against": "against", "none": "none"}


def labels_text(store: Store) -> str:
    """Return the labels of a tagged archive as the file holds them."""
    (named,) = store.db.execute("SELECT DISTINCT model, taxonomy FROM labels").fetchall()
    groups = defaultdict(list)
    rows = store.db.execute(
        "SELECT narrative_id, stance, is_causal_claim, document_id FROM labels"
        " GROUP BY narrative_id, document_id ORDER BY 1, 2, 3, 4"
    )
    for narrative_id, stance, causal, document_id in rows:
        claim = "claim" if causal else "plain"
        groups[f"{narrative_id} {stance} {claim}"].append(document_id[:_DIGITS])
    left = store.db.execute(
        "SELECT document_id FROM taggings WHERE outcome = 'untagged' ORDER BY document_id"
    )
    groups[_UNTAGGED] = [document_id[:_DIGITS] for (document_id,) in left]
    lines = [" ".join(named), *(f"{key}: {' '.join(ids)}" for key, ids in groups.items())]
    return "\n".join(lines) + "\n"


def labelled_by() -> str:
    """Return the model that the labels of the file are of."""
    return LABELS.read_text(encoding="utf-8").split(maxsplit=1)[0]


def fill(path: Path) -> None:
    """Write a database of the real headlines, the prices that are looked at, and the labels.

    Skips the test where the archive is missing.
    """
    if not SHARED.exists():
        pytest.skip("needs the real archive in ../shared")
    settings = load_settings()
    with Store.open(path, create=True) as store:
        import_documents(store, [SHARED / "text" / "headlines.parquet"], now=NOW)
        import_prices(store, settings, _prices(path.parent), now=NOW)
        taxonomy = load_taxonomy()
        with store.transaction():
            store.narratives.sync(list(taxonomy), taxonomy.version)
            run = store.runs.begin("tag", now=NOW)
            store.labels.save(list(_taggings(store)), run.id)
            run.finish(now=NOW, counts={})


def _prices(folder: Path) -> list[Path]:
    """Return the price files, cut to the series that any statistic looks at."""
    closes = pd.read_parquet(SHARED / "prices" / "closes.parquet")
    fred = pd.read_parquet(SHARED / "prices" / "fred.parquet")
    names = {*closes["asset"], *fred["series"]}
    wanted = needed_assets([guess_asset(name) for name in sorted(names)], list(load_taxonomy()))
    found = []
    for name, table, column in (("closes", closes, "asset"), ("fred", fred, "series")):
        inside = table[column].isin(wanted) & table["date"].between(SINCE, "2026-02-28")
        found.append(folder / f"{name}.parquet")
        table[inside].to_parquet(found[-1])
    return found


def _taggings(store: Store) -> Iterator[Tagging]:
    """Yield the labelling of every headline, its title as the one passage."""
    head, *lines = LABELS.read_text(encoding="utf-8").splitlines()
    model, taxonomy = head.split()
    said = defaultdict(list)
    for line in lines:
        key, ids = line.split(": ")
        for short in ids.split():
            said[short].append(key)
    rows = store.db.execute("SELECT id, content_hash, title FROM documents").fetchall()
    for document_id, content_hash, title in rows:
        keys = said.pop(document_id[:_DIGITS], [])
        covered = keys != [_UNTAGGED]
        yield Tagging(
            document_id=document_id,
            content_hash=content_hash,
            model=model,
            taxonomy=taxonomy,
            outcome="tagged" if covered else "untagged",
            language="en" if covered else None,
            passages=[_passage(document_id, title)] if covered else [],
            labels=[_label(document_id, key, model, taxonomy) for key in keys] if covered else [],
        )
    assert not said, "labels of documents that the archive does not have"


def _passage(document_id: str, title: str) -> Passage:
    return Passage(
        id=f"{document_id}-0",
        document_id=document_id,
        position=0,
        part="title",
        start=0,
        end=len(title),
        text=title,
    )


def _label(document_id: str, key: str, model: str, taxonomy: str) -> Label:
    narrative_id, stance, claim = key.split()
    return Label(
        passage_id=f"{document_id}-0",
        document_id=document_id,
        narrative_id=narrative_id,
        # No score rests on how sure the model was.
        probability=0.9,
        stance=_STANCES[stance],
        stance_probability=0.9,
        is_causal_claim=claim == "claim",
        model=model,
        taxonomy=taxonomy,
    )


def read_world(store: Store) -> World:
    """Return the world that ``explain`` looks at, read once for many days."""
    inputs = _read(store, None)
    return world_of(build(inputs), inputs)


if __name__ == "__main__":
    with Store.open(Path(sys.argv[1])) as opened:
        print(labels_text(opened), end="")
