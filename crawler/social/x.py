"""X: posts of the last week that match a query, or of one account, from the API v2.

Every post read costs money ($0.005 in April 2026), so that this kind works differently from
the others: a run asks only for what is newer than the last run's newest post, reads two pages
at most (200 posts, one dollar), and looks for no edits or deletions afterwards. ``handle`` is a
query or ``@name``; ``token_env`` names the variable with the app's bearer token.
"""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

from crawler.clean import MAX_AUTHOR, plain_line, plain_text
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
    number_of,
    text_of,
    unusable,
)
from crawler.urls import with_parameters
from store.records import FeedItem, Source

PAGE = 100
# In dollars, for a post that is read (April 2026).
PRICE = 0.005
MAX_PAGES = 2
_API = "https://api.x.com"
_SEARCH = "/2/tweets/search/recent"
_NAME = re.compile(r"[A-Za-z0-9_]{1,15}")
_NUMBER = re.compile(r"[0-9]{1,20}")
# Only fields of the post itself: an expansion is a second object, which is paid for as well.
_FIELDS = "author_id,created_at,edit_history_tweet_ids,lang,note_tweet,public_metrics"
# The search refuses to start from a post that is older than a week.
_WEEK = timedelta(days=7) - timedelta(hours=1)
# Ids count milliseconds from here, shifted by 22 bits.
_EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)


def request(source: Source, token: str | None = None, cursor: str | None = None) -> Question:
    """Return the address of a search or timeline, for posts newer than ``cursor``.

    Raises
    ------
    MissingKeyError
        When there is no token: the API answers nobody without one.
    SourceError
        When neither the address nor the handle says what to ask.
    """
    if token is None:
        raise MissingKeyError(f"source {source.id!r} needs a token: X answers nobody without one")
    parts = urlsplit(source.url)
    asked = {"max_results": str(PAGE), "tweet.fields": _FIELDS}
    if cursor:
        asked["since_id"] = cursor
    if parts.path.startswith("/2/"):
        asked |= {"exclude": "retweets"} if parts.path.startswith("/2/users/") else {}
        return Question(url=with_parameters(source.url, asked), secret_headers=bearer(token))
    is_site = is_theirs(parts, "x.com", "twitter.com")
    server = _API if is_site else f"{parts.scheme}://{parts.netloc}"
    query = {"query": _query(source), **asked}
    return Question(url=f"{server}{_SEARCH}?{urlencode(query)}", secret_headers=bearer(token))


def start(cursor: str | None, now: datetime) -> str:
    """Return the id after which posts are asked for, at most a week back.

    Parameters
    ----------
    cursor : str or None
        Id of the newest post that was read, None before the first.
    """
    earliest = int((now - _WEEK - _EPOCH) / timedelta(milliseconds=1)) << 22
    known = int(cursor) if cursor and _NUMBER.fullmatch(cursor) else 0
    return str(max(known, earliest))


def parse(body: bytes, url: str = "") -> ParsedFeed:
    """Return the posts of a page; an edited post keeps the id of its first version.

    Raises
    ------
    FeedParseError
        When the answer is no page of posts.
    """
    answer = load_json(body)
    meta = mapping_of(answer, "meta")
    if number_of(meta, "result_count") is None and not list_of(answer, "data"):
        problem = next(iter(list_of(answer, "errors")), answer)
        said = text_of(problem, "detail") or text_of(problem, "message")
        raise unusable(said, "it holds no posts")
    posts = [post for post in list_of(answer, "data")[:MAX_ENTRIES] if isinstance(post, dict)]
    following = text_of(meta, "next_token")
    # A search and a timeline have different names for the same thing.
    name = "next_token" if urlsplit(url).path.endswith("/search/recent") else "pagination_token"
    newest = text_of(meta, "newest_id")
    return ParsedFeed(
        items=[_item(post) for post in posts],
        more={name: following} if following else {},
        cursor=newest if _NUMBER.fullmatch(newest) else None,
    )


def _query(source: Source) -> str:
    """Return the query without reposts, which would be paid for again each time."""
    query = (source.handle or "").strip() or f"@{urlsplit(source.url).path.strip('/')}"
    if query.startswith("@") and _NAME.fullmatch(query[1:]):
        # Not the account's own timeline: that wants its number, and a look-up costs money.
        query = f"from:{query[1:]}"
    if query == "@":
        raise SourceError(
            f"source {source.id!r}: give handle = a query, or '@name' for one account"
        )
    return query if "is:retweet" in query else f"({query}) -is:retweet"


def _item(post: dict[str, object]) -> FeedItem:
    number = text_of(post, "id")
    first = next(iter(list_of(post, "edit_history_tweet_ids")), None)
    language = text_of(post, "lang")
    stated = text_of(post, "created_at")
    return FeedItem(
        guid=(first if isinstance(first, str) else number) or None,
        url=f"https://x.com/i/status/{number}" if _NUMBER.fullmatch(number) else None,
        title="",
        # Beyond 280 characters, `text` is cut.
        text=plain_text(text_of(post, "note_tweet", "text") or text_of(post, "text")),
        author=plain_line(text_of(post, "author_id"), MAX_AUTHOR) or None,
        # Three letters say why there is none: `und`, `qme` for media only, `zxx`.
        language=language if len(language) == 2 else None,
        published_at=parse_date(stated),
        date_raw=stated[:200] or None,
        engagement=counts_of(
            mapping_of(post, "public_metrics"),
            replies="reply_count",
            boosts="retweet_count",
            likes="like_count",
            quotes="quote_count",
            views="impression_count",
        ),
    )


PLATFORM = Platform(request=request, parse=parse, start=start, max_pages=MAX_PAGES, recheck_days=0)
