"""Mastodon: the public timeline of a tag, or the posts of an account.

The configured address is the server, with ``handle`` set to ``#tag`` or ``@name``, the page of a
tag or an account, or an address of the server's API. Servers decide whether timelines are open;
a closed one answers 401, and wants a token.
"""

import re
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit

from crawler.clean import MAX_AUTHOR, language_of, plain_line, plain_text
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

PAGE = 40
# What a server gives when the address does not say how many.
_DEFAULT_PAGE = 20
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9]{1,40}")
_ACCOUNT = re.compile(r"/api/v1/accounts/[A-Za-z0-9]{1,40}/statuses/?")
# Beside what its author wrote, a quoting post has a link to the quoted one for old programs.
_QUOTE_LINK = re.compile(r'<p class="quote-inline">.{0,2000}?</p>', re.DOTALL)
_NOT_PUBLIC = frozenset({"private", "direct"})


def lookup(source: Source, token: str | None = None) -> Question | None:
    """Return the question for the id of an account, None for a tag or an address of the API.

    Raises
    ------
    SourceError
        When neither the address nor the handle names a timeline.
    """
    if _is_api(source):
        return None
    name = _name(source)
    if not name.startswith("@"):
        return None
    account = quote(name.removeprefix("@"), safe="@")
    return Question(
        url=f"{_server(source)}/api/v1/accounts/lookup?acct={account}",
        secret_headers=bearer(token),
    )


def found(body: bytes) -> str:
    """Return the id of an account.

    Raises
    ------
    FeedParseError
        When the answer is no JSON.
    SourceError
        When the answer is no account.
    """
    number = text_of(load_json(body), "id")
    if _ACCOUNT_ID.fullmatch(number) is None:
        raise SourceError("the server's answer is no account")
    return number


def request(source: Source, token: str | None = None, cursor: str | None = None) -> Question:
    """Return the address of a timeline.

    Parameters
    ----------
    cursor : str or None
        Id of the account, where the source is one.

    Raises
    ------
    SourceError
        When neither the address nor the handle names one.
    """
    # It is read from the top each time, for edits and deletions.
    if _is_api(source):
        return Question(url=source.url, secret_headers=bearer(token))
    name = _name(source)
    if not name.startswith("@"):
        path = f"timelines/tag/{quote(name, safe='')}?limit={PAGE}"
    elif cursor is not None:
        path = f"accounts/{quote(cursor, safe='')}/statuses?limit={PAGE}&exclude_reblogs=true"
    else:
        raise SourceError(f"source {source.id!r}: the id of {name} is not known")
    return Question(url=f"{_server(source)}/api/v1/{path}", secret_headers=bearer(token))


def _is_api(source: Source) -> bool:
    return "/api/v1/" in urlsplit(source.url).path


def _server(source: Source) -> str:
    parts = urlsplit(source.url)
    return f"{parts.scheme}://{parts.netloc}"


def _name(source: Source) -> str:
    """Return ``@name``, or a tag without its sign."""
    path = urlsplit(source.url).path
    page = path.removeprefix("/") if path.startswith("/@") else path.partition("/tags/")[2]
    name = (source.handle or page.partition("/")[0]).strip().removeprefix("#")
    if not name.strip("@"):
        raise SourceError(
            f"source {source.id!r}: give url = a server, and handle = '#tag' or '@name'"
        )
    return name


def parse(body: bytes, url: str = "") -> ParsedFeed:
    """Return the public posts of a timeline; boosts give the post that was boosted.

    Raises
    ------
    FeedParseError
        When the answer is not a list of posts.
    """
    answer = load_json(body)
    if not isinstance(answer, list):
        raise unusable(text_of(answer, "error"), "it is no list of posts")
    statuses = [status for status in answer[:MAX_ENTRIES] if isinstance(status, dict)]
    # Servers leave out what they hide: a page that is not full may yet not be the last.
    is_last = len(statuses) < max(1, _page_size(url) // 2)
    # The id of the entry in the timeline, which for a boost is not that of the post.
    oldest = "" if is_last else text_of(statuses[-1], "id")
    return ParsedFeed(
        items=[
            _item(status)
            for status in statuses
            # A token may read what its owner's friends wrote for friends.
            if text_of(status, "visibility") not in _NOT_PUBLIC
        ],
        more={"max_id": oldest} if oldest else {},
        oldest_at=parse_date(text_of(statuses[-1], "created_at")) if statuses else None,
    )


def _page_size(url: str) -> int:
    limit = parse_qs(urlsplit(url).query).get("limit", [""])[0]
    return min(int(limit), PAGE) if limit.isascii() and limit.isdigit() else _DEFAULT_PAGE


def _item(status: dict[str, object]) -> FeedItem:
    post = mapping_of(status, "reblog") or status
    stated = text_of(post, "created_at")
    # A content warning is the author's own headline.
    warning = plain_line(text_of(post, "spoiler_text"))
    return FeedItem(
        guid=text_of(post, "uri") or text_of(post, "id") or None,
        url=http_url(text_of(post, "url")),
        title=warning,
        text=plain_text(_QUOTE_LINK.sub("", text_of(post, "content"))),
        author=plain_line(text_of(post, "account", "acct"), MAX_AUTHOR) or None,
        language=language_of(post.get("language")),
        published_at=parse_date(stated),
        date_raw=stated[:200] or None,
        engagement=counts_of(
            post, replies="replies_count", boosts="reblogs_count", likes="favourites_count"
        ),
    )


_ACCOUNTS = Platform(request=request, parse=parse, lookup=lookup, found=found, is_complete=True)
# A post that lost its tag, is of a server that is no longer listened to, or of somebody who is
# no longer followed, is there still; so is one whose boost was taken back.
_SELECTIONS = replace(_ACCOUNTS, is_complete=False)


def variant(source: Source) -> Platform:
    """Return how an account's own posts are asked, or any other choice of posts."""
    return _ACCOUNTS if _is_of_account(source) else _SELECTIONS


def _is_of_account(source: Source) -> bool:
    parts = urlsplit(source.url)
    if not _is_api(source):
        return (source.handle or parts.path.removeprefix("/")).strip().startswith("@")
    asked = dict(parse_qsl(parts.query))
    return (
        _ACCOUNT.fullmatch(parts.path) is not None
        and asked.get("exclude_reblogs") in {"1", "true"}
        and asked.keys() <= {"exclude_reblogs", "exclude_replies", "limit"}
    )


PLATFORM = replace(_ACCOUNTS, variant=variant)
