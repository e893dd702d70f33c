"""What is stored of one source, read only as far as a body asks; years of it stay unread."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from crawler.identity import StoredKey, document_id, keys_to_look_up
from store.records import FeedItem

Known = Mapping[str, StoredKey]


class Documents(Protocol):
    """What a shelf needs of the store; each answer is by entry key."""

    def known(
        self,
        source_id: str,
        *,
        keys: Iterable[str] = (),
        urls: Iterable[str] = (),
        ids: Iterable[str] = (),
    ) -> Known:
        """Return the documents with one of these keys, canonical addresses or ids."""
        ...  # pragma: no cover

    def waiting(self, source_id: str) -> Known:
        """Return the documents whose pages are to be asked for again."""
        ...  # pragma: no cover

    def between(self, source_id: str, first: datetime, last: datetime) -> Known:
        """Return the documents that their source dates between two instants, both excluded."""
        ...  # pragma: no cover


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The stored documents of one source."""

    documents: Documents
    source_id: str

    def listed(self, items: Sequence[FeedItem], sites: Collection[str] = ()) -> Known:
        """Return what :func:`crawler.identity.match_entries` may ask for these items."""
        keys, urls = keys_to_look_up(items, sites=sites)
        ids = {document_id(self.source_id, key) for key in keys}
        return self.documents.known(self.source_id, keys=keys, urls=urls, ids=ids)

    def waiting(self) -> Known:
        """Return the documents whose pages are to be asked for again."""
        return self.documents.waiting(self.source_id)

    def at(self, urls: Collection[str]) -> Known:
        """Return the documents at canonical addresses."""
        return self.documents.known(self.source_id, urls=urls) if urls else {}

    def between(self, first: datetime, last: datetime) -> Known:
        """Return the documents that their source dates between two instants, both excluded."""
        return self.documents.between(self.source_id, first, last)
