"""Simulated archives: desks that print stories, and what goes wrong with a count of them.

Every narrative of an archive is a replicate of its own: they share the calendar and the
desks, and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.archive import Archive, build_archive
from align.sessions import load_calendar

Array = NDArray[np.float64]
CALENDAR = load_calendar("XNYS", date(2023, 1, 3), date(2026, 4, 1))
FIRST = CALENDAR.last_on_or_before(date(2024, 1, 3))


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A source: stories a day, share of each narrative in them, first day."""

    id: str
    stories: int
    share: float
    start: int = 0


@dataclass(kw_only=True)
class World:
    """Frames of an archive, as the store gives them."""

    n_days: int
    n_narratives: int
    stories: pd.DataFrame
    labels: pd.DataFrame
    collected: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __post_init__(self) -> None:
        if self.collected.empty:
            self.collected = self.stories[["source_id", "effective_at"]].copy()

    @property
    def names(self) -> list[str]:
        return [f"narrative-{number:02}" for number in range(self.n_narratives)]

    def keep(self, rows: NDArray[np.bool_]) -> "World":
        """Return the world in which only some stories were collected."""
        stories = self.stories[rows].reset_index(drop=True)
        labels = self.labels[self.labels["document_id"].isin(stories["document_id"])]
        return World(
            n_days=self.n_days,
            n_narratives=self.n_narratives,
            stories=stories,
            labels=labels.reset_index(drop=True),
        )

    def add(self, stories: pd.DataFrame, narrative: int) -> "World":
        """Return the world with more stories, all of which carry a narrative."""
        labels = _labels(stories, np.arange(len(stories)), np.full(len(stories), narrative))
        both = pd.concat([self.stories, stories]).sort_values(
            ["effective_at", "document_id"], ignore_index=True
        )
        return World(
            n_days=self.n_days,
            n_narratives=self.n_narratives,
            stories=both,
            labels=pd.concat([self.labels, labels], ignore_index=True),
        )

    def archive(self, **options: object) -> Archive:
        """Put the world on its sessions, as of after the last one."""
        found = build_archive(
            self.stories,
            self.labels,
            self.collected,
            CALENDAR,
            self.names,
            now=CALENDAR.close(FIRST + self.n_days - 1) + timedelta(hours=1),
            **options,  # type: ignore[arg-type]
        )
        assert found is not None
        return found


def print_stories(
    rng: np.random.Generator,
    desks: Sequence[Desk],
    n_days: int,
    *,
    n_narratives: int = 12,
    daily: Array | None = None,
    tagger: tuple[float, float] = (1.0, 0.0),
    copied: float = 0.0,
) -> World:
    """Return what desks print.

    Parameters
    ----------
    daily : ndarray of shape (n_days,), optional
        Share of every narrative by day, in place of those of the desks.
    tagger : tuple of float
        True and false positive rate of the labels.
    copied : float
        Share of stories that are copied 5 to 29 times.
    """
    cells = [(day, desk) for day in range(n_days) for desk in desks if day >= desk.start]
    sizes = [desk.stories for _, desk in cells]
    day = np.repeat([day for day, _ in cells], sizes)
    share = np.repeat([desk.share for _, desk in cells], sizes)
    number = np.concatenate([np.arange(size) for size in sizes])
    source = np.repeat([desk.id for _, desk in cells], sizes)
    n = len(day)
    closes = CALENDAR.closes[FIRST + day] - (30 + rng.integers(0, 300, n)) * 60_000_000_000
    ids = pd.Series(day).astype(str).str.zfill(4) + "-" + source + "-" + number.astype(str)
    stories = pd.DataFrame(
        {
            "document_id": ids,
            "source_id": source,
            "weight": 1.0,
            "effective_at": pd.to_datetime(closes, utc=True),
            "copies": np.where(rng.random(n) < copied, 1 + rng.integers(5, 30, n), 1),
            "author": None,
            "title": "Title " + ids,
            "domain": source,
        }
    )
    truth = rng.random((n, n_narratives)) < (share if daily is None else daily[day])[:, None]
    chance = np.where(truth, tagger[0], tagger[1])
    story, narrative = np.nonzero(rng.random((n, n_narratives)) < chance)
    labels = _labels(stories, story, narrative)
    order = np.lexsort([stories["document_id"], stories["effective_at"]])
    return World(
        n_days=n_days,
        n_narratives=n_narratives,
        stories=stories.iloc[order].reset_index(drop=True),
        labels=labels,
    )


def _labels(
    stories: pd.DataFrame, story: NDArray[np.intp], narrative: NDArray[np.intp]
) -> pd.DataFrame:
    names = np.array([f"narrative-{number:02}" for number in range(100)])
    return pd.DataFrame(
        {
            "document_id": stories["document_id"].to_numpy()[story],
            "narrative_id": names[narrative],
            "probability": 0.9,
            "stance": "favor",
            "causal": False,
            "effective_at": stories["effective_at"].array[story],
        }
    )


def flood(
    day: int,
    source: str,
    *,
    posts: int = 500,
    authors: int = 1,
    domain: str | None = "farm.example",
    named: bool = True,
) -> pd.DataFrame:
    """Return posts of one campaign on a day: a few words differ, so none is a copy."""
    number = np.arange(posts)
    at = CALENDAR.close(FIRST + day) - timedelta(minutes=45)
    ids = [f"{day:04}-flood-{source}-{one}" for one in number]
    return pd.DataFrame(
        {
            "document_id": ids,
            "source_id": source,
            "weight": 1.0,
            "effective_at": pd.to_datetime([at] * posts, utc=True),
            "copies": 1,
            "author": [f"@account{one % authors}" if named else None for one in number],
            "title": ids,
            "domain": domain,
        }
    )


def platform(rng: np.random.Generator, world: World, source: str, *, domains: int = 8) -> World:
    """Return the world in which one desk is a place where many people post."""
    stories = world.stories.copy()
    mine = (stories["source_id"] == source).to_numpy()
    who = rng.integers(0, 4 * domains, mine.sum())
    stories.loc[mine, "author"] = [f"@person{one}" for one in who]
    stories.loc[mine, "domain"] = [f"place{one % domains}.example" for one in who]
    return World(
        n_days=world.n_days,
        n_narratives=world.n_narratives,
        stories=stories,
        labels=world.labels,
    )


def autoregression(
    rng: np.random.Generator, phi: float, *, n_series: int, n_days: int = 250
) -> Array:
    """Return AR(1) series of unit shocks after a burn-in, shape (n_series, n_days)."""
    shocks = rng.normal(size=(n_series, n_days + 300))
    out = np.zeros_like(shocks)
    for day in range(1, shocks.shape[1]):
        out[:, day] = phi * out[:, day - 1] + shocks[:, day]
    return out[:, 300:]


def validation(
    rng: np.random.Generator,
    names: Sequence[str],
    *,
    tpr: float = 0.8,
    fpr: float = 0.03,
    positives: int = 150,
    negatives: int = 600,
) -> pd.DataFrame:
    """Return what a tagger did on validation stories, a draw for each narrative."""
    return pd.DataFrame(
        {
            "narrative_id": list(names),
            "positives": positives,
            "true_positives": rng.binomial(positives, tpr, len(names)),
            "negatives": negatives,
            "false_positives": rng.binomial(negatives, fpr, len(names)),
        }
    )


def instant(day: int) -> datetime:
    """Return a moment shortly after the close of a day of the world."""
    return (CALENDAR.close(FIRST + day) + timedelta(hours=1)).astimezone(UTC)
