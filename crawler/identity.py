"""Which document an item is: keys, ids, revisions, and feeds that change all their ids. Pure."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from itertools import count
from typing import Protocol

from crawler.urls import canonical_url
from store.records import MAX_REVISIONS, FeedItem, PageWait

# Above this share of unknown ids with known links, a feed has changed its ids.
MIGRATION_SHARE = 0.8
MAX_GUID = 512
_DIGEST = "blake2:"


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

    @property
    def published_at(self) -> datetime | None:
        """As its source stated it."""
        ...  # pragma: no cover

    @property
    def engagement(self) -> Mapping[str, int]:
        """Its counts when it was last seen."""
        ...  # pragma: no cover

    @property
    def is_withdrawn(self) -> bool:
        """Whether its author deleted it."""
        ...  # pragma: no cover

    @property
    def url(self) -> str | None:
        """Its address as it is kept."""
        ...  # pragma: no cover

    @property
    def text_length(self) -> int:
        """Characters of its text where its page is waited for, else 0."""
        ...  # pragma: no cover

    @property
    def is_partial(self) -> bool:
        """Whether its text is a summary of a page that could not be had."""
        ...  # pragma: no cover

    @property
    def wait(self) -> PageWait | None:
        """Its page is to be asked for again."""
        ...  # pragma: no cover


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An item with its keys.

    Attributes
    ----------
    key : str
        Unique within the source and the same at every fetch.
    is_rekeyed : bool
        The document is stored under a key that its feed no longer uses.
    document_id : str
        Of the stored document when ``known``, else of the one to store.
    """

    item: FeedItem
    key: str
    canonical_url: str | None
    content_hash: str
    document_id: str
    known: StoredKey | None
    is_rekeyed: bool = False

    @property
    def guid(self) -> str | None:
        """The feed's own id as it is kept."""
        return self.item.guid[:2000] if self.item.guid else None

    @property
    def is_changed(self) -> bool:
        """Whether a known document's title or text differs."""
        return self.known is not None and self.known.content_hash != self.content_hash

    @property
    def is_worn_out(self) -> bool:
        """Whether a known document has changed so often that no change is read any more."""
        return self.known is not None and self.known.revisions >= MAX_REVISIONS


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
    return _DIGEST + blake2b(start.encode(), digest_size=16).hexdigest()


def _short(guid: str) -> str:
    if len(guid) <= MAX_GUID:
        return guid
    return _DIGEST + blake2b(guid.encode(errors="replace"), digest_size=16).hexdigest()


def keys_to_look_up(
    items: Sequence[FeedItem], *, sites: Collection[str] = ()
) -> tuple[set[str], set[str]]:
    """Return every key and canonical address under which items may be stored.

    All that :func:`match_entries` asks of ``known``: what a source has published over the years
    need not be read each night.
    """
    canonicals = [canonical_url(item.url, sites=sites) for item in items]
    times = Counter(
        name for item, url in zip(items, canonicals, strict=True) for name in _all_names(item, url)
    )
    keys = {key for name in times for key in (name, *_numbered(name, times))}
    return keys, {url for url in canonicals if url is not None}


def _numbered(name: str, times: Mapping[str, int]) -> Iterator[str]:
    """Yield every key that items may get because a name of theirs is taken.

    Parameters
    ----------
    times : mapping
        How many items have each name.
    """
    # All but the first that have the name; that one too where the name may be made of another
    # one and its number, which a digest does not show.
    may_be_made = name.startswith(_DIGEST) or name.rpartition(" #")[0] in times
    left = times[name] - 1 + may_be_made
    for number in count(2):
        if left == 0:
            return
        key = _short(f"{name} #{number}")
        yield key
        # What is also a name of an item may be taken by that one.
        left -= key not in times


