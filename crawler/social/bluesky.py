"""Bluesky: the posts of one author, open to all, or of a search, which wants an app password.

``handle`` is the author's handle or DID, or ``?`` and what to search for. The secret of
``token_env`` is ``HANDLE:APP-PASSWORD``; without one only authors can be read.
"""

import json
from dataclasses import replace
from urllib.parse import quote, urlsplit

from crawler.clean import MAX_AUTHOR, language_of, plain_line, plain_text
from crawler.dates import parse_date
from crawler.errors import MissingKeyError, SourceError
from crawler.feeds import MAX_ENTRIES, load_json
from crawler.parsed import ParsedFeed
from crawler.social.shapes import (
    Platform,
    Question,
    bearer,
    counts_of,
    is_theirs,
    list_of,
    mapping_of,
    text_of,
    unusable,
)
from store.records import FeedItem, Source

PAGE = 100
_OPEN = "https://public.api.bsky.app"
# Where app passwords are good; it passes questions on.
_HOME = "https://bsky.social"
_DOMAINS = ("bsky.app", "bsky.social")
_AUTHOR = "/xrpc/app.bsky.feed.getAuthorFeed"
_SEARCH = "/xrpc/app.bsky.feed.searchPosts"
_LOGIN = "/xrpc/com.atproto.server.createSession"


def login(source: Source, secret: str) -> Question:
    """Return the question that buys a token for an app password.

    Raises
    ------
    SourceError
        When the secret is not of the form ``HANDLE:APP-PASSWORD``.
    """
    # From the right: a DID has colons of its own.
    name, _, password = secret.strip().rpartition(":")
    if not name or not password:
        raise SourceError(
            f"source {source.id!r}: {source.token_env} is not of the form HANDLE:APP-PASSWORD"
        )
    credentials = {"identifier": name.removeprefix("@"), "password": password}
    server = _server(source, has_key=True)
    return Question(url=f"{server}{_LOGIN}", body=json.dumps(credentials).encode())


def token(body: bytes) -> str:
    """Return the token of a session.

    Raises
    ------
    FeedParseError
        When the answer is no JSON.
    SourceError
        When the answer holds none.
    """
    found = text_of(load_json(body), "accessJwt")
    if not found or not found.isascii() or not found.isprintable():
        raise SourceError("the server's answer holds no token")
    return found


def request(source: Source, token: str | None = None, cursor: str | None = None) -> Question:
    """Return the address of an author's feed, or of a search for the newest posts.

    Raises
    ------
    MissingKeyError
        For a search without an app password.
    SourceError
        When neither the address nor the handle says what to ask.
    """
    del cursor  # a feed is read again from the top, for deletions
    if _is_search(source) and token is None:
        raise MissingKeyError(
            f"source {source.id!r}: Bluesky answers searches to those with an app password only"
        )
    headers = bearer(token)
    parts = urlsplit(source.url)
    if parts.path.startswith("/xrpc/"):
        return Question(url=source.url, secret_headers=headers)
    server = _server(source, has_key=token is not None)
    handle = (source.handle or parts.path.partition("/profile/")[2]).strip("/@ ")
    if handle.startswith("?") and handle.strip("? "):
        query = f"q={quote(handle[1:].strip(), safe='')}&sort=latest&limit={PAGE}"
        return Question(url=f"{server}{_SEARCH}?{query}", secret_headers=headers)
    if not handle.strip("?"):
        raise SourceError(
            f"source {source.id!r}: give handle = the author's name, such as"
            " 'someone.bsky.social', or '?WORDS' for a search"
        )
    query = f"actor={quote(handle, safe=':')}&limit={PAGE}"
    return Question(url=f"{server}{_AUTHOR}?{query}", secret_headers=headers)


def _is_search(source: Source) -> bool:
    return (source.handle or "").startswith("?") or urlsplit(source.url).path == _SEARCH


