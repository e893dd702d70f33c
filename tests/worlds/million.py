"""A file of one million documents and six million labels, made up, to measure the pages on.

``python -m tests.worlds.million PATH [N]`` writes the working file and publishes its snapshot.
The schema is the real one, with all migrations; the rows are drawn from a seeded generator, so
the same N gives the same file. Words follow Zipf's law, with those of a market's commentary
among the frequent ones: a search for ``market`` finds some hundred thousand documents, one for
a word of the tail a few. Documents are numbered in the order of the nightly crawls, but for an
archive of one in twenty that was imported last; so the order of numbers is not that of time.
"""

import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from tqdm import tqdm

from store import Store
from store.publish import publish
from tests.sample_world import MODEL, NARRATIVES, TAXONOMY
from tests.worlds.million_results import write_results
from tests.worlds.million_words import (
    CHINESE,
    NAMES,
    STANCES,
    narrative_odds,
    sources,
    vocabulary,
    world_assets,
)

DOCUMENTS = 1_000_000
CHUNK = 25_000
FIRST, LAST = date(2022, 1, 3), date(2025, 12, 30)
_NEW_YORK = ZoneInfo("America/New_York")
_SENTENCES = 3


def sessions() -> list[date]:
    """Return the session days that the documents cover, about 1,040."""
    days = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    closed = {(1, 1), (7, 4), (12, 25)}
    return [day for day in days if day.weekday() < 5 and (day.month, day.day) not in closed]


def close_of(day: date) -> datetime:
    """Return the close of a session, which is when the prices of the day hold."""
    return datetime(day.year, day.month, day.day, 16, tzinfo=_NEW_YORK)


def write_million(path: Path, documents: int = DOCUMENTS, *, quiet: bool = False) -> None:
    """Write the working file; it must not exist yet."""
    with Store.open(path, create=True) as store:
        run = store.runs.begin("crawl", now=close_of(LAST) + timedelta(hours=5))
        store.sources.sync(sources())
        store.narratives.sync(NARRATIVES, TAXONOMY)
        store.assets.sync(world_assets())
        run.finish(now=close_of(LAST) + timedelta(hours=6))
        connection: sqlite3.Connection = store.db.conn
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA cache_size = -400000")
        bulk = ("documents", "taggings", "novelty", "passages", "labels", "entities", "fetches")
        with (
            _without_indexes(connection, bulk),
            tqdm(total=documents, unit="doc", disable=quiet, file=sys.stderr) as bar,
        ):
            for chunk in _Documents(documents).chunks():
                chunk.write(connection, run.id)
                connection.commit()
                bar.update(len(chunk.ids))
        connection.execute("INSERT INTO documents_fts(documents_fts) VALUES ('rebuild')")
        connection.execute("INSERT OR REPLACE INTO touched VALUES ('documents', ?)", [str(FIRST)])
        connection.commit()
        write_results(store, sessions(), close_of, run.id)
        connection.commit()


@contextmanager
def _without_indexes(connection: sqlite3.Connection, tables: Iterable[str]) -> Iterator[None]:
    """Drop triggers and indexes of tables, and make them again when all rows are in."""
    marks = ", ".join("?" * len(tuple(tables)))
    found = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'index')"
        f" AND sql IS NOT NULL AND tbl_name IN ({marks}) ORDER BY type, name",
        tuple(tables),
    ).fetchall()
    for kind, name, _ in found:
        connection.execute(f'DROP {kind} "{name}"')
    yield
    for _, _, sql in found:
        connection.execute(sql)


