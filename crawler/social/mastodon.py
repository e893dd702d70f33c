"""Mastodon: the public timeline of a tag, or the posts of an account by its numeric id.

The configured address is the server's own API address, or the server with ``handle`` set to
``#tag``. Servers decide whether timelines are open; a closed one answers 401.
"""

from urllib.parse import quote, urlsplit

from crawler.clean import MAX_AUTHOR, plain_line, plain_text
from crawler.dates import parse_date
from crawler.errors import FeedParseError, SourceError
from crawler.feeds import MAX_ENTRIES, load_json
from crawler.parsed import ParsedFeed
from crawler.social.shapes import Platform, Question, bearer, counts_of, mapping_of, text_of
from crawler.urls import http_url
from store.records import FeedItem, Source

PAGE = 40
# Servers leave out what they hide: a page with fewer than it was asked for is not the last.
_FULL = PAGE // 2


def request(source: Source, token: str | None = None, cursor: str | None = None) -> Question:
    """Return the address of a timeline.

    Raises
    ------
    SourceError
        When neither the address nor the handle names one.
    """
    del cursor  # a timeline is read again from the top, for edits and deletions
    headers = bearer(token)
    parts = urlsplit(source.url)
    if "/api/v1/" in parts.path:
        return Question(url=source.url, secret_headers=headers)
    tag = source.handle or (parts.path.partition("/tags/")[2])
    tag = tag.strip("/").removeprefix("#")
    if not tag or "@" in tag:
        raise SourceError(
            f"source {source.id!r}: give url = a server and handle = '#tag', or the address of"
            " an API timeline; an account is read as a feed at https://SERVER/@NAME.rss"
        )
    return Question(
        url=f"{parts.scheme}://{parts.netloc}/api/v1/timelines/tag/{quote(tag)}?limit={PAGE}",
        secret_headers=headers,
    )


def parse(body: bytes, url: str = "") -> ParsedFeed:
    """Return the posts of a timeline; boosts give the post that was boosted.

    Raises
    ------
    FeedParseError
        When the answer is not a list of posts.
    """
    del url  # ids count the pages
    answer = load_json(body)
    if not isinstance(answer, list):
        reason = text_of(answer, "error")[:200] or "it is no list of posts"
        raise FeedParseError(f"the server's answer cannot be used: {reason}")
    statuses = [status for status in answer[:MAX_ENTRIES] if isinstance(status, dict)]
    # The id of the entry in the timeline, which for a boost is not that of the post.
    oldest = text_of(statuses[-1], "id") if len(statuses) >= _FULL else ""
    return ParsedFeed(
        items=[_item(status) for status in statuses],
        more={"max_id": oldest} if oldest else {},
    )


def _item(status: dict[str, object]) -> FeedItem:
    post = mapping_of(status, "reblog") or status
    stated = text_of(post, "created_at")
    warning = plain_line(text_of(post, "spoiler_text"))
    return FeedItem(
        guid=text_of(post, "uri") or text_of(post, "id") or None,
        url=http_url(text_of(post, "url")),
        title=warning,
        text=plain_text(text_of(post, "content")),
        author=plain_line(text_of(post, "account", "acct"), MAX_AUTHOR) or None,
        language=text_of(post, "language")[:2] or None,
        published_at=parse_date(stated),
        date_raw=stated[:200] or None,
        engagement=counts_of(
            post, replies="replies_count", boosts="reblogs_count", likes="favourites_count"
        ),
    )


PLATFORM = Platform(request=request, parse=parse, is_complete=True)
