"""A made-up stream of stories for discovery: evergreen themes, noise, and stories that break out.

Each theme has a direction in a small vector space and words of its own; a story lies near its
theme's direction. Nothing of it was ever published.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b

import numpy as np

from nlp.space import pack
from store import Store
from store.records import Document, Passage, Source, Tagging

WIDTH = 32
MODEL, TAXONOMY = "made-up", "none"
START = date(2026, 3, 2)  # a Monday
SOURCES = ("wire", "desk", "ledger", "gazette", "post")
EVERGREEN = {
    "ports": "harbour cranes shipping freight containers rates docks vessels",
    "farms": "wheat harvest prices grain farmers silo exports tractors",
    "chips": "wafer foundry orders lithography shares fabs demand etching",
    "movies": "actors premiere festival director sequel trailer cinema awards",
}


@dataclass(frozen=True, slots=True)
class Theme:
    """Stories a day from a day on; fractions are drawn."""

    words: str
    a_day: float
    first: date = START
    last: date = date.max


def themes(planted: Sequence[tuple[str, Theme]] = ()) -> dict[str, Theme]:
    """Return the evergreen themes, and others by name."""
    return {name: Theme(words, 3) for name, words in EVERGREEN.items()} | dict(planted)


def fill(store: Store, told: dict[str, Theme], *, first: date, days: int, noise: int = 4) -> None:
    """Write the stories of so many days; the same day has the same stories every time."""
    run = store.runs.begin("import", now=datetime(2026, 6, 1, tzinfo=UTC))
    store.sources.sync(
        [Source(id=name, kind="feed", name=name, url=f"https://{name}.example") for name in SOURCES]
    )
    documents, taggings = [], []
    for day in (first + timedelta(days=n) for n in range(days)):
        for document, tagging in _stories(told, day, noise):
            documents.append(document)
            taggings.append(tagging)
    with store.transaction():
        store.documents.add(documents, run.id)
        store.labels.save(taggings, run.id)
        run.finish(now=datetime(2026, 6, 1, tzinfo=UTC))


def _stories(told: dict[str, Theme], day: date, noise: int) -> list[tuple[Document, Tagging]]:
    found = []
    for name, theme in told.items():
        rng = np.random.default_rng([day.toordinal(), _number(name)])
        if theme.first <= day <= theme.last:
            for number in range(int(theme.a_day + rng.random())):
                words = " ".join(rng.permutation(theme.words.split())[:5])
                lies = _direction(name) + 0.09 * rng.normal(size=WIDTH)
                found.append(_story(f"{name}-{day}-{number}", day, words, lies, rng))
    rng = np.random.default_rng([day.toordinal(), 99])
    for number in range(noise):
        words = " ".join(f"odd{rng.integers(900)}" for _ in range(5))
        found.append(_story(f"noise-{day}-{number}", day, words, rng.normal(size=WIDTH), rng))
    return found


def _story(
    key: str, day: date, words: str, lies: np.ndarray, rng: np.random.Generator
) -> tuple[Document, Tagging]:
    at = datetime.combine(day, time(int(rng.integers(24)), int(rng.integers(60))), tzinfo=UTC)
    source = SOURCES[int(rng.integers(len(SOURCES)))]
    vector = pack([lies / np.linalg.norm(lies)])
    return headline(key, at, source, f"{words} {key.rsplit('-', 1)[-1]}", vector, MODEL)


def headline(
    key: str, at: datetime, source: str, title: str, vector: bytes, model: str
) -> tuple[Document, Tagging]:
    """Return a story that is a title alone, and a tagging that found no narrative in it."""
    name = blake2b(key.encode(), digest_size=8).hexdigest()
    document = Document(
        id=name,
        source_id=source,
        guid=key,
        entry_key=f"guid:{key}",
        url=f"https://{source}.example/{name}",
        canonical_url=f"https://{source}.example/{name}",
        title=title,
        text="",
        author=None,
        language="en",
        published_at=at,
        first_seen_at=at,
        effective_at=at,
        date_source="feed",
        content_hash=blake2b(key.encode(), digest_size=16).hexdigest(),
    )
    passage = Passage(
        id=f"{name}:0",
        document_id=name,
        position=0,
        part="title",
        start=0,
        end=len(title),
        text=title,
    )
    return document, Tagging(
        document_id=name,
        content_hash=document.content_hash,
        model=model,
        taxonomy=TAXONOMY,
        outcome="tagged",
        language="en",
        passages=[passage],
        vector=vector,
    )


def _direction(name: str) -> np.ndarray:
    found = np.random.default_rng(_number(name)).normal(size=WIDTH)
    return np.asarray(found / np.linalg.norm(found))


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big")
