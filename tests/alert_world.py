"""A store with planted findings: quiet sessions, and on some days a narrative that is loud."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from api.alerts.rules import AlertSettings
from api.alerts.run import evaluate
from api.alerts.settings import parse_alerts
from store import Store
from store.records import (
    Document,
    Explanation,
    IntensityPoint,
    Label,
    Passage,
    Source,
    Tagging,
)
from tests.sample_results import EPISODES, explanation
from tests.sample_world import ASSETS, MODEL, NARRATIVES, SIGMA_27, SIGMA_30, TAXONOMY

FIRST = date(2026, 3, 2)
SOURCES = tuple(
    Source(id=f"desk-{n}", kind="feed", url=f"https://desk-{n}.example/feed", name=f"Desk {n}")
    for n in range(5)
)
IDS = [source.id for source in SOURCES]
SETTINGS = parse_alerts({}, "the shipped settings")
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def sessions(count: int, first: date = FIRST) -> list[date]:
    """Return weekdays; the tests need no exchange."""
    days = (first + timedelta(days=n) for n in range(count * 2))
    return [day for day in days if day.weekday() < 5][:count]


def night(day: date, hour: int = 23) -> datetime:
    """Return an instant after the close of a session."""
    return datetime(day.year, day.month, day.day, hour, 15, tzinfo=UTC)


def planted(
    path: Path,
    count: int = 70,
    *,
    loud: Mapping[str, Collection[date]] | None = None,
    stories: int = 8,
    missing: Collection[date] = (),
) -> list[date]:
    """Write sessions in which all is usual but for some narratives on some days.

    Returns the sessions. On a loud day ``stories`` stories from five sources carry it.
    """
    days = sessions(count)
    loud = loud or {}
    with Store.open(path, create=True) as store, store.transaction():
        run = store.runs.begin("import", now=BEGUN)
        store.sources.sync(SOURCES)
        store.narratives.sync(NARRATIVES, TAXONOMY)
        store.assets.sync(ASSETS)
        store.results.sync_episodes(EPISODES)
        points = [
            point(narrative.id, day, loud=day in loud.get(narrative.id, ()), stories=stories)
            for day in days
            for narrative in NARRATIVES
        ]
        points = [without_share(one) if one.day in missing else one for one in points]
        store.results.add_intensity(points, seen_at=BEGUN, run_id=run.id)
        for narrative, on in loud.items():
            for day in on:
                add_stories(store, run.id, narrative, day, stories)
        run.finish(now=BEGUN)
    return days


def point(
    narrative: str, day: date, *, loud: bool = False, stories: int = 8, innovation: float = 2.6
) -> IntensityPoint:
    """Return a usual value of a narrative, or an unusual one."""
    return IntensityPoint(
        narrative_id=narrative,
        day=day,
        stories=stories if loud else 2,
        effective_n=100.0,
        share=0.1037 if loud else 0.0213,
        share_low=0.0541 if loud else 0.0052,
        share_high=0.1793 if loud else 0.0701,
        zscore=4.1 if loud else 0.1,
        innovation=innovation if loud else 0.2,
        favor=1,
        against=1,
        neutral=stories - 2 if loud else 0,
        net_stance=None,
        disagreement=None,
        novelty=1.0,
        reach=stories,
        burst=0,
    )


def without_share(one: IntensityPoint) -> IntensityPoint:
    """Return a session that was not collected."""
    return replace(one, share=None, share_low=None, share_high=None, zscore=None, innovation=None)


def add_stories(store: Store, run_id: str, narrative: str, day: date, count: int) -> list[str]:
    """Add stories of a session that carry a narrative, from five sources in turn."""
    at = datetime(day.year, day.month, day.day, 15, tzinfo=UTC)
    documents, taggings = [], []
    for number in range(count):
        id_ = f"{narrative}-{day:%m%d}-{number}"
        text = f"Note {number} of {day}: <b>{narrative}</b> is on & everybody's mind."
        document = Document(
            id=id_,
            source_id=IDS[number % len(IDS)],
            guid=None,
            author=None,
            entry_key=id_,
            url=f"https://desk.example/{id_}",
            canonical_url=f"https://desk.example/{id_}",
            title=f"Title {id_}",
            text=text,
            language="en",
            published_at=at,
            first_seen_at=at,
            effective_at=at,
            date_source="feed",
            content_hash=id_,
        )
        documents.append(document)
        passage = Passage(
            id=f"{id_}:0", document_id=id_, position=0, part="text", start=0, end=len(text),
            text=text,
        )  # fmt: skip
        label = Label(
            passage_id=passage.id, document_id=id_, narrative_id=narrative, probability=0.9,
            stance=("favor", "against", "none")[number % 3], stance_probability=0.8,
            is_causal_claim=False, model=MODEL, taxonomy=TAXONOMY,
        )  # fmt: skip
        taggings.append(
            Tagging(
                document_id=id_, content_hash=id_, model=MODEL, taxonomy=TAXONOMY,
                outcome="tagged", language="en", passages=[passage], labels=[label],
            )
        )  # fmt: skip
    store.documents.add(documents, run_id)
    store.labels.save(taggings, run_id)
    return [document.id for document in documents]


def explained(day: date, *, leading: bool) -> Explanation:
    """Return an explanation of a day: one suspect that leads, or a crash without one."""
    of = date(2026, 1, 27) if leading else date(2026, 1, 30)
    one = explanation(of, SIGMA_27 if leading else SIGMA_30, [])
    return replace(one, date=day, window_start=day, window_end=day)


def crawled(store, arrivals):
    """Let each source bring a document on some nights; each night has a crawl."""
    nights = sorted({at for each in arrivals.values() for at in each})
    for at in nights:
        run = store.runs.begin("crawl", now=at)
        for source, own in arrivals.items():
            if at in own:
                store.db.execute(
                    "INSERT INTO documents (id, source_id, entry_key, title, text, first_seen_at,"
                    " effective_at, date_source, content_hash, run_id) VALUES (?, ?, ?, 't', '',"
                    " ?, ?, 'seen', '', ?)",
                    [f"{source}{at}", source, f"{at}", *(2 * [f"{at:%Y-%m-%dT%H:%M:%SZ}"]), run.id],
                )
        assert run.id
        run.finish(now=at)


def arrivals_of(days, *, quiet=(), last=25):
    """Return nights of arrivals by source; the quiet ones end after some sessions."""
    return {
        source: [night(day) for day in (days[:last] if source in quiet else days)] for source in IDS
    }


def listed(store: Store) -> list[dict[str, Any]]:
    """Return the alerts with their findings."""
    return store.alerts.listed(limit=1000)


def look(
    store: Store,
    day: date,
    settings: AlertSettings = SETTINGS,
    sources: Collection[str] = (),
) -> Any:
    """Evaluate the rules in the night after a session."""
    return evaluate(store, settings, list(sources), now=night(day))


def sided(
    store: Store, run: Any, narrative: str, days: list[date], favor: int, against: int
) -> None:
    """Give a narrative so many stories for and against on each of the days."""
    points = [
        replace(point(narrative, day), favor=favor, against=against, neutral=0) for day in days
    ]
    store.results.add_intensity(points, seen_at=night(days[-1]), run_id=run.id)


def keep(store: Store, explanation: Explanation) -> None:
    """Store an explanation."""
    run = store.runs.begin("align", now=night(explanation.date))
    store.results.save_explanations([explanation], days=1, run_id=run.id)
