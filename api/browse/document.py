"""The page of one document: its text with the labelled passages marked in it."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.browse.changes import changes
from api.browse.errors import PageNotFoundError
from store.pages import Pages


def collect(pages: Pages, document_id: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return a document cut at its passages, with labels, names, copies and revisions."""
    document = pages.stories.document(document_id)
    if document is None:
        raise PageNotFoundError(
            f"There is no document {document_id!r}. Look for its words instead:",
            [("/search", "Search")],
        )
    passages = pages.stories.passages(document_id)
    return {
        "document": document,
        "title": segments(document["title"], passages, "title"),
        "text": segments(document["text"], passages, "text"),
        "passages": [passage for passage in passages if passage["labels"]],
        "entities": pages.stories.names_in(document_id),
        "copies": pages.stories.copies(document["duplicate_of"] or document_id),
        "topic": pages.topics.place(document_id)
        or pages.topics.place(document["duplicate_of"] or ""),
        "revisions": _revisions(document, pages.stories.revisions(document_id)),
    }


def _revisions(
    document: Mapping[str, Any], revisions: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the earlier versions, newest first, each with what the next version changed."""
    later = [document, *revisions]
    return [
        {
            **old,
            "title_changes": changes(old["title"], new["title"]),
            "text_changes": changes(old["text"], new["text"]),
        }
        for old, new in zip(revisions, later, strict=False)
    ]


def segments(field: str, passages: Sequence[Mapping[str, Any]], part: str) -> list[dict[str, Any]]:
    """Cut a field at the labelled passages in it.

    Returns
    -------
    list of dict
        ``text``, and ``passage`` (None between passages); the texts add up to the field. A
        passage that starts inside the one before it, or that a revision of the text has
        moved out of place, is left unmarked.
    """
    found: list[dict[str, Any]] = []
    done = 0
    for passage in sorted(passages, key=lambda one: one["start"]):
        start, end = passage["start"], passage["end"]
        if passage["part"] != part or not passage["labels"] or start < done:
            continue
        if field[start:end] != passage["text"]:
            continue
        if start > done:
            found.append({"text": field[done:start], "passage": None})
        found.append({"text": field[start:end], "passage": passage})
        done = end
    if done < len(field):
        found.append({"text": field[done:], "passage": None})
    return found