class _Documents:
    """What is drawn once: when each document counts, of which source, in which order."""

    def __init__(self, documents: int) -> None:
        rng = np.random.default_rng(20260211)
        days = sessions()
        night = np.sort(rng.integers(0, len(days), documents))
        midnights = np.array(days, dtype="datetime64[s]")
        # Most of a day's talk falls into the hours from the opening in Europe to New York's close.
        hour = np.clip(rng.normal(14.5, 3.8, documents), 0.0, 23.99)
        at = midnights[night] + (hour * 3600).astype("timedelta64[s]")
        order = np.argsort(at, kind="stable")
        self.at, self.night = at[order], night[order]
        weights = 1.0 / (np.arange(len(sources())) + 4.0)
        self.source = rng.choice(len(weights), documents, p=weights / weights.sum())
        self.archived = rng.random(documents) < 0.05
        place = np.lexsort((self.source, self.night, self.archived))
        self.number = np.empty(documents, dtype=np.int64)
        self.number[place] = np.arange(1, documents + 1)
        self.ids = np.unique(rng.integers(1, 2**63 - 1, documents + 1000))[:documents]
        rng.shuffle(self.ids)
        self.words, self.odds = vocabulary(rng)
        self.steps = np.cumsum(self.odds)
        self.carried = narrative_odds(rng, len(days))

    def chunks(self) -> Iterator["_Chunk"]:
        """Yield the documents in the order of time, some thousands at once."""
        for start in range(0, len(self.at), CHUNK):
            yield _Chunk(self, start, min(start + CHUNK, len(self.at)))


