"""What the tests of complaints about other projects share: a page as read, a labelled story."""

import asyncio
import re
from datetime import UTC, date, datetime
from html import unescape

from api.browse.app import make_datasette
from store import Store
from store.records import Document, Label, Passage, Tagging
from tests.sample_world import MODEL, TAXONOMY

NOW = datetime(2026, 2, 1, tzinfo=UTC)
FRIDAY = date(2026, 1, 30)


def page_of(store: Store, address: str) -> str:
    """Return the text of a page over a store as it is now."""
    return words(asyncio.run(make_datasette(store.path).client.get(address)).text)


def words(html: str) -> str:
    """Return what a reader sees, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def tagged(document: Document, narrative: str | None = None) -> Tagging:
    """Return a document's tagging: its text carries a narrative, or none."""
    passage = Passage(
        id=f"{document.id}:0", document_id=document.id, position=0, part="text", start=0,
        end=len(document.text), text=document.text,
    )  # fmt: skip
    labels = [] if narrative is None else [
        Label(
            passage_id=passage.id, document_id=document.id, narrative_id=narrative,
            probability=0.9, stance="favor", stance_probability=0.8, is_causal_claim=False,
            model=MODEL, taxonomy=TAXONOMY,
        )
    ]  # fmt: skip
    return Tagging(
        document_id=document.id, content_hash=document.content_hash, model=MODEL,
        taxonomy=TAXONOMY, outcome="tagged", language="en", passages=[passage], labels=labels,
    )  # fmt: skip
