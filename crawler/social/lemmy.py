"""Lemmy: the posts of a community from the server's API, newest first; no key is needed.

``url`` is the page of the community (``https://SERVER/c/NAME``), or the server with ``handle``
set to ``NAME`` or ``NAME@SERVER``. Any other address is read as the feed that it is.
"""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

from crawler.clean import MAX_AUTHOR, plain_line, plain_text
from crawler.dates import parse_date
from crawler.errors import SourceError
from crawler.feeds import MAX_ENTRIES, load_json
from crawler.parsed import ParsedFeed
from crawler.social.shapes import (
    Platform,
    Question,
    bearer,
    counts_of,
    mapping_of,
    text_of,
    unusable,
)
from crawler.urls import http_url
from store.records import FeedItem, Source

PAGE = 50
_LIST = "/api/v3/post/list"


def request(source: Source, token: str | None = None, cursor: str | None = None) -> Question:
    """Return the address of a community's newest posts.

    Raises
    ------
    SourceError
        When neither the address nor the handle names a community.
    """
    del cursor  # posts of the last days are read again, for edits and deletions
    parts = urlsplit(source.url)
    if parts.path == _LIST:
        return Question(url=source.url, secret_headers=bearer(token))
    community = _community(source)
    if not community:
        raise SourceError(
            f"source {source.id!r}: give url = the page of a community (https://SERVER/c/NAME)"
        )
    query = f"community_name={quote(community, safe='@')}&sort=New&limit={PAGE}"
    return Question(
        url=f"{parts.scheme}://{parts.netloc}{_LIST}?{query}", secret_headers=bearer(token)
    )


def _community(source: Source) -> str:
    page = urlsplit(source.url).path.partition("/c/")[2]
    return (source.handle or page).strip("/! ").removeprefix("c/")


def parse(body: bytes, url: str = "") -> ParsedFeed:
    """Return the posts of a community.

    Raises
    ------
    FeedParseError
        When the answer is no list of posts.
    """
    answer = load_json(body)
    views = answer.get("posts") if isinstance(answer, dict) else None
    if not isinstance(views, list):
        raise unusable(text_of(answer, "error"), "it holds no posts")
    return ParsedFeed(
        items=[
            _item(view)
            for view in views[:MAX_ENTRIES]
            if mapping_of(view, "post") and not _is_gone(view)
        ],
        more=_next_page(answer, url) if views else {},
    )


def _next_page(answer: object, url: str) -> dict[str, str]:
    """Return how to ask for the next page: by its mark, or its number on older servers."""
    if mark := text_of(answer, "next_page"):
        return {"page_cursor": mark}
    number = parse_qs(urlsplit(url).query).get("page", ["1"])[0]
    return {"page": str(int(number[:6]) + 1 if number.isascii() and number.isdigit() else 2)}


def _is_gone(view: object) -> bool:
    """Return whether only the shell of a post is left, taken down by its author or others."""
    post = mapping_of(view, "post")
    return post.get("deleted") is True or post.get("removed") is True


def _item(view: object) -> FeedItem:
    post = mapping_of(view, "post")
    own_page = http_url(text_of(post, "ap_id"))
    stated = text_of(post, "published")
    return FeedItem(
        guid=own_page,
        # As in the feed of a community: what a post links to stands for it.
        url=http_url(text_of(post, "url")) or own_page,
        title=plain_line(text_of(post, "name")),
        text=plain_text(text_of(post, "body")),
        author=plain_line(_author(view), MAX_AUTHOR) or None,
        published_at=parse_date(stated),
        date_raw=stated[:200] or None,
        engagement=counts_of(
            mapping_of(view, "counts"), replies="comments", likes="upvotes", dislikes="downvotes"
        ),
    )


def _author(view: object) -> str:
    """Return the address of an account, which is unique over all servers, or its name."""
    return text_of(view, "creator", "actor_id") or text_of(view, "creator", "name")


_COMMUNITIES = Platform(request=request, parse=parse, is_complete=True)
# Ranked, of many communities, or seen by somebody: what they have read, or whom they block, is
# hidden from them.
_SELECTIONS = replace(_COMMUNITIES, is_complete=False)


def variant(source: Source) -> Platform | None:
    """Return how a community is asked, None for the address of a feed."""
    parts = urlsplit(source.url)
    is_feed = parts.path.startswith("/feeds/") or parts.path.endswith((".xml", ".rss"))
    if parts.path != _LIST and (is_feed or not _community(source)):
        return None
    is_all = parts.path != _LIST or _is_of_community(dict(parse_qsl(parts.query)))
    return _COMMUNITIES if is_all and source.token_env is None else _SELECTIONS


def _is_of_community(asked: Mapping[str, str]) -> bool:
    """Return whether a question to the API is for all of a community, newest first."""
    named = asked.keys() & {"community_name", "community_id"}
    known = {"community_name", "community_id", "sort", "limit"}
    return bool(named) and asked.get("sort") == "New" and asked.keys() <= known


PLATFORM = replace(_COMMUNITIES, variant=variant)
