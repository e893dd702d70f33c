"""The search for copies over what is stored: after a crawl, and after an import."""

from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from crawler.dedupe import WINDOW, Text, find_duplicates

# A day more than the window of the comparison: effective dates move to the first sight.
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
    """Find copies among the stored documents that count from an instant on.

    Returns the number of documents that were marked; one transaction, idempotent.
    """
    rows = [
        Text(
            id=row.id,
            title=row.title,
            text=row.text,
            language=row.language,
            effective_at=row.effective_at,
            published_at=row.published_at,
            duplicate_of=row.duplicate_of,
        )
        for row in store.documents.recent_for_dedupe(since)
    ]
    copies = find_duplicates(rows)
    if not copies:
        return 0
    with store.transaction():
        marked: int = store.documents.set_duplicates(copies)
    return marked
