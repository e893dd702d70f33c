"""From the address of a page to the addresses where its feed may be. Pure.

Three ways, best first: what a platform is known to offer, what the page itself links, and the
paths where feeds usually lie. ``discovery.py`` asks them.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal
from urllib.parse import parse_qs, quote, urlsplit

from crawler.clean import language_of, plain_line
from crawler.errors import FeedParseError
from crawler.urls import http_url, is_at
from store.records import SourceKind

MAX_LINKS = 20
_TYPES = frozenset({
    "application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json",
})  # fmt: skip
_WELL_KNOWN = ("/feed", "/rss.xml", "/atom.xml", "/index.xml", "/feed.xml", "/rss")
_CHANNEL = re.compile(r"UC[\w-]{22}")
_NAME = re.compile(r"[\w.:+~-]{1,200}")

How = Literal["named", "platform", "link", "well-known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An address where a feed may be.

    Attributes
    ----------
    how : {"named", "platform", "link", "well-known"}
        Given by the user, known of the platform, linked in the page, or a usual path.
    is_certain : bool
        The host itself tells the platform, so that no other address is worth asking.
    """

    url: str
    kind: SourceKind = "feed"
    handle: str | None = None
    title: str = ""
    how: How = "platform"
    is_certain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLinks:
    """What a page says of itself and of its feeds; best feed first."""

    title: str = ""
    language: str | None = None
    feeds: Sequence[tuple[str, str]] = ()

    def candidates(self) -> list[Candidate]:
        """Return the linked feeds as candidates."""
        return [
            Candidate(url=url, kind=kind_of(url), title=title, how="link")
            for url, title in self.feeds
        ]


def links_to_json(links: PageLinks) -> dict[str, Any]:
    """Return the links of a page as plain JSON values."""
    return asdict(links)


def links_from_json(plain: dict[str, Any]) -> PageLinks:
    """Return the links of :func:`links_to_json`."""
    feeds = [(str(url), str(title)) for url, title in plain["feeds"]]
    return PageLinks(title=plain["title"], language=plain["language"], feeds=feeds)


# -- platforms ----------------------------------------------------------------------


def kind_of(url: str) -> SourceKind:
    """Return the kind of source that a feed's address is."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if is_at(host, "youtube.com") and parts.path == "/feeds/videos.xml":
        return "youtube"
    if is_at(host, "reddit.com"):
        return "reddit"
    return "lemmy" if parts.path.startswith("/feeds/c/") else "feed"


def platform_candidate(url: str) -> Candidate | None:
    """Return what a platform is known to offer for an address, or None."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    names = [name for name in parts.path.split("/") if name]
    if not all(_NAME.fullmatch(name.lstrip("@")) for name in names[:4]):
        return None
    for domain, rule in _RULES.items():
        if is_at(host, domain):
            return rule(host, names, parts.query)
    return _federated(f"{parts.scheme}://{parts.netloc}", names)


def _sure(url: str, kind: SourceKind = "feed", handle: str | None = None) -> Candidate:
    return Candidate(url=url, kind=kind, handle=handle, is_certain=True)


def _youtube(host: str, names: list[str], query: str) -> Candidate | None:
    feed = "https://www.youtube.com/feeds/videos.xml"
    lists = parse_qs(query).get("list", [])
    if len(names) > 1 and names[0] == "channel" and _CHANNEL.fullmatch(names[1]):
        return _sure(f"{feed}?channel_id={names[1]}", "youtube")
    if names[:1] == ["playlist"] and lists and _NAME.fullmatch(lists[0]):
        return _sure(f"{feed}?playlist_id={lists[0]}", "youtube")
    return None  # a handle: the page links its channel's feed


def _reddit(host: str, names: list[str], query: str) -> Candidate | None:
    if names and names[-1].endswith(".rss"):
        return None
    if len(names) > 1 and names[0] == "r":
        return _sure(f"https://www.reddit.com/r/{names[1]}/new/.rss?limit=25", "reddit")
    if len(names) > 1 and names[0] in {"u", "user"}:
        return _sure(f"https://www.reddit.com/user/{names[1]}/.rss", "reddit")
    return None


def _bluesky(host: str, names: list[str], query: str) -> Candidate | None:
    if len(names) == 2 and names[0] == "profile":
        return _sure("https://bsky.app", "bluesky", names[1])
    return None


def _hacker_news(host: str, names: list[str], query: str) -> Candidate | None:
    words = parse_qs(query).get("q") or parse_qs(query).get("query")
    if words and host.startswith("hn."):
        return _sure("https://news.ycombinator.com", "hackernews", plain_line(words[0])[:200])
    return None


def _substack(host: str, names: list[str], query: str) -> Candidate | None:
    if host in {"substack.com", "www.substack.com"}:
        writer = names[0] if names and names[0].startswith("@") else ""
        return _sure(f"https://{writer[1:].lower()}.substack.com/feed") if writer[1:] else None
    return _sure(f"https://{host}/feed")


