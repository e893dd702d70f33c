"""A server that behaves as Algolia's for Hacker News: newest first, a thousand hits a query."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.server import Answer, Behaviour, Handler
from tests.social_world import asked_for

SEARCH = "/api/v1/search_by_date"
_FILTER = re.compile(r"(\w+)(<=|>=|<|>)(\d+)")


@dataclass
class HackerNews:
    """The server; ``hits`` are newest first."""

    now: datetime
    hits: list[dict[str, Any]] = field(default_factory=list)
    written: int = 0

    def write(self, count: int, *, step: timedelta = timedelta(minutes=1), **changes: Any) -> None:
        """Add stories, the last of them now."""
        for number in range(count):
            at = self.now - step * (count - 1 - number)
            self.written += 1
            name = str(40_000_000 + self.written)
            self.hits.insert(
                0,
                {
                    "objectID": name,
                    "title": f"Silver story {name}",
                    "url": f"https://press.example/{name}",
                    "author": "pat",
                    "points": 10,
                    "num_comments": 2,
                    "story_text": None,
                    "created_at": at.isoformat().replace("+00:00", "Z"),
                    "created_at_i": int(at.timestamp()),
                    "_tags": ["story", "author_pat", f"story_{name}"],
                    **changes,
                },
            )

    def answers(self) -> Mapping[str, Behaviour]:
        """Return what the paths answer."""
        return {SEARCH: self._search}

    def _search(self, handler: Handler) -> Answer:
        query = asked_for(handler)
        found = [
            hit
            for hit in self.hits
            if query.get("query", "").lower() in hit["title"].lower()
            and query.get("tags", "story") in hit["_tags"]
            and all(
                _holds(hit, text) for text in query.get("numericFilters", "").split(",") if text
            )
        ][:1000]
        size, page = int(query.get("hitsPerPage", 20)), int(query.get("page", 0))
        answer = {
            "hits": found[page * size : (page + 1) * size],
            "hitsPerPage": size,
            "nbHits": len(found),
            "nbPages": -(-len(found) // size),
            "page": page,
        }
        return Answer(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})


def _holds(hit: dict[str, Any], text: str) -> bool:
    match = _FILTER.fullmatch(text)
    assert match, f"Algolia answers 400 to the filter {text!r}"
    value, bound = int(hit[match[1]]), int(match[3])
    compare = {"<=": value <= bound, ">=": value >= bound, "<": value < bound, ">": value > bound}
    return compare[match[2]]
