"""The search page: words and phrases in titles and texts."""

import re
from collections.abc import Mapping
from typing import Any

from store.page_search import HIT_END, HIT_START
from store.pages import Pages

PAGE = 20
LAST_PAGE = 50
LONGEST = 200  # characters of a query that are read
_HIT = re.compile(f"{HIT_START}(.*?){HIT_END}", re.DOTALL)


def collect(pages: Pages, _: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return what ``?q=`` finds; ``?order=newest``, ``?copies=1`` and ``?page=`` refine it."""
    text = query.get("q", "")[:LONGEST]
    number = query.get("page", "1")
    page = min(max(int(number), 1), LAST_PAGE) if number.isdecimal() and len(number) < 4 else 1
    newest = query.get("order") == "newest"
    copies = query.get("copies") == "1"
    found = pages.search.find(
        text, newest=newest, copies=copies, limit=PAGE, offset=PAGE * (page - 1)
    )
    labels = pages.search.labels_of([row["id"] for row in found["documents"]])
    for row in found["documents"]:
        row["snippet"] = hits(row["snippet"], found["words"])
        row["labels"] = labels.get(row["id"], [])
    pages_found = min(-(-found["total"] // PAGE), LAST_PAGE)
    return {
        "q": text,
        "order": "newest" if newest else "relevance",
        "copies": copies,
        "page": page,
        "pages": pages_found,
        **found,
    }


def hits(snippet: str, words: list[str]) -> list[list[Any]]:
    """Cut a snippet into ``[text, is a hit]``; a snippet without marks is searched for words."""
    if HIT_START not in snippet and words:
        pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
        snippet = re.sub(f"(?i)({pattern})", f"{HIT_START}\\1{HIT_END}", snippet)
    parts = _HIT.split(snippet)
    return [[part, bool(place % 2)] for place, part in enumerate(parts) if part]
