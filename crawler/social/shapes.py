"""What the platform files share: what a platform is, and careful reading of JSON answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult

from crawler.errors import FeedParseError
from crawler.parsed import ParsedFeed
from crawler.urls import is_at
from store.records import Source


def one_part(url: str | None) -> str:
    """Return the part of a listing that has only one."""
    del url
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An address to ask, and headers that hold a secret.

    Attributes
    ----------
    body : bytes or None
        Sent with POST; only a login has one.
    body_type : str
        Content type of ``body``.
    """

    url: str
    secret_headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    body_type: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """How one kind of source is asked and read. Every function is pure.

    Attributes
    ----------
    request : callable
        ``request(source, token, cursor)`` gives the first page's question; ``cursor`` is what
        the look-up found, else what ``parse`` stated last time. Raises SourceError when the
        settings do not say what to ask.
    parse : callable
        ``parse(body, url)`` gives the items of a page, and in ``more`` the query parameters
        that ask for the page of older ones; runs in a parser process. Raises FeedParseError.
    login : callable or None
        ``login(source, secret)`` gives the question whose answer holds a token, or None when
        the secret itself is the token.
    token : callable or None
        ``token(body)`` reads that answer; raises FeedParseError or SourceError.
    lookup : callable or None
        ``lookup(source, token)`` gives the question whose answer says what ``request`` needs to
        know, or None when that is in the settings; asked once a run.
    found : callable or None
        ``found(body)`` reads that answer; raises FeedParseError or SourceError.
    variant : callable or None
        ``variant(source)`` gives the way to ask this very source where a kind has several, or
        None for a plain feed. All variants of a kind share its ``parse``.
    is_complete : bool
        Its listing has every post of its span of time, newest first: what is stored and
        missing there was deleted. So it is where a post belongs by where it was written (an
        account, a channel, a community), never where it is chosen by what is in it (a search,
        a tag), by whom somebody follows or blocks, or by rank.
    part : callable
        ``part(url)`` names the part of a listing that a post belongs to, by the post's address.
        A part can fall out whole, which deletes nothing.
    recheck_days : float
        Days that are read again each time, for edits and deletions.
    max_pages : int or None
        Pages of one run, where each costs money; None for as many as of any other.
    start : callable or None
        ``start(cursor, now)`` gives the cursor to ask with, where one grows too old to be used.
    """

    request: Callable[[Source, str | None, str | None], Question]
    parse: Callable[[bytes, str], ParsedFeed]
    login: Callable[[Source, str], Question | None] | None = None
    token: Callable[[bytes], str] | None = None
    lookup: Callable[[Source, str | None], Question | None] | None = None
    found: Callable[[bytes], str] | None = None
    variant: "Callable[[Source], Platform | None] | None" = None
    is_complete: bool = False
    part: Callable[[str | None], str] = one_part
    recheck_days: float = 2.0
    max_pages: int | None = None
    start: Callable[[str | None, datetime], str | None] | None = None


def is_theirs(parts: SplitResult, *domains: str) -> bool:
    """Return whether an address names no host, or one of a platform's own.

    Any other is a server that the settings name, which then gets the questions and the secrets.
    """
    host = parts.hostname or ""
    return not host or any(is_at(host, domain) for domain in domains)


def bearer(token: str | None) -> dict[str, str]:
    """Return the header that carries a token, if there is one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def unusable(said: str, missing: str) -> FeedParseError:
    """Return the error for an answer without posts: what the server said, or what it lacks."""
    return FeedParseError(f"the server's answer cannot be used: {said[:200] or missing}")


def text_of(holder: object, *path: str) -> str:
    """Return the text at a path of keys, empty when it is missing or of another type."""
    value = _at(holder, path)
    return value if isinstance(value, str) else ""


def number_of(holder: object, *path: str) -> int | None:
    """Return the whole number at a path of keys, None when missing or of another type."""
    value = _at(holder, path)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def mapping_of(holder: object, *path: str) -> Mapping[str, Any]:
    """Return the object at a path of keys, empty when it is missing or of another type."""
    value = _at(holder, path)
    return value if isinstance(value, dict) else {}


def list_of(holder: object, *path: str) -> list[Any]:
    """Return the list at a path of keys, empty when it is missing or of another type."""
    value = _at(holder, path)
    return value if isinstance(value, list) else []


def counts_of(holder: object, **names: str) -> dict[str, int]:
    """Return the counts that are present: our name = the platform's key."""
    found = {name: number_of(holder, key) for name, key in names.items()}
    return {name: value for name, value in found.items() if value is not None}


def _at(holder: object, path: tuple[str, ...]) -> object:
    for key in path:
        holder = holder.get(key) if isinstance(holder, dict) else None
    return holder