def _medium(host: str, names: list[str], query: str) -> Candidate | None:
    if host not in {"medium.com", "www.medium.com"}:
        return _sure(f"https://{host}/feed")
    is_page = names and names[0] not in {"feed", "m", "tag"}
    return _sure(f"https://medium.com/feed/{quote(names[0], safe='@')}") if is_page else None


def _github(host: str, names: list[str], query: str) -> Candidate | None:
    if host != "github.com" or not names or names[-1].endswith(".atom"):
        return None
    if len(names) == 1:
        return _sure(f"https://github.com/{names[0]}.atom")
    page = names[2] if len(names) > 2 and names[2] in {"commits", "tags"} else "releases"
    return _sure(f"https://github.com/{names[0]}/{names[1]}/{page}.atom")


def _at(path: str) -> Callable[[str, list[str], str], Candidate | None]:
    def rule(host: str, names: list[str], query: str) -> Candidate | None:
        return _sure(f"https://{host}{path}") if host.count(".") > 1 else None

    return rule


_RULES: dict[str, Callable[[str, list[str], str], Candidate | None]] = {
    "youtube.com": _youtube,
    "reddit.com": _reddit,
    "bsky.app": _bluesky,
    "hn.algolia.com": _hacker_news,
    "substack.com": _substack,
    "medium.com": _medium,
    "github.com": _github,
    "blogspot.com": _at("/feeds/posts/default"),
    "wordpress.com": _at("/feed/"),
    "tumblr.com": _at("/rss"),
}


def _federated(origin: str, names: list[str]) -> Candidate | None:
    """Return what Mastodon or Lemmy would offer: any host may be one of theirs."""
    match names:
        case [name] if name.startswith("@") and not name.endswith(".rss"):
            return Candidate(url=f"{origin}/{name}.rss")
        case ["tags", tag] if not tag.endswith(".rss"):
            return Candidate(url=origin, kind="mastodon", handle=tag)
        case ["c", name]:
            return Candidate(url=f"{origin}/feeds/c/{name}.xml?sort=New", kind="lemmy")
    return None


def well_known(url: str) -> list[Candidate]:
    """Return the paths where feeds usually lie, those below the page's own first."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    own = parts.path.rstrip("/")
    paths = [f"{own}/feed"] if own and "." not in own.rpartition("/")[2] else []
    return [Candidate(url=origin + path, how="well-known") for path in (*paths, *_WELL_KNOWN)]


# -- the page itself ----------------------------------------------------------------


def parse_links(body: bytes, *, url: str) -> PageLinks:
    """Return the feeds that a page links; runs in a parser process.

    Parameters
    ----------
    url : str
        The address that answered, after redirects.

    Raises
    ------
    FeedParseError
        When the body is no page.
    """
    import trafilatura

    tree: Any = trafilatura.load_html(body)
    if tree is None:
        raise FeedParseError("the body is neither a feed nor a page")
    base = next((http_url(href, url) for href in tree.xpath("//base/@href")[:1]), None) or url
    found: dict[str, str] = {}
    stated = [*_alternates(tree), *_channel(tree)]
    for link, title in stated or _guesses(tree, base):
        address = http_url(link, base)
        if address is not None and address != url:
            found.setdefault(address, plain_line(title)[:200])
    # Python's sort is stable: the page's own order, but feeds of comments last.
    ordered = sorted(found.items(), key=lambda item: "comments" in " ".join(item).lower())
    title = next(iter(tree.xpath("//title/text()")[:1]), "")
    return PageLinks(
        title=plain_line(title)[:200],
        language=language_of(next(iter(tree.xpath("/html/@lang")[:1]), None)),
        feeds=ordered[:MAX_LINKS],
    )


def _alternates(tree: Any) -> list[tuple[str, str]]:
    found = []
    for link in tree.xpath("//link[@rel and @href]")[:500]:
        kind = link.get("type", "").partition(";")[0].strip().lower()
        href = link.get("href")
        # Plain JSON is a feed only by its name: WordPress links its whole interface so.
        is_feed = kind in _TYPES or (kind == "application/json" and "feed" in href.lower())
        if is_feed and "alternate" in link.get("rel").lower().split():
            found.append((href, link.get("title") or ""))
    return found


def _channel(tree: Any) -> list[tuple[str, str]]:
    """Return the feed of a YouTube channel, which its page names in its canonical address."""
    for href in tree.xpath("//link[@rel='canonical']/@href")[:1]:
        channel = platform_candidate(http_url(href) or "")
        if channel is not None and channel.kind == "youtube":
            return [(channel.url, "")]
    return []


def _guesses(tree: Any, base: str) -> list[tuple[str, str]]:
    from trafilatura.feeds import FeedParameters, determine_feed

    host = urlsplit(base).hostname or ""
    return [(link, "") for link in determine_feed(tree, FeedParameters(base, host, base))]
