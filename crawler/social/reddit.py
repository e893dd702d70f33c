"""Reddit: the new posts of subreddits, as a feed without a key or from the API with one.

``handle`` is ``NAME`` or ``NAME+NAME``, else the address names them. With ``token_env``, whose
variable holds ``client_id:client_secret``, the API is asked, which has scores and counts of
comments. Both give the same ids and texts, so that a key can be added later.
"""

import re
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import SplitResult, parse_qsl, urlsplit

from crawler.clean import MAX_AUTHOR, plain_line, plain_text
from crawler.errors import SourceError
from crawler.feeds import MAX_ENTRIES, load_json, parse_feed
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
_SITE = "https://www.reddit.com"
_API = "https://oauth.reddit.com"
_LOGIN = "/api/v1/access_token"
_NAMES = re.compile(r"/?(?:r/)?([A-Za-z0-9_]+(?:\+[A-Za-z0-9_]+)*)/?")
_PATH = re.compile(r"/r/([A-Za-z0-9_+]+)(?:/|$)")
_NEW = re.compile(r"/r/([A-Za-z0-9_+]+)/new(?:/?\.rss|/)?")
_MIXTURES = frozenset({"all", "friends", "mod", "popular"})
# What the feed writes below every post, with the name of its author.
_BYLINE = re.compile(r"submitted by\s+/u/\S+(?:\s+to\s+r/\S+)?\s+\[link\]\s+\[comments\]\s*$")
_REMOVED = frozenset({"[deleted]", "[removed]"})


def request(source: Source, token: str | None = None, cursor: str | None = None) -> Question:
    """Return the address of a feed, or of the API when there is a token.

    Raises
    ------
    SourceError
        When neither the address nor the handle names a subreddit.
    """
    del cursor  # the newest posts are read again, for edits and deletions
    parts = urlsplit(source.url)
    if token is None:
        # Any feed of theirs will do: a search, or a private one whose address holds a secret.
        if parts.path.endswith(".rss"):
            return Question(url=source.url)
        url = f"{_server(parts, _SITE)}/r/{_names(source, parts)}/new/.rss?limit={PAGE}"
        return Question(url=url)
    url = f"{_server(parts, _API)}/r/{_names(source, parts)}/new?limit={PAGE}&raw_json=1"
    return Question(url=url, secret_headers=bearer(token))


def login(source: Source, secret: str) -> Question:
    """Return the question that buys a token for an hour.

    Raises
    ------
    SourceError
        When the secret is not a client's id and secret.
    """
    client, colon, password = secret.partition(":")
    if not client or not colon or not password or not secret.isascii():
        raise SourceError(
            f"source {source.id!r}: {source.token_env} must hold client_id:client_secret"
        )
    return Question(
        url=f"{_server(urlsplit(source.url), _SITE)}{_LOGIN}",
        secret_headers={"Authorization": f"Basic {b64encode(secret.encode()).decode()}"},
        body=b"grant_type=client_credentials",
        body_type="application/x-www-form-urlencoded",
    )


def token(body: bytes) -> str:
    """Return the token that a login gave.

    Raises
    ------
    FeedParseError
        When the answer is no JSON.
    SourceError
        When there is none in the answer.
    """
    answer = load_json(body)
    found = text_of(answer, "access_token")
    if not found:
        reason = text_of(answer, "error")[:200] or "none in its answer"
        raise SourceError(f"Reddit's login gave no token: {reason}")
    return found


