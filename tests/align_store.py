"""Frames of the made-up archive as documents, taggings and bars of a store."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from store.records import Document, Label, Passage, PriceBar, Tagging


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