def match_entries(
    source_id: str,
    items: Sequence[FeedItem],
    known: Mapping[str, StoredKey],
    *,
    sites: Collection[str] = (),
) -> list[Entry]:
    """Give every item its key and the stored document that it is, if any.

    Parameters
    ----------
    known : mapping
        The source's stored documents by entry key: all, or those of :func:`keys_to_look_up`.
    sites : collection of str
        Hosts of the feed and of its site, for tracking parameters that name them.

    Notes
    -----
    A guid that is used twice in one feed is no id: its items get guid and address as key,
    else guid and title, else their order. An unknown guid whose address is stored once and
    listed once is that document when the title is the same, or when most guids changed at
    once; so a feed that renumbers itself inserts nothing.
    """
    canonicals = [canonical_url(item.url, sites=sites) for item in items]
    keys = _unique_keys(items, canonicals, known)
    listed = Counter(canonicals)
    by_url = _by_unique_url(known)
    moved = {
        index: by_url[url]
        for index, (key, url) in enumerate(zip(keys, canonicals, strict=True))
        if url is not None and key not in known and url in by_url and listed[url] == 1
    }
    is_migration = len(items) > 2 and len(moved) > MIGRATION_SHARE * len(items)
    taken = {stored.document_id for stored in known.values()}
    entries = []
    for index, (item, key, url) in enumerate(zip(items, keys, canonicals, strict=True)):
        stored = known.get(key)
        candidate = moved.get(index)
        is_rekeyed = candidate is not None and (is_migration or candidate.title == item.title)
        if is_rekeyed:
            stored = candidate
        entries.append(
            Entry(
                item=item,
                key=key,
                canonical_url=url,
                content_hash=content_hash(item.title, item.text),
                document_id=stored.document_id if stored else _free_id(source_id, key, taken),
                known=stored,
                is_rekeyed=is_rekeyed,
            )
        )
    return entries


def _free_id(source_id: str, key: str, taken: Collection[str]) -> str:
    """Return the id of a new document, also where its key once was another document's."""
    found = document_id(source_id, key)
    while found in taken:
        found = document_id(source_id, f"{key} {found}")
    return found


def _unique_keys(
    items: Sequence[FeedItem], canonicals: Sequence[str | None], known: Mapping[str, StoredKey]
) -> list[str]:
    plain = [item_key(item, url) for item, url in zip(items, canonicals, strict=True)]
    guids = Counter(plain)
    addresses = Counter(zip(plain, canonicals, strict=True))
    taken: dict[str, FeedItem] = {}
    # No number that was taken becomes free: each search goes on where the last one ended.
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(2))
    keys = []
    for item, key, url in zip(items, plain, canonicals, strict=True):
        has_own_address = addresses[key, url] == 1
        names = _names(item, key, url)
        stored = [name for name in names if _is_stored(known.get(name), item, has_own_address)]
        if stored:
            unique = stored[0]
        # The one that was stored while its guid was still unique keeps its key.
        elif guids[key] == 1 or (
            key not in taken and _is_that(known.get(key), item, url, has_own_address)
        ):
            unique = key
        else:
            unique = names[0] if has_own_address else names[-1]
        if unique in taken and not _is_repeated(taken[unique], item):
            numbered = (_short(f"{unique} #{number}") for number in numbers[unique])
            unique = next(key for key in numbered if key not in taken)
        taken.setdefault(unique, item)
        keys.append(unique)
    return keys


def _names(item: FeedItem, key: str, url: str | None) -> list[str]:
    """Return the keys of an item whose guid is not its own: with its address, with its title."""
    by_title = _short(f"{key} {item.title}")
    return [_short(f"{key} {url}"), by_title] if url is not None and url != key else [by_title]


def _all_names(item: FeedItem, url: str | None) -> set[str]:
    """Return the keys that an item gets where none is taken; two that are equal count once."""
    key = item_key(item, url)
    return {key, *_names(item, key, url)}


def _is_stored(stored: StoredKey | None, item: FeedItem, has_own_address: bool) -> bool:
    return stored is not None and (has_own_address or stored.title == item.title)


def _is_that(
    stored: StoredKey | None, item: FeedItem, url: str | None, has_own_address: bool
) -> bool:
    return (
        stored is not None
        and stored.canonical_url == url
        and _is_stored(stored, item, has_own_address)
    )


def _is_repeated(first: FeedItem, item: FeedItem) -> bool:
    """Return whether a feed lists one item twice, word for word."""
    return item.url is not None and (first.guid, first.url, first.title, first.text) == (
        item.guid,
        item.url,
        item.title,
        item.text,
    )


def _by_unique_url(known: Mapping[str, StoredKey]) -> dict[str, StoredKey]:
    counts = Counter(key.canonical_url for key in known.values())
    return {
        key.canonical_url: key
        for key in known.values()
        if key.canonical_url is not None and counts[key.canonical_url] == 1
    }
