"""Bluesky: the posts of one author, from the public API; no account is needed.

``handle`` is the author's handle or DID; search needs an app password and is not asked.
"""

from urllib.parse import quote, urlsplit

from crawler.clean import MAX_AUTHOR, plain_line, plain_text
from crawler.dates import parse_date
from crawler.errors import FeedParseError, SourceError
from crawler.feeds import MAX_ENTRIES, load_json
from crawler.parsed import ParsedFeed
from crawler.social.shapes import Platform, Question, bearer, counts_of, mapping_of, text_of
from store.records import FeedItem, Source

PAGE = 100
_API = "https://public.api.bsky.app"
_METHOD = "/xrpc/app.bsky.feed.getAuthorFeed"


def request(source: Source, token: str | None = None, cursor: str | None = None) -> Question:
    """Return the address of an author's feed.

    Raises
    ------
    SourceError
        When neither the address nor the handle names an author.
    """
    del cursor  # a feed is read again from the top, for deletions
    headers = bearer(token)
    parts = urlsplit(source.url)
    if parts.path.startswith("/xrpc/"):
        return Question(url=source.url, secret_headers=headers)
    actor = (source.handle or parts.path.partition("/profile/")[2]).strip("/@")
    if not actor:
        raise SourceError(
            f"source {source.id!r}: give handle = the author's name, such as 'someone.bsky.social'"
        )
    is_page = not parts.netloc or parts.netloc == "bsky.app"
    server = _API if is_page else f"{parts.scheme}://{parts.netloc}"
    return Question(
        url=f"{server}{_METHOD}?actor={quote(actor, safe=':')}&limit={PAGE}",
        secret_headers=headers,
    )


def parse(body: bytes, url: str = "") -> ParsedFeed:
    """Return the author's posts; what the author only reposted is left out.

    Raises
    ------
    FeedParseError
        When the answer is no author feed.
    """
    del url  # the answer says where its next page starts
    answer = load_json(body)
    posts = answer.get("feed") if isinstance(answer, dict) else None
    if not isinstance(posts, list):
        reason = text_of(answer, "message")[:200] or "it holds no feed"
        raise FeedParseError(f"the server's answer cannot be used: {reason}")
    return ParsedFeed(
        items=[
            _item(mapping_of(view, "post"))
            for view in posts[:MAX_ENTRIES]
            # A repost carries its reason; its author is somebody else.
            if not mapping_of(view, "reason") and mapping_of(view, "post")
        ],
        more={"cursor": cursor} if (cursor := text_of(answer, "cursor")) else {},
    )


def _item(post: object) -> FeedItem:
    uri = text_of(post, "uri")
    handle = text_of(post, "author", "handle")
    record = mapping_of(post, "record")
    # `createdAt` is the author's claim; the server's own stamp is harder to back-date.
    stated = text_of(record, "createdAt") or text_of(post, "indexedAt")
    languages = record.get("langs")
    first = languages[0] if isinstance(languages, list) and languages else None
    return FeedItem(
        guid=uri or None,
        url=_page(handle, uri),
        title="",
        text=plain_text(text_of(record, "text")),
        author=plain_line(handle, MAX_AUTHOR) or None,
        language=first[:2].lower() if isinstance(first, str) else None,
        published_at=parse_date(stated),
        date_raw=stated[:200] or None,
        engagement=counts_of(post, replies="replyCount", boosts="repostCount", likes="likeCount"),
    )


def _page(handle: str, uri: str) -> str | None:
    """Return the address of the page of a post: its ``at://`` name is not one."""
    key = uri.rpartition("/")[2]
    if not handle or not key or not uri.startswith("at://"):
        return None
    return f"https://bsky.app/profile/{quote(handle)}/post/{quote(key)}"


PLATFORM = Platform(request=request, parse=parse, is_complete=True)
