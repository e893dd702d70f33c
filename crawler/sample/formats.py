"""Pages of the sample's outlets in the formats of the wild: feeds and social APIs."""

import json
from collections.abc import Callable, Sequence
from email.utils import format_datetime
from html import escape
from typing import Any

from crawler.sample.outlets import Format, Outlet, Piece

Body = tuple[str, bytes]


def render(outlet: Outlet, pieces: Sequence[Piece]) -> Body:
    """Return content type and body of an outlet's page."""
    return _WRITERS[outlet.format](outlet, pieces)


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part, quote=False)}</p>" for part in text.split("\n\n"))


def _rss(outlet: Outlet, pieces: Sequence[Piece]) -> Body:
    items = "".join(
        f"<item><guid isPermaLink='false'>{escape(piece.guid)}</guid>"
        f"<title>{escape(piece.title, quote=False)}</title><link>{escape(piece.url)}</link>"
        f"<dc:creator>{escape(piece.author)}</dc:creator>"
        f"<pubDate>{format_datetime(piece.published_at)}</pubDate>"
        f"<content:encoded>{escape(_paragraphs(piece.text))}</content:encoded></item>\n"
        for piece in pieces
    )
    body = (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>{escape(outlet.name)}</title><link>https://{outlet.id}.example/</link>"
        f"<description>An invented outlet</description><language>{outlet.language}</language>\n"
        f"{items}</channel></rss>\n"
    )
    return "application/rss+xml; charset=utf-8", body.encode()


def _atom(outlet: Outlet, pieces: Sequence[Piece]) -> Body:
    entries = "".join(
        f"<entry><id>tag:{outlet.id}.example,2026:{escape(piece.guid)}</id>"
        f"<title>{escape(piece.title, quote=False)}</title><link href='{escape(piece.url)}'/>"
        f"<author><name>{escape(piece.author)}</name></author>"
        f"<published>{piece.published_at:%Y-%m-%dT%H:%M:%SZ}</published>"
        f"<updated>{piece.published_at:%Y-%m-%dT%H:%M:%SZ}</updated>"
        f"<content type='html'>{escape(_paragraphs(piece.text))}</content></entry>\n"
        for piece in pieces
    )
    body = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{outlet.language}">'
        f"<title>{escape(outlet.name)}</title><id>tag:{outlet.id}.example,2026:feed</id>"
        f"<link href='https://{outlet.id}.example/'/>\n{entries}</feed>\n"
    )
    return "application/atom+xml; charset=utf-8", body.encode()


def _jsonfeed(outlet: Outlet, pieces: Sequence[Piece]) -> Body:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": outlet.name,
        "home_page_url": f"https://{outlet.id}.example/",
        "language": outlet.language,
        "items": [
            {
                "id": piece.guid,
                "url": piece.url,
                "title": piece.title,
                "content_text": piece.text,
                "date_published": f"{piece.published_at:%Y-%m-%dT%H:%M:%SZ}",
                "authors": [{"name": piece.author}],
            }
            for piece in pieces
        ],
    }
    return "application/feed+json; charset=utf-8", _json(feed)


def _mastodon(outlet: Outlet, pieces: Sequence[Piece]) -> Body:
    statuses = [
        {
            "id": str(int(piece.published_at.timestamp() * 65536)),
            "uri": f"https://{outlet.id}.example/statuses/{piece.guid}",
            "url": piece.url,
            "created_at": f"{piece.published_at:%Y-%m-%dT%H:%M:%S}.000Z",
            "language": piece.language,
            "spoiler_text": piece.title,
            "content": _paragraphs(piece.text),
            "account": {"acct": piece.author, "username": piece.author},
            "tags": [{"name": "markets"}],
            "reblog": None,
            "replies_count": 0,
            "reblogs_count": 0,
            "favourites_count": 0,
        }
        for piece in pieces
    ]
    return "application/json; charset=utf-8", _json(statuses)


def _bluesky(outlet: Outlet, pieces: Sequence[Piece]) -> Body:
    handle = f"{outlet.id}.example"
    feed = [
        {
            "post": {
                "uri": f"at://did:web:{handle}/app.bsky.feed.post/{piece.guid}",
                "cid": f"cid-{piece.guid}",
                "author": {"did": f"did:web:{handle}", "handle": handle},
                "record": {
                    "$type": "app.bsky.feed.post",
                    "text": piece.text,
                    "createdAt": f"{piece.published_at:%Y-%m-%dT%H:%M:%S}.000Z",
                    "langs": [piece.language],
                },
                "replyCount": 0,
                "repostCount": 0,
                "likeCount": 0,
                "indexedAt": f"{piece.published_at:%Y-%m-%dT%H:%M:%S}.000Z",
            }
        }
        for piece in pieces
    ]
    return "application/json; charset=utf-8", _json({"feed": feed})


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


_WRITERS: dict[Format, Callable[[Outlet, Sequence[Piece]], Body]] = {
    "rss": _rss,
    "atom": _atom,
    "jsonfeed": _jsonfeed,
    "mastodon": _mastodon,
    "bluesky": _bluesky,
}
