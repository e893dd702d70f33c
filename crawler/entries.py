"""The entries of a feed to documents and revisions, with the pages behind those that are teasers.

No database. A page that could not be had for a passing reason is waited for: it is asked for
again on later nights, as long as the feed lists it, three times in all.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b

from crawler.dates import date_in_url, effective, first_believable
from crawler.decide import USUAL_INTERVAL
from crawler.identity import Entry, StoredKey, content_hash
from crawler.pages import STUMBLES, PageAnswer, Pages, is_teaser
from crawler.parsed import ParsedFeed, ParsedPage
from crawler.social import PLATFORMS, platform_of
from crawler.suspect_pages import without_boilerplate
from crawler.urls import host_of, redact
from store.records import DateSource, Document, Outcome, PageWait, Source

# Kinds that are feeds in all but name: the configured address is the feed's.
FEED_KINDS = frozenset({"feed", "youtube", "lemmy", "rsshub"})
MAX_ATTEMPTS = 3
_PASSING: frozenset[Outcome] = STUMBLES | {"rate_limited", "robots_unreachable"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A new text for a stored document.

    Attributes
    ----------
    text : str or None
        None keeps the stored text: only the title changed.
    is_partial : bool or None
        None leaves that mark as it is.
    author : str or None
        Counts only where a deleted post is listed again: its author was forgotten, too.
    """

    document_id: str
    title: str
    text: str | None
    is_partial: bool | None = None
    author: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What the entries of one feed come to.

    Attributes
    ----------
    rekeyed : tuple of Entry
        Known documents that their feed lists under a new key.
    waits : mapping of document id to PageWait or None
        Pages to ask for again, and with None those that are no longer waited for.
    pages : mapping of document id to PageAnswer
        Every page that was wanted, and what came of it.
    """

    documents: tuple[Document, ...] = ()
    revisions: tuple[Revision, ...] = ()
    rekeyed: tuple[Entry, ...] = ()
    waits: Mapping[str, PageWait | None] = field(default_factory=dict)
    pages: Mapping[str, PageAnswer] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of a document is to be written."""
        return not (self.documents or self.revisions or self.rekeyed or self.waits)

    def with_documents(self, documents: Sequence[Document]) -> "Harvest":
        """Return the harvest with some of its new documents, and without what hung on the rest."""
        dropped = {document.id for document in self.documents} - {one.id for one in documents}
        waits = {id_: wait for id_, wait in self.waits.items() if id_ not in dropped}
        return replace(self, documents=tuple(documents), waits=waits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What reading the entries of one source needs.

    Attributes
    ----------
    budget : int
        Pages that are asked for at most.
    plain_authors : bool
        Keep the names of those who post; else a pseudonym each.
    """

    pages: Pages
    source: Source
    now: datetime
    budget: int
    plain_authors: bool = False

    async def entries(
        self, feed: ParsedFeed, entries: Iterable[Entry], waiting: Mapping[str, StoredKey]
    ) -> Harvest:
        """Return what the entries of a body come to.

        Parameters
        ----------
        waiting : mapping
            The source's documents whose pages are to be asked for again.
        """
        listed: dict[str, Entry] = {}
        for entry in entries:
            # One document twice in one body: the first is the newest.
            if entry.item.title or entry.item.text:
                listed.setdefault(entry.document_id, entry)
        asked = [entry for entry in listed.values() if self._asks_page(entry)]
        # The new ones first: what is waited for has its summary already.
        asked = sorted(asked, key=lambda entry: entry.known is not None)[: self.budget]
        answers = await self._answers({entry.document_id: entry.item.url for entry in asked})
        revisions = (
            self._revision(entry, answers.get(entry.document_id)) for entry in listed.values()
        )
        waits = {
            entry.document_id: self._wait(entry, answers.get(entry.document_id))
            for entry in listed.values()
        }
        before = {key.document_id: key.wait for key in waiting.values()}
        return Harvest(
            documents=tuple(
                self._document(feed, entry, answers.get(entry.document_id))
                for entry in listed.values()
                if entry.known is None
            ),
            revisions=tuple(revision for revision in revisions if revision is not None),
            rekeyed=tuple(entry for entry in listed.values() if entry.is_rekeyed),
            waits={
                document_id: wait
                # What the feed no longer lists is no longer waited for.
                for document_id, wait in (dict.fromkeys(before) | waits).items()
                if wait != before.get(document_id)
            },
            pages=answers,
        )

    async def waiting(self, known: Mapping[str, StoredKey]) -> Harvest:
        """Ask again for the pages of a feed that has not changed, so that it lists them still."""
        due = [key for key in known.values() if self._is_wait_due(key)]
        due = due[: self.budget] if self.source.full_text else []
        answers = await self._answers({key.document_id: key.url for key in due})
        revisions, waits = [], {}
        for key in due:
            answer = answers[key.document_id]
            page = _usable(answer, key.text_length if key.is_partial else 0)
            if page is not None and content_hash(key.title, page.text) != key.content_hash:
                revisions.append(_whole(key.document_id, key.title, page))
            waits[key.document_id] = _next_wait(key.wait, answer, self.now)
        return Harvest(revisions=tuple(revisions), waits=waits, pages=answers)

    async def _answers(self, urls: Mapping[str, str | None]) -> dict[str, PageAnswer]:
        """Ask each address once, however many entries lead to it."""
        wanted = {document_id: str(url) for document_id, url in urls.items()}
        asked = list(dict.fromkeys(wanted.values()))
        pages = await asyncio.gather(*(self.pages.get(url) for url in asked))
        by_url = dict(zip(asked, pages, strict=True))
        answers = [by_url[url] for url in wanted.values()]
        return dict(zip(wanted, without_boilerplate(answers), strict=True))

    def _wants_page(self, entry: Entry) -> bool:
        return (
            self.source.full_text
            and (self._is_feed or self._is_link(entry))
            and entry.item.url is not None
            and is_teaser(entry.item)
        )

    @property
    def _is_feed(self) -> bool:
        # A page of YouTube is a player with the names of other videos around it.
        kind = self.source.kind
        return kind in FEED_KINDS and kind != "youtube" and platform_of(self.source) is None

    def _is_link(self, entry: Entry) -> bool:
        """Return whether an entry is one of the links that a page without a feed lists."""
        return self.source.kind == "page" and not entry.item.text

    def _asks_page(self, entry: Entry) -> bool:
        known = entry.known
        if known is None or not self._wants_page(entry):
            return self._wants_page(entry)
        return self._is_wait_due(known) or _is_retitled(entry)

    def _is_wait_due(self, known: StoredKey) -> bool:
        return known.wait is not None and self.now - known.wait.tried_at >= USUAL_INTERVAL

    def _revision(self, entry: Entry, answer: PageAnswer | None) -> Revision | None:
        """Return what changed of a known document, if anything.

        Behind a teaser stands a page whose text was stored: the teaser's digest says nothing
        about it, so that only a changed title is a change.
        """
        known, item = entry.known, entry.item
        if known is None or entry.is_worn_out:
            return None
        least = max(len(item.text), known.text_length if known.is_partial else 0)
        page = _usable(answer, least)
        if page is not None:
            is_same = content_hash(item.title, page.text) == known.content_hash
            return None if is_same else _whole(entry.document_id, item.title, page)
        if known.is_partial or not self._wants_page(entry):
            is_partial = None if self._wants_page(entry) else item.is_partial
            if not entry.is_changed:
                return None
            return Revision(
                document_id=entry.document_id,
                title=item.title,
                text=item.text,
                is_partial=is_partial,
                author=self._author(item.author),
            )
        if not _is_retitled(entry):
            return None
        return Revision(document_id=entry.document_id, title=item.title, text=None)

    def _wait(self, entry: Entry, answer: PageAnswer | None) -> PageWait | None:
        before = entry.known.wait if entry.known is not None else None
        # An address is kept without its secrets, and could not be asked for again.
        if not self._wants_page(entry) or redact(str(entry.item.url)) != entry.item.url:
            return None
        if answer is None:
            put_off = PageWait(attempts=0, tried_at=self.now)
            return before or (put_off if self._asks_page(entry) else None)
        return _next_wait(before, answer, self.now)

    def _author(self, name: str | None) -> str | None:
        """Return a byline as it is, and a pseudonym for somebody who posts."""
        if name is None or self.plain_authors or self.source.kind not in PLATFORMS:
            return name
        return "~" + blake2b(f"{self.source.id}\0{name}".encode(), digest_size=6).hexdigest()

    def _document(self, feed: ParsedFeed, entry: Entry, answer: PageAnswer | None) -> Document:
        item, now = entry.item, self.now
        page = _usable(answer, len(item.text))
        text = page.text if page is not None else item.text
        published, stated_by = first_believable(_stated_dates(entry, answer), now)
        effective_at, date_source = effective(published, now, stated_by)
        return Document(
            id=entry.document_id,
            source_id=self.source.id,
            guid=entry.guid,
            entry_key=entry.key,
            url=redact(item.url) if item.url else None,
            canonical_url=_canonical(entry, answer) if page is not None else entry.canonical_url,
            title=item.title,
            text=text,
            author=self._author(item.author or (page.author if page is not None else None)),
            language=item.language or self.source.language or feed.language,
            published_at=published,
            first_seen_at=now,
            effective_at=effective_at,
            date_source=date_source,
            content_hash=content_hash(item.title, text),
            is_partial=page is None and (item.is_partial or self._wants_page(entry)),
            engagement=item.engagement,
        )


def _usable(answer: PageAnswer | None, least: int) -> ParsedPage | None:
    """Return a page whose text is to be stored.

    One behind a wall is not, nor one that is shorter than the summary that it was to replace:
    that is a wall, too, or a page that could not be read.
    """
    page = answer.page if answer is not None else None
    return page if page is not None and not page.is_paywalled and len(page.text) >= least else None


def _is_retitled(entry: Entry) -> bool:
    """Return whether the title of a whole article changed, so that its page may have."""
    known = entry.known
    return (
        known is not None
        and not known.is_partial
        and not entry.is_worn_out
        and known.title != entry.item.title
    )


def _whole(document_id: str, title: str, page: ParsedPage) -> Revision:
    return Revision(document_id=document_id, title=title, text=page.text, is_partial=False)


def _next_wait(before: PageWait | None, answer: PageAnswer, now: datetime) -> PageWait | None:
    """Return whether to ask for a page again after an answer; walls and refusals are final."""
    attempts = (before.attempts if before is not None else 0) + answer.was_asked
    if answer.outcome in _PASSING and attempts < MAX_ATTEMPTS:
        return PageWait(attempts=attempts, tried_at=now)
    return None


def _stated_dates(
    entry: Entry, answer: PageAnswer | None
) -> Sequence[tuple[datetime | None, DateSource]]:
    page = answer.page if answer is not None else None
    in_url = date_in_url(entry.item.url)
    on_page = page.published_at if page is not None else None
    if on_page == in_url:
        on_page = None  # the extractor read it there, too
    return (entry.item.published_at, "feed"), (on_page, "html"), (in_url, "url")


def _canonical(entry: Entry, answer: PageAnswer | None) -> str | None:
    """Return the page's own address where the feed's link only led there from another host."""
    if answer is None or answer.page is None or entry.item.url is None:
        return entry.canonical_url
    is_same = host_of(answer.fetched.url) == host_of(entry.item.url)
    return entry.canonical_url if is_same else answer.page.canonical or entry.canonical_url
