"""A small, finished database for tests of what is shown: every table has rows.

Three weeks in January 2026 (2026-W03 to W05, one New York holiday), 12 narratives, 4
sources, 60 documents (copies, one language that is not covered, one hostile page), 8 assets,
two explanations, a full scan, failures and a day that was not collected. Made up, but shaped
like the real thing, and the same bytes of content every time.
"""

from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import numpy as np

from store import Store
from store.records import (
    Document,
    Entity,
    Failure,
    Fetch,
    Label,
    Passage,
    PriceBar,
    SourceState,
    Tagging,
)
from tests.sample_results import CONFIRMATIONS, EPISODES, cells, explanation, intensity
from tests.sample_world import (
    ASSETS,
    HOLIDAY,
    HOSTILE_TITLE,
    MISSING,
    MODEL,
    NARRATIVES,
    NOW,
    PATHS,
    SAID,
    SIGMA_27,
    SIGMA_30,
    SOURCES,
    STANCES,
    TAXONOMY,
    sessions,
)


def populated_store(path: Path) -> None:
    """Write the sample database; the file must not exist yet."""
    with Store.open(path, create=True) as store, store.transaction():
        crawl = store.runs.begin("crawl", now=NOW)
        store.sources.sync(SOURCES)
        store.narratives.sync(NARRATIVES, TAXONOMY)
        store.assets.sync(ASSETS)
        taggings = _add_documents(store, crawl.id)
        _add_fetches(store, crawl.id)
        for failure in _FAILURES:
            crawl.fail(failure)
        crawl.finish(now=NOW, code=3, counts={"new": 60, "failed": len(_FAILURES)})
        prices = store.runs.begin("prices", now=NOW)
        store.prices.add(_bars(), prices.id)
        prices.finish(now=NOW, counts={"new": 8})
        tag = store.runs.begin("tag", now=NOW, models={"encoder": MODEL})
        store.labels.save(taggings, tag.id)
        tag.finish(now=NOW, counts={"tagged": 59, "untagged": 1})
        align = store.runs.begin("align", now=NOW)
        points = intensity(taggings, store)
        store.results.add_intensity(points, seen_at=NOW, run_id=align.id)
        store.results.replace_alignments(cells(), run_id=align.id)
        store.confirmations.save(CONFIRMATIONS, now=NOW, run_id=align.id)
        store.results.sync_episodes(EPISODES)
        explanations = [
            explanation(date(2026, 1, 27), SIGMA_27, taggings),
            explanation(date(2026, 1, 30), SIGMA_30, taggings),
        ]
        store.results.save_explanations(explanations, days=1, run_id=align.id)
        align.finish(now=NOW, counts={"intensity": len(points)})


def empty_store(path: Path) -> None:
    """Write a database that has documents of one day and nothing else."""
    with Store.open(path, create=True) as store, store.transaction():
        run = store.runs.begin("crawl", now=NOW)
        store.sources.sync(SOURCES)
        day = sessions()[-1]
        store.documents.add([_document(0, day, "desk-notes", "One note", "Quiet.", None)], run.id)
        run.finish(now=NOW)


# -- documents and labels -----------------------------------------------------------


def _hex(text: str, size: int) -> str:
    return blake2b(text.encode(), digest_size=size).hexdigest()


def _document(
    number: int, day: date, source: str, title: str, text: str, copy_of: str | None
) -> Document:
    at = datetime(day.year, day.month, day.day, 12 + number % 8, 7 * number % 60, tzinfo=UTC)
    url = f"https://{source}.example/{day}/{number}"
    if title == HOSTILE_TITLE:
        url = "javascript:alert(1)"
    return Document(
        id=_hex(f"{source}/{number}", 8),
        source_id=source,
        guid=f"tag:{number}",
        entry_key=f"guid:tag:{number}",
        url=url,
        canonical_url=url,
        title=title,
        text=text,
        author="A. Writer" if number % 3 else None,
        language="fi" if number == 17 else "en",
        published_at=at,
        first_seen_at=at + timedelta(minutes=20),
        effective_at=at + timedelta(minutes=20),
        date_source="feed",
        content_hash=_hex(title + text, 16),
        duplicate_of=copy_of,
    )


def _carried(number: int, day: date) -> list[tuple[str, int]]:
    """Return (narrative, index of the stance) of a document; the last days talk of metals."""
    names = list(SAID)
    rng = np.random.default_rng(number)
    if day >= date(2026, 1, 30):
        pool = ["fed-policy", "deleveraging", "dollar-policy", "geopolitics"]
        first = pool[number % 4]
        return [(first, 1 if first in ("dollar-policy", "geopolitics") else 0), ("fed-policy", 0)][
            : 1 + (first != "fed-policy")
        ]
    if date(2026, 1, 26) <= day <= date(2026, 1, 28) and number % 2:
        return [("dollar-policy", 0)]
    return [(names[int(rng.integers(len(names)))], int(rng.choice(3, p=[0.55, 0.25, 0.2])))]


