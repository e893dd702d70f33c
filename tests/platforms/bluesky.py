"""A server that behaves as Bluesky does: author feeds for all, searches after a login."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.server import Answer, Behaviour, Handler
from tests.social_world import asked_for

AUTHOR = "/xrpc/app.bsky.feed.getAuthorFeed"
SEARCH = "/xrpc/app.bsky.feed.searchPosts"
LOGIN = "/xrpc/com.atproto.server.createSession"
SECRET = "quant.example:abcd-efgh"
_JWT = "jwt-0001"
_DID = "did:plc:quant"


@dataclass
class Bluesky:
    """The server; ``views`` are the entries of one author's feed, newest first."""

    now: datetime
    views: list[dict[str, Any]] = field(default_factory=list)
    written: int = 0
    logins: list[dict[str, Any]] = field(default_factory=list)

    def write(self, count: int, **record: Any) -> None:
        """Add posts a minute apart, the last of them now."""
        for number in range(count):
            at = self.now - timedelta(minutes=count - 1 - number)
            self.views.insert(0, {"post": self._post(at, **record)})

    def repost(self, count: int) -> None:
        """Let the author repost somebody else's posts."""
        for number in range(count):
            at = self.now - timedelta(minutes=count - 1 - number)
            reason = {
                "$type": "app.bsky.feed.defs#reasonRepost",
                "by": {"did": _DID, "handle": "quant.example"},
                "indexedAt": at.isoformat().replace("+00:00", "Z"),
            }
            post = self._post(self.now - timedelta(days=900), text="not mine")
            self.views.insert(0, {"post": post, "reason": reason})

    def pin(self, index: int) -> None:
        """Show a post at the top as well."""
        view = self.views[index]
        self.views.insert(0, {**view, "reason": {"$type": "app.bsky.feed.defs#reasonPin"}})

    def _post(self, at: datetime, **record: Any) -> dict[str, Any]:
        self.written += 1
        number = 1000 + self.written
        return {
            "uri": f"at://{_DID}/app.bsky.feed.post/3k{number}",
            "cid": f"bafy{number}",
            "author": {"did": _DID, "handle": "quant.example"},
            "record": {
                "$type": "app.bsky.feed.post",
                "text": f"post {number} on silver",
                "createdAt": at.isoformat().replace("+00:00", "Z"),
                "langs": ["en-GB"],
                **record,
            },
            "indexedAt": at.isoformat().replace("+00:00", "Z"),
            "replyCount": 1,
            "repostCount": 2,
            "likeCount": 3,
            "quoteCount": 4,
        }

    def answers(self) -> Mapping[str, Behaviour]:
        """Return what the paths answer."""
        return {AUTHOR: self._author, SEARCH: self._search, LOGIN: self._login}

    def _author(self, handler: Handler) -> Answer:
        query = asked_for(handler)
        if query.get("actor") not in {"quant.example", _DID}:
            return _answer({"error": "InvalidRequest", "message": "Profile not found"}, 400)
        page, cursor = self._page(self.views, query)
        return _answer({"feed": page, **cursor})

    def _search(self, handler: Handler) -> Answer:
        if handler.headers.get("Authorization") != f"Bearer {_JWT}":
            return _answer({"error": "Forbidden"}, 403)
        query = asked_for(handler)
        found = [
            view["post"]
            for view in self.views
            if query["q"].lower() in view["post"]["record"]["text"].lower()
        ]
        page, cursor = self._page(found, query)
        return _answer({"posts": page, "hitsTotal": len(found), **cursor})

    @staticmethod
    def _page(entries: list[Any], query: dict[str, str]) -> tuple[list[Any], dict[str, str]]:
        start, size = int(query.get("cursor", 0)), int(query.get("limit", 50))
        after = start + size
        cursor = {"cursor": str(after)} if after < len(entries) else {}
        return entries[start:after], cursor

    def _login(self, handler: Handler) -> Answer:
        wanted = json.loads(handler.body)
        self.logins.append({"method": handler.command, **wanted})
        if f"{wanted['identifier']}:{wanted['password']}" != SECRET:
            return _answer({"error": "AuthenticationRequired"}, 401)
        return _answer({"accessJwt": _JWT, "refreshJwt": "r", "handle": "quant.example"})


def _answer(value: object, status: int = 200) -> Answer:
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "RateLimit-Limit": "3000",
        "RateLimit-Remaining": "2999",
        "RateLimit-Reset": "1769807400",
        "RateLimit-Policy": "3000;w=300",
    }
    return Answer(status, json.dumps(value).encode(), headers)
