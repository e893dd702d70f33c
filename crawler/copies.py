"""The search for copies over what is stored: after a crawl, and after an import."""

from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from crawler.dedupe import WINDOW, Text, find_duplicates

# A day more than the window of the comparison, lest a story's first document be missed.
LOOK_BACK = WINDOW + timedelta(days=1)


class Store(Protocol):
    """What the search needs of the store."""

    @property
    def documents(self) -> Any:
        """The queries on documents."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """Open a transaction."""
        ...


def mark_duplicates(store: Store, since: datetime) -> int:
    """Find the copies among the stored documents that count from an instant on.

    Those that count from before stay as they are, and are what the others may be copies of.
    Returns the number of documents that were marked; one transaction, idempotent.
    """
    copies = find_duplicates(
        (_text(row) for row in store.documents.recent_for_dedupe(since - LOOK_BACK)),
        since=since,
        reread=store.documents.title_and_text,
    )
    if not copies:
        return 0
    with store.transaction():
        store.documents.set_duplicates(copies)
    return sum(first is not None for first in copies.values())


def _text(row: Any) -> Text:
    return Text(
        id=row.id,
        title=row.title,
        text=row.text,
        language=row.language,
        effective_at=row.effective_at,
        published_at=row.published_at,
        duplicate_of=row.duplicate_of,
        source_id=row.source_id,
    )
