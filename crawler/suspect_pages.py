"""Pages that are not what their link promised: boilerplate, and claims to be another page. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from crawler.identity import Entry, StoredKey, content_hash
from crawler.pages import PageAnswer
from crawler.urls import redact
from store.records import Failure


def without_boilerplate(answers: Sequence[PageAnswer]) -> list[PageAnswer]:
    """Take away a text that several links lead to: a wall or a notice, no article.

    It would make one story of all of them, and hide their summaries.
    """
    texts = Counter(answer.page.text for answer in answers if answer.page is not None)
    return [
        replace(
            answer,
            page=None,
            outcome="not_a_feed",
            message=f"{texts[answer.page.text]} links of this feed lead to the same text",
        )
        if answer.page is not None and texts[answer.page.text] > 1
        else answer
        for answer in answers
    ]


def claims_of_others(
    entries: Iterable[Entry], pages: Mapping[str, PageAnswer], known: Mapping[str, StoredKey]
) -> list[Failure]:
    """Return a row for every page that states the address of another stored document.

    Parameters
    ----------
    pages : mapping
        By document id.

    Notes
    -----
    Both stay: an address is a claim, and only equal or nearly equal texts are one story.
    """
    owners = {key.canonical_url: key for key in known.values() if key.canonical_url is not None}
    rows = []
    for entry in entries:
        answer = pages.get(entry.document_id)
        page = answer.page if answer is not None else None
        if answer is None or page is None or page.canonical is None:
            continue
        owner = owners.get(page.canonical)
        if owner is None or owner.document_id == entry.document_id:
            continue
        if owner.content_hash == content_hash(entry.item.title, page.text):
            continue
        rows.append(
            Failure(
                stage="crawl",
                item=redact(answer.url),
                kind="claimed_address",
                message=f"the page says that it is {redact(page.canonical)!r}, which is"
                f" stored as document {owner.document_id} with another text",
                advice="both are kept; compare them before trusting this outlet",
            )
        )
    return rows


def cut_rows(source_id: str, notes: Iterable[str]) -> list[Failure]:
    """Return a row for everything that a parser cut or left out."""
    return [
        Failure(
            stage="crawl",
            item=source_id,
            kind="capped",
            message=note,
            advice="nothing, if it was an accident; look at the feed if it lasts",
        )
        for note in notes
    ]