class _Chunk:
    """Some thousand documents with all that hangs on them."""

    def __init__(self, world: _Documents, start: int, stop: int) -> None:
        self.rng = np.random.default_rng([7, start])
        self.world, self.start, self.size = world, start, stop - start
        self.ids = [f"{one:016x}" for one in world.ids[start:stop].tolist()]
        self.number = world.number[start:stop].tolist()
        self.at = [f"{one}Z" for one in world.at[start:stop].astype(str).tolist()]
        self.source = [sources()[k].id for k in world.source[start:stop].tolist()]
        self.original = self._originals()
        self.chinese = self.rng.random(self.size) < 0.01
        self.parts = self._texts()

    def _originals(self) -> np.ndarray[Any, Any]:
        """Return the place of each document's original in the chunk, its own for a story."""
        own = np.arange(self.size)
        back = own - 1 - self.rng.geometric(0.01, self.size)
        # Some stories are spread far: every eleventh place draws the copies around it.
        wanted = np.where(self.rng.random(self.size) < 0.7, back - back % 11, back)
        is_copy = (self.rng.random(self.size) < 0.10) & (wanted >= 0)
        targets = np.where(is_copy, wanted, own)
        return np.where(is_copy & ~is_copy[targets], targets, own)

    def _texts(self) -> list[tuple[str, ...]]:
        """Return title and sentences of each document; those of a copy are its original's."""
        lengths = np.empty((self.size, 1 + _SENTENCES), dtype=np.int64)
        lengths[:, 0] = self.rng.integers(7, 14, self.size)
        lengths[:, 1:] = self.rng.integers(13, 41, (self.size, _SENTENCES))
        drawn = np.searchsorted(self.world.steps, self.rng.random(int(lengths.sum())))
        words = self.world.words[np.minimum(drawn, len(self.world.words) - 1)].tolist()
        ends = np.cumsum(lengths.ravel()).tolist()
        starts = [0, *ends[:-1]]
        found: list[tuple[str, ...]] = []
        width = 1 + _SENTENCES
        for place, original in enumerate(self.original.tolist()):
            if original != place:
                found.append(found[original])
            elif self.chinese[place]:
                picks = self.rng.integers(0, len(CHINESE), width)
                found.append(tuple(CHINESE[pick] for pick in picks.tolist()))
            else:
                cut = range(place * width, (place + 1) * width)
                texts = [" ".join(words[starts[k] : ends[k]]).capitalize() for k in cut]
                found.append((texts[0], *(f"{text}." for text in texts[1:])))
        return found

    def write(self, db: sqlite3.Connection, run_id: str) -> None:
        """Insert documents, revisions, taggings, passages, labels, entities and requests."""
        documents, taggings, passages, novelty = [], [], [], []
        for place, (id_, parts) in enumerate(zip(self.ids, self.parts, strict=True)):
            copied = self.original[place] != place
            story = self.ids[self.original[place]] if copied else None
            address = f"https://{self.source[place]}.example/{id_}"
            language = "zh" if self.chinese[self.original[place]] else "en"
            hashed = f"{self.world.ids[self.start + self.original[place]]:032x}"
            documents.append((
                self.number[place], id_, self.source[place], f"g:{id_}", f"guid:{id_}", address,
                address, parts[0], " ".join(parts[1:]), "A. Writer" if place % 3 else None,
                language, self.at[place], self.at[place], self.at[place], "feed", story, 0, hashed,
                None, run_id, None,
            ))  # fmt: skip
            taggings.append((id_, hashed, MODEL, TAXONOMY, "tagged", language, None, run_id))
            novelty.append((id_, MODEL, 0.5, 0.55, None))
            end = -1
            for position, text in enumerate(parts):
                start = 0 if position < 2 else end + 1
                end = start + len(text)
                part = "title" if position == 0 else "text"
                passages.append((f"{id_}-{position}", id_, position, part, start, end, text))
        _insert(db, "documents", documents)
        _insert(db, "taggings", taggings)
        _insert(db, "novelty", novelty)
        _insert(db, "passages", passages)
        _insert(db, "labels", self._labels(run_id))
        _insert(db, "entities", self._entities())
        _insert(db, "revisions", self._revisions())

    def _labels(self, run_id: str) -> list[tuple[Any, ...]]:
        """Return about six labels a document, on the narratives that it speaks of."""
        night = self.world.night[self.start : self.start + self.size]
        spoken = self.rng.random((self.size, len(NARRATIVES))) < self.world.carried[night]
        width = 1 + _SENTENCES
        said = self.rng.random((self.size, width, len(NARRATIVES))) < 0.36
        place, position, narrative = np.nonzero(said & spoken[:, None, :])
        count = len(place)
        sure = np.round(self.rng.beta(6, 2, count), 4)
        stance_sure = np.round(self.rng.beta(5, 2, count), 4)
        leaning = self.rng.random(count) + 0.1 * (narrative % 3)
        stance = np.digitize(leaning, (0.5, 0.8))
        claim = self.rng.random(count) < 0.05
        return [
            (f"{self.ids[a]}-{b}", self.ids[a], NARRATIVES[c].id, p, STANCES[s], q, k, MODEL,
             TAXONOMY, run_id)
            for a, b, c, p, s, q, k in zip(
                place.tolist(), position.tolist(), narrative.tolist(), sure.tolist(),
                stance.tolist(), stance_sure.tolist(), claim.astype(int).tolist(), strict=True,
            )
        ]  # fmt: skip

    def _entities(self) -> list[tuple[Any, ...]]:
        weights = 1.0 / (np.arange(len(NAMES)) + 2.0)
        picks = self.rng.choice(len(NAMES), (self.size, 2), p=weights / weights.sum())
        both = self.rng.random(self.size) < 0.5
        return [
            (id_, text, label, asset, 1 + place % 3)
            for place, (id_, pair) in enumerate(zip(self.ids, picks.tolist(), strict=True))
            for text, label, asset in dict.fromkeys(NAMES[k] for k in pair[: 1 + int(both[place])])
        ]

    def _revisions(self) -> list[tuple[str, ...]]:
        revised = np.flatnonzero(self.rng.random(self.size) < 0.03).tolist()
        return [
            (self.ids[k], self.at[k], f"{self.parts[k][0]} (update)", self.parts[k][1])
            for k in revised
        ]


def _insert(db: sqlite3.Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def _timed(what: str, step: Callable[[], object]) -> None:
    started, cpu = time.perf_counter(), time.process_time()
    step()
    spent = time.process_time() - cpu
    print(f"{what}: {time.perf_counter() - started:.0f} s, {spent:.0f} s of CPU", flush=True)


def main(arguments: list[str]) -> None:
    """Write a file and its snapshot, and print how long each took and how large it is."""
    path, documents = Path(arguments[0]), int(arguments[1]) if arguments[1:] else DOCUMENTS
    _timed("write", lambda: write_million(path, documents))
    with Store.open(path) as store:
        print(store.counts())
        _timed("publish", lambda: publish(store))
    for file in (path, path.with_suffix(".site.db")):
        print(f"{file}: {file.stat().st_size / 1e9:.2f} GB")


if __name__ == "__main__":
    main(sys.argv[1:])
