"""A server that behaves as Lemmy does: pinned posts on top, pages by mark or by number."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.server import Answer, Behaviour, Handler
from tests.social_world import asked_for

LIST = "/api/v3/post/list"
FEED = "/feeds/c/economics.xml"


@dataclass
class Lemmy:
    """One community, ``economics``; ``views`` are newest first, without what is pinned.

    Attributes
    ----------
    has_marks : bool
        Pages are asked for by a mark; servers before 0.19 know only numbers.
    """

    now: datetime
    views: list[dict[str, Any]] = field(default_factory=list)
    written: int = 0
    has_marks: bool = True

    def write(self, count: int, **changes: Any) -> None:
        """Add posts a minute apart, the last of them now."""
        for number in range(count):
            self.views.insert(0, self._view(self.now - timedelta(minutes=count - 1 - number)))
            self.views[0]["post"] |= changes

    def pin(self, at: datetime) -> None:
        """Show an old post on top."""
        self.views.append(self._view(at))
        self.views[-1]["post"]["featured_community"] = True

    def _view(self, at: datetime) -> dict[str, Any]:
        self.written += 1
        number = 1000 + self.written
        return {
            "post": {
                "id": number,
                "name": f"Post {number}",
                "body": f"Text {number} on **rates**",
                "ap_id": f"https://l.example/post/{number}",
                "published": at.isoformat().replace("+00:00", ".123456Z"),
                "featured_community": False,
                "deleted": False,
                "removed": False,
            },
            "creator": {"name": "kim", "actor_id": "https://o.example/u/kim"},
            "counts": {"comments": 3, "score": 4, "upvotes": 5, "downvotes": 1},
        }

    def answers(self) -> Mapping[str, Behaviour]:
        """Return what the paths answer."""
        return {LIST: self._list}

    def _list(self, handler: Handler) -> Answer:
        query = asked_for(handler)
        if query.get("community_name") not in {"economics", "economics@l.example"}:
            return Answer(404, b'{"error":"couldnt_find_community"}')
        size = int(query.get("limit", 10))
        if size > 50 or query.get("sort") != "New":
            return Answer(400, b'{"error":"query"}')
        shown = sorted(self.views, key=lambda view: not view["post"]["featured_community"])
        mark = query.get("page_cursor", "").removeprefix("P")
        start = int(mark) if mark else (int(query.get("page", 1)) - 1) * size
        answer: dict[str, Any] = {"posts": shown[start : start + size]}
        if self.has_marks and answer["posts"]:
            answer["next_page"] = f"P{start + size}"
        return Answer(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})
