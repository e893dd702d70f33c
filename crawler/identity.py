"""Which document an item is: keys, ids, revisions, and feeds that change all their ids. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from crawler.urls import canonical_url
from store.records import FeedItem

# Above this share of unknown ids with known links, a feed has changed its ids.
MIGRATION_SHARE = 0.8
MAX_GUID = 512


class StoredKey(Protocol):
    """What identity needs to know of a stored document."""

    @property
    def document_id(self) -> str:
        """Id of the document."""
        ...  # pragma: no cover

    @property
    def source_id(self) -> str:
        """Its source."""
        ...  # pragma: no cover

    @property
    def revisions(self) -> int:
        """Revisions it has had."""
        ...  # pragma: no cover

    @property
    def canonical_url(self) -> str | None:
        """Its address in canonical form."""
        ...  # pragma: no cover

    @property
    def content_hash(self) -> str:
        """Digest of its current title and text."""
        ...  # pragma: no cover

    @property
    def title(self) -> str:
        """Its current title."""
        ...  # pragma: no cover


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An item with its keys.

    Attributes
    ----------
    key : str
        Unique within the source and the same at every fetch.
    document_id : str
        Of the stored document when ``known``, else of the one to store.
    """

    item: FeedItem
    key: str
    canonical_url: str | None
    content_hash: str
    document_id: str
    known: StoredKey | None

    @property
    def is_changed(self) -> bool:
        """Whether a known document's title or text differs."""
        return self.known is not None and self.known.content_hash != self.content_hash


def document_id(source_id: str, entry_key: str) -> str:
    """Return the id of a document, 16 hex digits."""
    return blake2b(f"{source_id}\0{entry_key}".encode(), digest_size=8).hexdigest()


def content_hash(title: str, text: str) -> str:
    """Return the digest of title and text, blind to white space; 32 hex digits."""
    normal = "\0".join(" ".join(part.split()) for part in (title, text))
    return blake2b(normal.encode(), digest_size=16).hexdigest()


def item_key(item: FeedItem, canonical: str | None) -> str:
    """Return guid, or canonical address, or a digest of title, date and first characters."""
    if item.guid:
        return _short(item.guid)
    if canonical:
        return canonical
    start = f"{item.title}\0{item.date_raw or ''}\0{item.text[:200]}"
    return "blake2:" + blake2b(start.encode(), digest_size=16).hexdigest()


def _short(guid: str) -> str:
    if len(guid) <= MAX_GUID:
        return guid
    return "blake2:" + blake2b(guid.encode(errors="replace"), digest_size=16).hexdigest()


def keys_to_look_up(
    items: Sequence[FeedItem], *, site: str | None = None
) -> tuple[set[str], set[str]]:
    """Return every key and canonical address under which items may be stored.

    All that :func:`match_entries` asks of ``known``: what a source has published over the years
    need not be read each night.
    """
    canonicals = [canonical_url(item.url, site=site) for item in items]
    keys = set()
    for position, (item, url) in enumerate(zip(items, canonicals, strict=True)):
        key = item_key(item, url)
        longer = _longer_key(key, item, url)
        keys |= {_short(key), _short(longer), _short(f"{longer} #{position}")}
    return keys, {url for url in canonicals if url is not None}


def match_entries(
    source_id: str,
    items: Sequence[FeedItem],
    known: Mapping[str, StoredKey],
    *,
    site: str | None = None,
) -> list[Entry]:
    """Give every item its key and the stored document that it is, if any.

    Parameters
    ----------
    known : mapping
        The source's stored documents by entry key: all, or those of :func:`keys_to_look_up`.
    site : str or None
        Host of the feed, for tracking parameters that name it.

    Notes
    -----
    A guid that is used twice in one feed is no id: its items get guid and address as key,
    else guid and title, else its position. An unknown guid whose address is stored once and
    listed once is that document when the title is the same, or when most guids changed at
    once; so a feed that renumbers itself inserts nothing.
    """
    canonicals = [canonical_url(item.url, site=site) for item in items]
    keys = _unique_keys(items, canonicals, known)
    listed = Counter(canonicals)
    by_url = _by_unique_url(known)
    moved = {
        index: by_url[url]
        for index, (key, url) in enumerate(zip(keys, canonicals, strict=True))
        if url is not None and key not in known and url in by_url and listed[url] == 1
    }
    is_migration = len(items) > 2 and len(moved) > MIGRATION_SHARE * len(items)
    entries = []
    for index, (item, key, url) in enumerate(zip(items, keys, canonicals, strict=True)):
        stored = known.get(key)
        candidate = moved.get(index)
        if candidate is not None and (is_migration or candidate.title == item.title):
            stored = candidate
        entries.append(
            Entry(
                item=item,
                key=key,
                canonical_url=url,
                content_hash=content_hash(item.title, item.text),
                document_id=stored.document_id if stored else document_id(source_id, key),
                known=stored,
            )
        )
    return entries


def _unique_keys(
    items: Sequence[FeedItem], canonicals: Sequence[str | None], known: Mapping[str, StoredKey]
) -> list[str]:
    plain = [item_key(item, url) for item, url in zip(items, canonicals, strict=True)]
    counts = Counter(plain)
    taken: set[str] = set()
    keys = []
    for position, (key, url) in enumerate(zip(plain, canonicals, strict=True)):
        unique = key
        stored = known.get(key)
        # The one that was stored while its guid was still unique keeps its key.
        kept = stored is not None and stored.canonical_url == url and key not in taken
        if counts[key] > 1 and not kept:
            # Not the position at once: that moves with every new item.
            unique = _longer_key(key, items[position], url)
            unique = f"{unique} #{position}" if unique in taken else unique
        taken.add(unique)
        keys.append(_short(unique))
    return keys


def _longer_key(key: str, item: FeedItem, url: str | None) -> str:
    return f"{key} {url or item.title}"


def _by_unique_url(known: Mapping[str, StoredKey]) -> dict[str, StoredKey]:
    counts = Counter(key.canonical_url for key in known.values())
    return {
        key.canonical_url: key
        for key in known.values()
        if key.canonical_url is not None and counts[key.canonical_url] == 1
    }