def _server(source: Source, *, has_key: bool) -> str:
    parts = urlsplit(source.url)
    if not is_theirs(parts, *_DOMAINS):
        return f"{parts.scheme}://{parts.netloc}"
    return _HOME if has_key else _OPEN


def parse(body: bytes, url: str = "") -> ParsedFeed:
    """Return the posts of an author or a search; what an author only reposted is left out.

    Raises
    ------
    FeedParseError
        When the answer is neither an author feed nor the result of a search.
    """
    del url  # the answer says where its next page starts
    answer = load_json(body)
    oldest_at = None
    views = answer.get("feed") if isinstance(answer, dict) else None
    posts = answer.get("posts") if isinstance(answer, dict) else None
    if isinstance(views, list):
        # A repost carries its reason, and its author is somebody else; so does a pinned post,
        # which is there a second time in its own place.
        posts = [mapping_of(view, "post") for view in views if not mapping_of(view, "reason")]
        # Pages of reposts alone: the instant of the last one says how far back they reach.
        oldest_at = parse_date(text_of(views[-1], "reason", "indexedAt")) if views else None
    if not isinstance(posts, list):
        raise unusable(text_of(answer, "message"), "it holds no posts")
    return ParsedFeed(
        items=[_item(post) for post in posts[:MAX_ENTRIES] if mapping_of(post)],
        more={"cursor": cursor} if (cursor := text_of(answer, "cursor")) else {},
        oldest_at=oldest_at,
    )


def _item(post: object) -> FeedItem:
    uri = text_of(post, "uri")
    handle = text_of(post, "author", "handle")
    record = mapping_of(post, "record")
    # The author's claim; the server's own stamp says when a post was first seen.
    stated = text_of(record, "createdAt") or text_of(post, "indexedAt")
    languages = list_of(record, "langs")
    title, text = _words(record)
    return FeedItem(
        guid=uri or None,
        url=_page(handle, uri),
        title=title,
        text=text,
        author=plain_line(handle, MAX_AUTHOR) or None,
        language=language_of(languages[0]) if languages else None,
        published_at=parse_date(stated),
        date_raw=stated[:200] or None,
        engagement=counts_of(
            post,
            replies="replyCount",
            boosts="repostCount",
            likes="likeCount",
            quotes="quoteCount",
        ),
    )


def _words(record: object) -> tuple[str, str]:
    """Return title and text: the author's own words, or those of the card when there are none.

    A quoted post is somebody else's, and so is the page behind a link; but who posts a bare
    link lets its headline speak.
    """
    text = plain_text(text_of(record, "text"))
    card = mapping_of(record, "embed", "external") or mapping_of(
        record, "embed", "media", "external"
    )
    if not card or not all(_is_link(word) for word in text.split()):
        return "", text
    described = plain_text(text_of(card, "description"))
    return plain_line(text_of(card, "title")), described or text


def _is_link(word: str) -> bool:
    return "://" in word or ("." in word and "/" in word)


def _page(handle: str, uri: str) -> str | None:
    """Return the address of the page of a post: its ``at://`` name is not one."""
    key = uri.rpartition("/")[2]
    if not handle or not key or not uri.startswith("at://"):
        return None
    return f"https://bsky.app/profile/{quote(handle)}/post/{quote(key)}"


_AUTHORS = Platform(request=request, parse=parse, login=login, token=token, is_complete=True)
# What a search index no longer finds may still be there, and so may what a list, a ranking or
# somebody's home timeline no longer shows.
_SELECTIONS = replace(_AUTHORS, is_complete=False)


def variant(source: Source) -> Platform:
    """Return how an author's feed is asked, or any other choice of posts."""
    path = urlsplit(source.url).path
    is_other = path.startswith("/xrpc/") and path != _AUTHOR
    return _SELECTIONS if is_other or _is_search(source) else _AUTHORS


PLATFORM = replace(_AUTHORS, variant=variant)
