"""Pages without a feed: the links of an index as items, or the page itself as one document. Pure.

A link is an item when it stands in the page's main content, leads to the same site and has
the words of a title. A page with fewer than ``MIN_LINKS`` of them is no index: its main text
is the document. Parsing runs in a parser process.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Literal, Protocol

from crawler.clean import language_of, plain_line
from crawler.errors import FeedParseError
from crawler.extract import believed_canonical, parse_page
from crawler.parsed import ParsedFeed
from crawler.urls import canonical_url, http_url
from store.records import Document, Failure, FeedItem, PageWait

# Fewer links than this are no list.
MIN_LINKS = 3
MAX_LINKS = 500
MIN_WORDS = 4
MIN_CHARACTERS = 8
# Of an index never seen before: a year's archive must not come at once.
FIRST_LINKS = 20
# What its page dates further back was news before we looked, and must not count today.
ARCHIVE = timedelta(days=7)
_REMEMBERED = 1000
# Before the digest of a link that was there at the first look, and whose page has not answered.
_UNREAD = "?"
# The guid of a page that is a document itself; links have none.
_ITSELF = "page"

_SKIPPED_TAGS = frozenset({
    "nav", "footer", "aside", "form", "script", "style", "noscript", "template", "select",
    "button", "svg", "dialog", "head",
})  # fmt: skip
_SKIPPED_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "complementary", "search", "menu", "menubar", "dialog"}
)
# A name such as `has-sidebar` describes a page and stands around all of it: only names that
# begin with the thing itself are one.
_SKIPPED_NAMES = re.compile(
    r"(?:site-|main-|page-|primary-|secondary-|top-|global-|mobile-|post-)?"
    r"(?:nav|navbar|navigation|menu|submenu|breadcrumbs?|footer|sidebar|cookies?|pagination|pager"
    r"|share|sharing|skip|toolbar|related)(?:[-_][a-z0-9_-]{0,60})?",
    re.IGNORECASE,
)
_ENTRIES = frozenset({"article", "section", "li", "main", "td"})
_PROSE = frozenset({"p", "blockquote", "dd", "figcaption"})
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_NO_PAGE = re.compile(r"\.(?:jpe?g|png|gif|svg|webp|zip|gz|mp[34]|csv|xlsx?|docx?|pptx?|ics|xml)$")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")


def parse_index(body: bytes, *, content_type: str = "", url: str = "") -> ParsedFeed:
    """Return the links of an index as items, in the page's order, or the page as the one item.

    Parameters
    ----------
    url : str
        The address that answered, after redirects.

    Raises
    ------
    FeedParseError
        ``not_a_feed`` for a page that has neither links nor a main text.
    """
    from trafilatura import load_html

    root: Any = load_html(body) if body.strip() else None
    if root is None:
        raise FeedParseError(f"{url!r}: the body is no page; look at the address in a browser")
    feed = ParsedFeed(items=(), language=language_of(root.get("lang")))
    items, is_cut = _items(root, url)
    if len(items) >= MIN_LINKS:
        notes = [f"only the first {MAX_LINKS} links were read"] if is_cut else []
        return replace(feed, items=items, notes=notes)
    page = parse_page(body, content_type=content_type, url=url)
    itself = FeedItem(
        guid=_ITSELF,
        url=http_url(url),
        title=_title(root),
        text=page.text,
        author=page.author,
        published_at=page.published_at,
        is_partial=page.is_paywalled,
    )
    return replace(feed, items=[itself])


def _title(root: Any) -> str:
    for path in (".//h1", ".//title"):
        found = root.find(path)
        if found is not None and (title := plain_line(found.text_content())):
            return title
    return ""


def _items(root: Any, url: str) -> tuple[list[FeedItem], bool]:
    """Return the items, and whether there were more than are read."""
    base = root.find(".//base")
    start = http_url(base.get("href"), url) or url if base is not None else url
    own = canonical_url(url)
    found: dict[str, FeedItem] = {}
    for link in _links(root):
        target = http_url(link.get("href"), start)
        # What a page says of another site is no item of this one.
        canonical = believed_canonical(target, url)
        if canonical is None or canonical in found or canonical == own:
            continue
        if _NO_PAGE.search(canonical.lower()) or "sponsored" in (link.get("rel") or ""):
            continue
        title = _anchor(link)
        if _is_title(title):
            if len(found) == MAX_LINKS:
                return list(found.values()), True
            found[canonical] = FeedItem(guid=None, url=target, title=title, text="")
    return list(found.values()), False


def _anchor(link: Any) -> str:
    """Return the heading in a link, where a whole card is one, else all of its text."""
    for heading in link.iter(*_HEADINGS):
        return plain_line(heading.text_content())
    return plain_line(link.text_content())


def _is_title(text: str) -> bool:
    return len(text.split()) >= MIN_WORDS or len(_WIDE.findall(text)) >= MIN_CHARACTERS


def _links(root: Any) -> Iterator[Any]:
    """Yield the links of the main content in their order."""
    mains = root.xpath("//main | //*[@role='main']")
    prose: dict[Any, bool] = {}
    stack = [(mains[0] if mains else root, bool(mains))]
    while stack:
        element, is_inside = stack.pop()
        if not isinstance(element.tag, str) or _is_skipped(element, is_inside):
            continue
        if element.tag == "a":
            if element.get("href") and not _is_prose(element, prose):
                yield element
            continue
        is_inside = is_inside or element.tag in _ENTRIES
        stack.extend((child, is_inside) for child in reversed(element))


def _is_skipped(element: Any, is_inside: bool) -> bool:
    if element.tag in {"html", "body", "main"}:
        return False
    if element.tag in _SKIPPED_TAGS or (element.tag == "header" and not is_inside):
        return True
    if (element.get("role") or "").lower() in _SKIPPED_ROLES or element.get("hidden") is not None:
        return True
    names = f"{element.get('class') or ''} {element.get('id') or ''}"[:1000].split()
    return any(_SKIPPED_NAMES.fullmatch(name) for name in names)


def _is_prose(link: Any, known: dict[Any, bool]) -> bool:
    """Return whether a link is a word in a sentence: its paragraph says more than its links."""
    block = next((parent for parent in link.iterancestors(*_PROSE)), None)
    if block is None:
        return False
    if block not in known:
        linked = sum(len(anchor.text_content()) for anchor in block.iter("a"))
        known[block] = len(block.text_content()) > 2 * linked
    return known[block]


# -- what is new on an index ----------------------------------------------------------


class Known(Protocol):
    """What is asked of a stored document."""

    @property
    def canonical_url(self) -> str | None:
        """Its address in canonical form."""
        ...  # pragma: no cover

    @property
    def url(self) -> str | None:
        """Its address as it is kept."""
        ...  # pragma: no cover

    @property
    def title(self) -> str:
        """Its current title."""
        ...  # pragma: no cover

    @property
    def wait(self) -> PageWait | None:
        """Its page is to be asked for again."""
        ...  # pragma: no cover


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look at a page brought.

    Attributes
    ----------
    feed : ParsedFeed
        With the items to take alone.
    cursor : str
        To be given to the next look.
    is_first : bool
        No link was remembered of this page but those that could not be read.
    unread : frozenset of str
        Digests of links that were there at the first look, and could not be read until now.
    is_index : bool
        The items are links; else the one item is the page.
    is_waiting : bool
        New links were left for the next look, which needs the page again though it be the same.
    """

    feed: ParsedFeed
    cursor: str
    is_first: bool
    is_index: bool
    unread: frozenset[str] = frozenset()
    is_waiting: bool = False