def _add_documents(store: Store, run_id: str) -> list[Tagging]:
    days = sessions()
    documents: list[Document] = []
    taggings: list[Tagging] = []
    for number in range(60):
        day = days[min(number // 4, len(days) - 1)]
        source = "tape-talk" if day == MISSING else SOURCES[number % 4].id
        carried = _carried(number - (number % 15 == 14), day)
        said = [SAID[narrative][stance] for narrative, stance in carried]
        copy = documents[number - 1] if number % 15 == 14 else None
        if copy is not None:
            title, text = copy.title, copy.text
        elif number == 41:
            title, text = HOSTILE_TITLE, f"<img src=x onerror=alert(1)> {said[0]} </p>"
        else:
            title = f"{day:%d %B}, note {number}: {said[0].split(' ', 1)[0].lower()} and the tape"
            text = f"{' '.join(said)} This is note {number} of {day.isoformat()}."
        document = _document(number, day, source, title, text, copy.id if copy else None)
        documents.append(document)
        taggings.append(_tagging(document, carried, untagged=number == 17))
    store.documents.add(documents, run_id)
    return taggings


def _tagging(document: Document, carried: list[tuple[str, int]], *, untagged: bool) -> Tagging:
    if untagged:
        return Tagging(
            document_id=document.id,
            content_hash=document.content_hash,
            model=MODEL,
            taxonomy=TAXONOMY,
            outcome="untagged",
            language="fi",
            reason="language 'fi' is not covered",
        )
    passages, labels = [], []
    for position, (narrative, stance) in enumerate(carried):
        sentence = SAID[narrative][stance]
        start = document.text.index(sentence)
        passage = Passage(
            id=f"{document.id}:{position}",
            document_id=document.id,
            position=position,
            part="text",
            start=start,
            end=start + len(sentence),
            text=sentence,
        )
        passages.append(passage)
        labels.append(
            Label(
                passage_id=passage.id,
                document_id=document.id,
                narrative_id=narrative,
                probability=0.7 + 0.02 * (len(document.title) % 12),
                stance=STANCES[stance],
                stance_probability=0.8,
                is_causal_claim=narrative == "fed-policy" and stance == 0,
                model=MODEL,
                taxonomy=TAXONOMY,
            )
        )
    entities = [
        Entity(document_id=document.id, text="gold", label="ASSET", asset_id="GLD", count=1)
    ]
    return Tagging(
        document_id=document.id,
        content_hash=document.content_hash,
        model=MODEL,
        taxonomy=TAXONOMY,
        outcome="tagged",
        language="en",
        passages=passages,
        labels=labels,
        entities=entities if "gold" in document.text.lower() else (),
    )


def _add_fetches(store: Store, run_id: str) -> None:
    for source in SOURCES:
        broken = source.id == "wire-east"
        store.fetches.add(
            Fetch(
                source_id=source.id,
                url=source.url,
                outcome="server_error" if broken else "ok",
                http_status=503 if broken else 200,
                bytes=0 if broken else 18_432,
                seconds=0.4,
                etag=None,
                last_modified=None,
                body_hash=None,
                fetched_at=NOW,
            ),
            run_id,
        )
        store.sources.save_state(
            SourceState(
                source_id=source.id,
                url=source.url,
                status="failing" if broken else "active",
                errors=3 if broken else 0,
                last_ok_at=NOW - timedelta(days=3 if broken else 0),
            )
        )


_FAILURES = (
    Failure(
        stage="crawl",
        item="https://wire.example/feed",
        kind="server_error",
        message="the server of 'wire-east' answered 503",
        advice="wait: it is asked again tomorrow",
    ),
    Failure(
        stage="crawl",
        item="https://harbour.example/members/1",
        kind="robots_denied",
        message="robots.txt of 'harbour.example' denies '/members/'",
        advice="nothing to do: the feed's own summary is kept",
    ),
)


# -- prices -------------------------------------------------------------------------


def _bars() -> list[PriceBar]:
    days = [date(2025, 11, 17) + timedelta(days=n) for n in range(75)]
    days = [day for day in days if day.weekday() < 5 and day != HOLIDAY]
    bars = []
    for number, asset in enumerate(ASSETS):
        level, volatility, on_27, on_30 = PATHS[asset.id]
        rng = np.random.default_rng(number)
        for day in days:
            step = float(rng.normal(0.0, volatility))
            step = {date(2026, 1, 27): on_27, date(2026, 1, 30): on_30}.get(day, step)
            level = level + step if asset.unit in ("yield_pct", "level") else level * (1 + step)
            as_of = datetime(day.year, day.month, day.day, 21, tzinfo=UTC)
            bars.append(
                PriceBar(
                    asset_id=asset.id,
                    date=day,
                    close=round(level, 4),
                    as_of=as_of,
                    known_at=as_of + timedelta(minutes=15),
                )
            )
    return bars


# -- results ------------------------------------------------------------------------
