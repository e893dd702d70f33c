"""Made-up topics for tests of what is shown: every table of discovery has rows.

Over the documents of :mod:`tests.sample_store`: a candidate that a person has not seen yet, one
that was accepted, a weak signal, a fading one, one in the background, and one that was merged.
"""

from datetime import UTC, date, datetime
from typing import get_args

from store import Store
from store.records import (
    Discovery,
    DriftKind,
    DriftTerm,
    NarrativeDrift,
    Topic,
    TopicChange,
    TopicStory,
    TopicWeek,
)
from tests.sample_world import MODEL, NARRATIVES, NOW

DAYS = (date(2026, 1, 17), date(2026, 1, 24), date(2026, 1, 31))
HOSTILE_LABEL = '<b onmouseover="alert(1)">bold</b>, =1+1'
LACKS = ("stories", "sources")


def _topic(number: int, label: str, status: str, trend: str, **more: object) -> tuple[Topic, str]:
    week = 2 if status == "background" else 3 + number % 2
    values: dict[str, object] = {
        "id": f"t-2026W{week:02}-{number:02}",
        "language": "en",
        "label": label,
        "words": tuple(
            (word, round(0.9 / (place + 1), 3)) for place, word in enumerate(label.split())
        ),
        "first_seen": datetime(2026, 1, 9 + number, 8, tzinfo=UTC),
        "found_on": DAYS[number % 2],
        "status": status,
        **more,
    }
    return Topic(**values), trend  # type: ignore[arg-type]


TOPICS = [
    _topic(
        1, "private credit fund redemptions gates", "candidate", "emerging", proposed_on=DAYS[2]
    ),
    _topic(
        2,
        "grid power shortage turbines",
        "accepted",
        "growing",
        proposed_on=DAYS[1],
        decided_at=datetime(2026, 1, 25, 9, tzinfo=UTC),
        narrative_id="grid-power",
    ),
    _topic(3, "cocoa harvest blight futures", "watched", "emerging", parent_id="t-2026W02-05"),
    _topic(4, "airline strike cancelled flights", "watched", "fading"),
    _topic(5, "chip export rules", "background", "steady"),
    _topic(6, HOSTILE_LABEL, "merged", "quiet", parent_id="t-2026W02-05"),
]


def fill_topics(store: Store) -> None:
    """Write the topics into a store that :func:`tests.sample_store.populated_store` has filled."""
    documents = [row["id"] for row in store.db.query("SELECT id FROM documents ORDER BY id")]
    with store.transaction():
        run = store.runs.begin("discover", now=NOW)
        store.topics.save([topic for topic, _ in TOPICS], run_id=run.id)
        stories = [
            TopicStory(
                topic_id=TOPICS[place % len(TOPICS)][0].id,
                document_id=document,
                similarity=round(0.95 - place / 200, 4),
                is_core=place % 3 != 2,
                position=place // len(TOPICS) + 1 if place < 3 * len(TOPICS) else None,
                joined_on=DAYS[place % 3],
            )
            for place, document in enumerate(documents[:48])
        ]
        store.topics.place(stories, left=(), run_id=run.id)
        for place, day in enumerate(DAYS):
            weeks = [
                _week(topic, trend, number, place) for number, (topic, trend) in enumerate(TOPICS)
            ]
            changes = _CHANGES if day == DAYS[2] else []
            store.topics.keep(_discovery(day, place), weeks, changes, run_id=run.id)
        store.topics.keep_drift(_drifts(), run_id=run.id)
        run.finish(now=NOW, counts={"candidates": 1})


def _week(topic: Topic, trend: str, number: int, place: int) -> TopicWeek:
    recent = (2, 5, 12)[place] if trend in ("emerging", "growing") else (9, 6, 4)[place]
    recent = 0 if trend == "quiet" else recent
    return TopicWeek(
        topic_id=topic.id,
        day=DAYS[place],
        stories=recent + 7 + number,
        sources=2 + number % 3,
        days=4 + place,
        reassigned=3,
        recent=recent,
        before=7 + number,
        share=round(recent / 110, 6),
        top_source=0.5,
        market=0.6,
        stability=None if trend == "quiet" else 0.81,
        npmi=0.21,
        popularity=recent + 3.5,
        pvalue=0.004 if place == 2 and recent > 8 else 0.3,
        trend=trend,  # type: ignore[arg-type]
        lacks=() if topic.status in ("candidate", "accepted") else LACKS,
    )


def _discovery(day: date, place: int) -> Discovery:
    return Discovery(
        day=day,
        language="en",
        start=date(2025, 12, 21 + place),
        stories=60,
        residual=48,
        core=32,
        reassigned=11,
        outliers=5,
        topics=len(TOPICS),
        agreement=0.84,
        kept=None if place == 0 else 0.985,
        npmi=0.18,
        diversity=0.91,
        model=MODEL,
        seed=20260131,
    )


_CHANGES = [
    TopicChange(
        day=DAYS[2],
        kind="merge",
        topic_id=TOPICS[5][0].id,
        other_id=TOPICS[4][0].id,
        cosine=0.88,
        stories=9,
    ),
    TopicChange(
        day=DAYS[2],
        kind="child",
        topic_id=TOPICS[2][0].id,
        other_id=TOPICS[4][0].id,
        cosine=0.71,
        stories=0,
    ),
]


def _drifts() -> list[NarrativeDrift]:
    terms = {"word": "yields", "entity": "GLD", "outlet": "wire"}
    return [
        NarrativeDrift(
            day=DAYS[2],
            narrative_id=narrative.id,
            kind=kind,
            start=date(2026, 1, 4),
            stories=24 - place,
            before=21,
            divergence=None if place == 2 else 0.31,
            pvalue=None if place == 2 else 0.02,
            terms=[
                DriftTerm(term=terms[kind], stories=9, before=2, zscore=2.9, pvalue_adj=0.03),
                DriftTerm(term="auction", stories=1, before=8, zscore=-2.4, pvalue_adj=0.08),
            ],
        )
        for place, narrative in enumerate(NARRATIVES[:3])
        for kind in get_args(DriftKind)
    ]