def look(
    feed: ParsedFeed, url: str, cursor: str | None, known: Iterable[Known], limit: int
) -> Look:
    """Return the links that were not on an index when it was last looked at.

    With them come those whose pages are waited for, as long as they are listed.

    Parameters
    ----------
    url : str
        The configured address: a cursor of another one is forgotten.
    cursor : str or None
        Of the last look: digests of the links that were seen.
    limit : int
        New links to take at most; the others wait for the next look.

    Raises
    ------
    FeedParseError
        When a page that was an index shows no list any more.
    """
    place = _digest(url)
    words = (cursor or "").split()
    seen = words[1:] if words[:1] == [place] else []
    if feed.items and feed.items[0].guid == _ITSELF:
        if seen:
            raise FeedParseError(
                f"the page held a list of articles and now has fewer than {MIN_LINKS} links to some"
            )
        return Look(feed=feed, cursor=place, is_first=not words, is_index=False)
    before = {word for word in seen if not word.startswith(_UNREAD)}
    keys = list(known)
    waited = {canonical_url(key.url): key for key in keys if key.wait is not None}
    stored = {key.canonical_url for key in keys} | waited.keys()
    named = [(item, canonical_url(item.url) or "") for item in feed.items]
    fresh = [
        (item, name) for item, name in named if _digest(name) not in before and name not in stored
    ]
    taken = fresh[:limit] if before else fresh[: min(limit, FIRST_LINKS)]
    # At first sight all that was not taken is archive; later it waits its turn.
    waiting = {name for _, name in fresh[limit:]} if before else set()
    now_seen = dict.fromkeys(_digest(name) for _, name in named if name not in waiting)
    others = (word for word in seen if word.removeprefix(_UNREAD) not in now_seen)
    remembered = [*now_seen, *others][:_REMEMBERED]
    return Look(
        feed=replace(feed, items=[*(item for item, _ in taken), *_again(named, waited)]),
        cursor=" ".join([place, *remembered]),
        is_first=not before,
        is_index=True,
        unread=frozenset(word.removeprefix(_UNREAD) for word in seen if word not in before),
        is_waiting=bool(waiting),
    )


