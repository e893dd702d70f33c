"""Frames of the made-up archive as documents, taggings and bars of a store."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from store import Store
from store.records import Document, Label, Passage, PriceBar, Source, Tagging
from tests import align_world


def fill(
    store: Store,
    stories: pd.DataFrame,
    labels: pd.DataFrame | None,
    prices: pd.DataFrame | None,
    *,
    now: datetime,
    copies: Sequence[Document] = (),
) -> None:
    """Write frames of the made-up archive with its narratives and assets, in one run.

    Parameters
    ----------
    labels : DataFrame or None
        None leaves the documents untagged.
    """
    of_document = {} if labels is None else dict(list(labels.groupby("document_id")))
    run = store.runs.begin("import", now=now)
    with store.transaction():
        ids = sorted(stories["source_id"].unique())
        store.sources.sync([Source(id=name, kind="import", url="") for name in ids])
        store.narratives.sync(align_world.narratives(), "test.v1")
        store.assets.sync(align_world.assets())
        documents = [document_of(row) for row in stories.to_dict("records")]
        store.documents.add(documents, run.id)
        if labels is not None:
            tagged = [tagging_of(one, of_document.get(one.id)) for one in documents]
            store.labels.save(tagged, run.id)
        store.documents.add(copies, run.id)
        if prices is not None:
            store.prices.add(bars_of(prices.to_dict("records")), run.id)
        run.finish(now=now)


def document_of(row: Mapping[Any, Any]) -> Document:
    """Return the document of a row of stories, published and seen when it counts."""
    at = row["effective_at"].to_pydatetime()
    return Document(
        id=row["document_id"],
        source_id=row["source_id"],
        guid=None,
        entry_key=row["document_id"],
        url=f"https://example.org/{row['document_id']}",
        canonical_url=None,
        title=row["title"],
        text=f"A sentence that says something about markets in {row['document_id']}.",
        author=None,
        language="en",
        published_at=at,
        first_seen_at=at,
        effective_at=at,
        date_source="import",
        content_hash=row["document_id"],
    )


def tagging_of(document: Document, labels: pd.DataFrame | None) -> Tagging:
    """Return a tagging of one passage with the labels of a frame."""
    passage = Passage(
        id=f"{document.id}:0",
        document_id=document.id,
        position=0,
        part="text",
        start=0,
        end=len(document.text),
        text=document.text,
    )
    rows = [] if labels is None else labels.to_dict("records")
    return Tagging(
        document_id=document.id,
        content_hash=document.content_hash,
        model="test",
        taxonomy="test.v1",
        outcome="tagged",
        language="en",
        passages=[passage],
        labels=[
            Label(
                passage_id=passage.id,
                document_id=document.id,
                narrative_id=row["narrative_id"],
                probability=row["probability"],
                stance=row["stance"],
                stance_probability=0.8,
                is_causal_claim=bool(row["causal"]),
                model="test",
                taxonomy="test.v1",
            )
            for row in rows
        ],
    )


def bars_of(rows: Iterable[Mapping[Any, Any]]) -> list[PriceBar]:
    """Return the bars of rows of prices."""
    return [
        PriceBar(
            asset_id=row["asset_id"],
            date=row["date"].date(),
            close=row["close"],
            as_of=row["as_of"].to_pydatetime(),
            known_at=row["known_at"].to_pydatetime(),
        )
        for row in rows
    ]
