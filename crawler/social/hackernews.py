"""Hacker News: stories of a search, newest first, from the Algolia API; no key is needed.

``handle`` is the query; the configured address may be the API's own, which can ask for comments
(``tags=comment``) or for a number of points (``numericFilters=points>10``).
"""

from urllib.parse import parse_qs, quote, urlsplit

from crawler.clean import MAX_AUTHOR, plain_line, plain_text
from crawler.dates import parse_date
from crawler.feeds import MAX_ENTRIES, load_json
from crawler.parsed import ParsedFeed
from crawler.social.shapes import (
    Platform,
    Question,
    counts_of,
    is_theirs,
    number_of,
    text_of,
    unusable,
)
from crawler.urls import http_url
from store.records import FeedItem, Source

PAGE = 100
_API = "https://hn.algolia.com"
_ITEM = "https://news.ycombinator.com/item?id="


def request(source: Source, token: str | None = None, cursor: str | None = None) -> Question:
    """Return the address of a search by date; an empty query gives the newest stories."""
    del token, cursor  # the API has no keys; scores of the last days are read again
    parts = urlsplit(source.url)
    if parts.path.startswith("/api/v1/"):
        return Question(url=source.url)
    is_site = is_theirs(parts, "ycombinator.com", "hn.algolia.com")
    server = _API if is_site else f"{parts.scheme}://{parts.netloc}"
    query = quote(source.handle or "", safe="")
    return Question(
        url=f"{server}/api/v1/search_by_date?query={query}&tags=story&hitsPerPage={PAGE}"
    )


def parse(body: bytes, url: str = "") -> ParsedFeed:
    """Return the stories of a search.

    Raises
    ------
    FeedParseError
        When the answer is no list of hits.
    """
    answer = load_json(body)
    hits = answer.get("hits") if isinstance(answer, dict) else None
    if not isinstance(hits, list):
        raise unusable(text_of(answer, "message"), "it holds no hits")
    stories = [hit for hit in hits[:MAX_ENTRIES] if isinstance(hit, dict)]
    is_full = len(stories) >= (number_of(answer, "hitsPerPage") or PAGE)
    oldest = number_of(stories[-1], "created_at_i") if stories and is_full else None
    return ParsedFeed(
        items=[_item(hit) for hit in stories],
        more={"numericFilters": _until(oldest, url)} if oldest is not None else {},
    )


def _until(oldest: int, url: str) -> str:
    """Return the filter for what is no younger than a story.

    By time and not by number, since a query shows its first thousand hits only. The second of
    the oldest story is asked for again: others may share it.
    """
    filters = ",".join(parse_qs(urlsplit(url).query).get("numericFilters", []))
    kept = [part for part in filters.split(",") if part and not part.startswith("created_at_i<")]
    return ",".join([*kept, f"created_at_i<={oldest}"])


def _item(hit: dict[str, object]) -> FeedItem:
    number = text_of(hit, "objectID")
    stated = text_of(hit, "created_at")
    return FeedItem(
        guid=number or None,
        url=http_url(text_of(hit, "url")) or (f"{_ITEM}{quote(number)}" if number else None),
        title=plain_line(text_of(hit, "title")),
        text=plain_text(text_of(hit, "story_text") or text_of(hit, "comment_text")),
        author=plain_line(text_of(hit, "author"), MAX_AUTHOR) or None,
        language="en",
        published_at=parse_date(stated),
        date_raw=stated[:200] or None,
        engagement=counts_of(hit, likes="points", replies="num_comments"),
    )


# Not complete: a story whose title is edited may no longer match, and one that was flagged is
# absent until it is vouched for.
PLATFORM = Platform(request=request, parse=parse)