def _again(
    named: Iterable[tuple[FeedItem, str]], waited: Mapping[str | None, Known]
) -> Iterator[FeedItem]:
    """Yield the listed links whose pages are waited for, under the titles that are stored.

    One article may be linked by several texts, and which comes first changes from night to
    night: of a stored article the text of the link says nothing.
    """
    for item, name in named:
        if name in waited:
            yield replace(item, title=waited[name].title)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """What a look came to once its pages were asked for.

    Attributes
    ----------
    documents : tuple of Document
        Those that may count today.
    archived : int
        Pages that are left alone for good.
    cursor : str
        To be given to the next look.
    is_unread : bool
        Links of the first look could not be read; the next one needs the page again though it
        be the same.
    """

    documents: tuple[Document, ...]
    archived: int
    cursor: str
    is_unread: bool = False


def without_archive(
    documents: Collection[Document], waits: Collection[str], seen: Look, now: datetime
) -> Sifted:
    """Return the documents that may count today, and what to remember of the others.

    A link says nothing about its age, its page does. Of what was there at the first look a page
    without a date may be of any year; what came later was not there the day before.

    Parameters
    ----------
    waits : collection of str
        Ids of the documents whose pages could not be had for a reason that passes. At the first
        look they are not stored, and their links are taken again by the next one.
    """
    if not seen.is_index:
        return Sifted(documents=tuple(documents), archived=0, cursor=seen.cursor)
    verdicts = [_verdict(document, document.id in waits, seen, now) for document in documents]
    judged = list(zip(documents, verdicts, strict=True))
    missed = {_linked(document) for document, verdict in judged if verdict == "unread"}
    place, *words = seen.cursor.split()
    marked = (_UNREAD + word if word in missed else word for word in words)
    return Sifted(
        documents=tuple(document for document, verdict in judged if verdict == "kept"),
        archived=verdicts.count("archive"),
        cursor=" ".join([place, *marked]),
        is_unread=bool(missed),
    )


def _verdict(
    document: Document, is_waited: bool, seen: Look, now: datetime
) -> Literal["kept", "archive", "unread"]:
    if document.published_at is not None and document.date_source != "seen":
        return "kept" if now - document.published_at <= ARCHIVE else "archive"
    if is_waited:
        # What fails at the next look as well is kept by its title, so that it is not lost.
        return "unread" if seen.is_first else "kept"
    return "archive" if seen.is_first or _linked(document) in seen.unread else "kept"


def _linked(document: Document) -> str:
    """Return the digest of the link that led to a document."""
    return _digest(canonical_url(document.url) or "")


def left_alone(source_id: str, count: int) -> Failure:
    """Return the row that says how many linked pages were not stored."""
    return Failure(
        stage="crawl",
        item=source_id,
        kind="archive",
        message=f"{count} linked pages are dated more than {ARCHIVE.days} days back, or undated and"
        " there at the first look at this index; they were not stored",
        advice="nothing to do; import an archive with 'tapestory import documents'",
    )


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=5).hexdigest()