def parse(body: bytes, url: str = "") -> ParsedFeed:
    """Return the posts of a listing, or of a feed; those removed are left out.

    Raises
    ------
    FeedParseError
        When the answer is neither.
    """
    path = urlsplit(url).path.removesuffix(".rss").rstrip("/")
    is_ranked = not path.endswith("/new")
    if not body.lstrip().startswith((b"{", b"[")):
        return replace(_from_feed(body, url), is_ranked=is_ranked)
    answer = load_json(body)
    if text_of(answer, "kind") != "Listing":
        raise unusable(text_of(answer, "message"), "it is no listing")
    posts = [
        mapping_of(child, "data")
        for child in list_of(answer, "data", "children")[:MAX_ENTRIES]
        if text_of(child, "kind") == "t3"
    ]
    return ParsedFeed(
        items=[_item(post) for post in posts if not _is_removed(post)],
        more={"after": after} if (after := text_of(answer, "data", "after")) else {},
        is_ranked=is_ranked,
    )


def _server(parts: SplitResult, usual: str) -> str:
    """Return another server than Reddit's only when the settings name one."""
    return usual if is_theirs(parts, "reddit.com") else f"{parts.scheme}://{parts.netloc}"


def _names(source: Source, parts: SplitResult) -> str:
    found = _NAMES.fullmatch(source.handle) if source.handle else _PATH.search(parts.path)
    if found is None:
        raise SourceError(
            f"source {source.id!r}: give handle = 'NAME' or 'NAME+NAME', or the address of a"
            " subreddit; only subreddits are asked with a key, feeds of other kinds without one"
        )
    return found.group(1)


def _from_feed(body: bytes, url: str) -> ParsedFeed:
    feed = parse_feed(body, url=url)
    items = [replace(item, text=_BYLINE.sub("", item.text).rstrip()) for item in feed.items]
    return replace(feed, items=[item for item in items if item.text not in _REMOVED])


def _is_removed(post: object) -> bool:
    # An account that was closed leaves its posts behind, under the name [deleted].
    return text_of(post, "selftext") in _REMOVED or bool(text_of(post, "removed_by_category"))


def _item(post: object) -> FeedItem:
    author = plain_line(text_of(post, "author"), MAX_AUTHOR)
    published, stated = _instant(mapping_of(post).get("created_utc"))
    permalink = text_of(post, "permalink")
    return FeedItem(
        guid=text_of(post, "name") or None,
        url=f"{_SITE}{permalink}" if permalink.startswith("/r/") else None,
        title=plain_line(text_of(post, "title")),
        # As HTML, like the feed: a text that moved from one to the other is no edit.
        text=plain_text(text_of(post, "selftext_html") or text_of(post, "selftext")),
        author=f"/u/{author}" if author and author not in _REMOVED else None,
        published_at=published,
        date_raw=stated,
        engagement=counts_of(post, likes="score", replies="num_comments"),
    )


def _instant(seconds: object) -> tuple[datetime | None, str | None]:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None, None
    try:
        return datetime.fromtimestamp(int(seconds), UTC), str(seconds)[:200]
    except (ValueError, OverflowError, OSError):
        return None, str(seconds)[:200]


def part(url: str | None) -> str:
    """Return the subreddit of a post: one that is closed falls out of a list of several."""
    found = _PATH.search(urlsplit(url or "").path)
    return found.group(1).lower() if found else ""


_SUBREDDITS = Platform(
    request=request, parse=parse, login=login, token=token, is_complete=True, part=part
)
# What all of Reddit, one reader's choice of it or a search shows of a subreddit is not all of it.
_SELECTIONS = replace(_SUBREDDITS, is_complete=False)


def variant(source: Source) -> Platform:
    """Return how the new posts of subreddits are asked, or any other choice of posts."""
    try:
        asked = urlsplit(request(source, source.token_env).url)
    except SourceError:
        return _SELECTIONS  # asking will say what is wrong
    names = _NEW.fullmatch(asked.path)
    is_all = (
        names is not None
        and not _MIXTURES & set(names.group(1).lower().split("+"))
        # The secret of a private feed shows what its owner has not hidden.
        and dict(parse_qsl(asked.query)).keys() <= {"limit", "raw_json"}
    )
    return _SUBREDDITS if is_all else _SELECTIONS


PLATFORM = replace(_SUBREDDITS, variant=variant)
