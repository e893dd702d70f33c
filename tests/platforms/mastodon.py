"""A server that behaves as Mastodon does: ids, pages, boosts, an allowance, closed timelines."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.server import Answer, Behaviour, Handler
from tests.social_world import asked_for

LOOKUP = "/api/v1/accounts/lookup"
STATUSES = "/api/v1/accounts/109/statuses"
TAG = "/api/v1/timelines/tag/markets"


@dataclass
class Mastodon:
    """One account, ``ann`` with the id 109, whose every post has the tag ``markets``.

    Attributes
    ----------
    posts : list
        Newest first, as the server shows them.
    keys : set of str
        Tokens that open the timelines; none means that they are open.
    allowance : int
        Requests that are left in this window.
    """

    now: datetime
    posts: list[dict[str, Any]] = field(default_factory=list)
    written: int = 0
    keys: set[str] = field(default_factory=set)
    allowance: int = 300

    def write(self, count: int, **changes: Any) -> None:
        """Add posts a minute apart, the last of them now."""
        for number in range(count):
            at = self.now - timedelta(minutes=count - 1 - number)
            self.posts.insert(0, self._status(at, **changes))

    def _status(self, at: datetime, **changes: Any) -> dict[str, Any]:
        self.written += 1
        number = 1000 + self.written
        return {
            "id": str(number),
            "uri": f"https://m.example/users/ann/statuses/{number}",
            "url": f"https://m.example/@ann/{number}",
            "created_at": at.isoformat().replace("+00:00", ".000Z"),
            "edited_at": None,
            "visibility": "public",
            "language": "en",
            "spoiler_text": "",
            "content": f"<p>post {number} on gold</p>",
            "reblog": None,
            "account": {"id": "109", "acct": "ann"},
            "replies_count": 0,
            "reblogs_count": 0,
            "favourites_count": 0,
            **changes,
        }

    def boost(self, text: str) -> None:
        """Let the account boost somebody else's post."""
        other = self._status(self.now, uri="https://o.example/1", content=text)
        self.posts.insert(0, self._status(self.now, content="", reblog=other))

    def edit(self, index: int, content: str) -> None:
        """Change a post as its author may."""
        at = self.now.isoformat()
        self.posts[index] |= {"content": content, "edited_at": at}

    def answers(self) -> Mapping[str, Behaviour]:
        """Return what the paths answer."""
        return {LOOKUP: self._lookup, STATUSES: self._timeline, TAG: self._timeline}

    def _lookup(self, handler: Handler) -> Answer:
        if asked_for(handler).get("acct") != "ann":
            return self._answer({"error": "Record not found"}, 404)
        return self._answer({"id": "109", "acct": "ann"})

    def _timeline(self, handler: Handler) -> Answer:
        token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.keys and token not in self.keys:
            return self._answer({"error": "This method requires an authenticated user"}, 401)
        query = asked_for(handler)
        found = [
            post
            for post in self.posts
            if int(post["id"]) < int(query.get("max_id", 10**9))
            and not (post["reblog"] and query.get("exclude_reblogs") == "true")
        ]
        return self._answer(found[: min(int(query.get("limit", 20)), 40)])

    def _answer(self, value: object, status: int = 200) -> Answer:
        if self.allowance == 0:
            value, status = {"error": "Too many requests"}, 429
        self.allowance = max(self.allowance - 1, 0)
        end = (self.now + timedelta(minutes=5)).isoformat().replace("+00:00", ".262185Z")
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "X-RateLimit-Limit": "300",
            "X-RateLimit-Remaining": str(self.allowance),
            "X-RateLimit-Reset": end,
        }
        return Answer(status, json.dumps(value).encode(), headers)
