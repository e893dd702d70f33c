"""One crash, twelve suspects: who was talked about before, who after, and what the assets did.

Talk: base shares U(.01, .10), 300 stories a day from six sources, daily share
Beta(λn/1.8² + .5, (1 - λ)n/1.8² + .5). A cause is told ``factor`` times as much from
``before`` sessions before the move, with it, and after it; four followers four times as much
after it. Prices: every suspect has a random vector of signs over six of twelve legs; the crash is
``size`` sigma long and has a cosine of N(.6, .2) with the vector of its cause.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.archive import Archive, build_archive
from align.catalogue import asset_words, weights
from align.explanation import World, count_text
from align.market import Market
from align.sessions import SessionCalendar, load_calendar
from align.signatures import Signature
from store.records import Asset

Array = NDArray[np.float64]
SUSPECTS = tuple(f"suspect-{number:02d}" for number in range(12))
LEGS = tuple(f"LEG{number:02d}" for number in range(12))
STORIES, SOURCES = 300, 6
HISTORY, AFTER = 120, 3
PRICES = 400
_OVERDISPERSION = 1.8


@dataclass(frozen=True, kw_only=True)
class Crash:
    """One simulated crash.

    Attributes
    ----------
    causes, followers : sequence of int
        Suspects by number; both may be empty.
    factor : float
        How much more a cause is told.
    before : int
        Sessions before the move in which it is told so.
    """

    causes: Sequence[int]
    followers: Sequence[int]
    factor: float = 2.0
    before: int = 5
    size: float = 5.0
    shares: Array = field(default_factory=lambda: np.empty((0, 0)))


def crash(
    rng: np.random.Generator,
    *,
    factor: float,
    causes: int = 1,
    followers: int = 4,
    before: int = 5,
) -> Crash:
    """Draw who causes and who follows, and the observed daily shares, (n_days, 12)."""
    drawn = rng.permutation(len(SUSPECTS))
    chosen, behind = drawn[:causes].tolist(), drawn[causes : causes + followers].tolist()
    true = np.tile(rng.uniform(0.01, 0.10, len(SUSPECTS)), (HISTORY + 1 + AFTER, 1))
    true[HISTORY - before :, chosen] *= factor
    true[HISTORY + 1 :, behind] *= 4.0
    return Crash(
        causes=chosen, followers=behind, factor=factor, before=before, shares=_observed(rng, true)
    )


def _observed(rng: np.random.Generator, true: Array) -> Array:
    n = STORIES / _OVERDISPERSION**2
    return np.asarray(rng.beta(true * n + 0.5, (1.0 - true) * n + 0.5))


@lru_cache(maxsize=1)
def _calendar() -> SessionCalendar:
    return load_calendar("XNYS", date(2022, 1, 3), date(2025, 12, 31))


def world(rng: np.random.Generator, made: Crash, *, evening: bool = False) -> tuple[World, date]:
    """Return the world of a crash and its day; ``evening``: nothing after it is known."""
    calendar = _calendar()
    row = PRICES - AFTER - 1
    move_at = 500
    first = move_at - HISTORY
    now = calendar.close(move_at + (0 if evening else AFTER)) + timedelta(minutes=30)
    signatures = _signatures(rng)
    market = _market(rng, made, calendar, move_at - row, signatures)
    archive = _archive(rng, made.shares, calendar, first, now)
    return (
        World(
            market=market,
            archive=archive,
            counts=count_text(archive, weights()),
            narrative_ids=SUSPECTS,
            signatures=signatures,
            episodes=(),
            episode_moves={},
            listed=LEGS,
            words=asset_words(),
            weights=weights(),
            now=now,
        ),
        calendar.day(move_at),
    )


def _signatures(rng: np.random.Generator) -> dict[str, Signature]:
    found = {}
    for name in SUSPECTS:
        legs = rng.permutation(len(LEGS))[: len(LEGS) // 2]
        signs = dict.fromkeys(LEGS, 0.0)
        signs |= {LEGS[leg]: float(rng.choice([-1.0, 1.0])) for leg in legs}
        found[name] = Signature(narrative_id=name, signs=signs, core=(), liquid=LEGS)
    return found


def _market(
    rng: np.random.Generator,
    made: Crash,
    calendar: SessionCalendar,
    offset: int,
    signatures: dict[str, Signature],
) -> Market:
    """Return prices with unit volatility, and the crash on the row before the last three."""
    index = pd.DatetimeIndex(calendar.dates[offset : offset + PRICES].astype("datetime64[ns]"))
    moves = rng.normal(size=(PRICES, len(LEGS)))
    moves[PRICES - AFTER - 1] = made.size * _direction(rng, made, signatures)
    changes = pd.DataFrame(0.01 * moves, index=index, columns=list(LEGS))
    ones = pd.DataFrame(1.0, index=index, columns=list(LEGS))
    closes = pd.DatetimeIndex(calendar.closes[offset : offset + PRICES], tz="UTC")
    stamps = pd.DataFrame(dict.fromkeys(LEGS, closes), index=index)
    return Market(
        calendar=calendar,
        offset=offset,
        assets={leg: Asset(id=leg, name=leg, asset_class="equity") for leg in LEGS},
        closes=pd.DataFrame(100.0 * np.exp(np.cumsum(0.01 * moves, axis=0)), index, list(LEGS)),
        changes=changes,
        rate=0.01 * ones,
        elapsed=ones,
        as_of=stamps,
        known_at=stamps,
    )


def _direction(rng: np.random.Generator, made: Crash, signatures: dict[str, Signature]) -> Array:
    """Return a unit vector with the drawn cosine to the mean vector of the causes."""
    noise = rng.normal(size=len(LEGS))
    if not made.causes:
        return np.asarray(noise / np.linalg.norm(noise))
    vectors = [[signatures[SUSPECTS[one]].signs[leg] for leg in LEGS] for one in made.causes]
    aim = np.sum([np.array(vector) / np.linalg.norm(vector) for vector in vectors], axis=0)
    if np.linalg.norm(aim) < 1e-9:  # two causes that undo each other leave no shape
        return np.asarray(noise / np.linalg.norm(noise))
    # Of two causes each has the drawn cosine, as one alone would have.
    nearness = float(np.linalg.norm(aim)) / len(made.causes)
    aim = aim / np.linalg.norm(aim)
    noise -= (noise @ aim) * aim
    cosine = float(np.clip(rng.normal(0.6, 0.2) / max(nearness, 0.1), -1.0, 1.0))
    return np.asarray(cosine * aim + np.sqrt(1 - cosine**2) * noise / np.linalg.norm(noise))


def _archive(
    rng: np.random.Generator, shares: Array, calendar: SessionCalendar, first: int, now: datetime
) -> Archive:
    """Return stories that carry each suspect exactly as often as the shares say."""
    n_days = len(shares)
    day = np.repeat(np.arange(n_days), STORIES)
    number = np.tile(np.arange(STORIES), n_days)
    closes = calendar.closes[first : first + n_days]
    at = pd.to_datetime(closes[day] - (30 + number) * 60_000_000_000, utc=True)
    ids = day * STORIES + number
    stories = pd.DataFrame(
        {
            "document_id": ids,
            "source_id": np.array([f"source-{one}" for one in range(SOURCES)])[number % SOURCES],
            "weight": 1.0,
            "effective_at": at,
            "copies": 1,
            "author": None,
            "title": "",
        }
    )
    counts = np.round(shares * STORIES).astype(int)
    order = rng.permuted(np.tile(np.arange(STORIES), (n_days, len(SUSPECTS), 1)), axis=2)
    carried = order < counts[:, :, None]
    where_day, where_suspect, where_story = np.nonzero(carried)
    place = where_day * STORIES + where_story
    labels = pd.DataFrame(
        {
            "document_id": ids[place],
            "narrative_id": np.array(SUSPECTS)[where_suspect],
            "probability": 0.9,
            "stance": "favor",
            "causal": False,
            "effective_at": at[place],
        }
    )
    built = build_archive(
        stories, labels, stories[["source_id", "effective_at"]], calendar, SUSPECTS, now=now
    )
    assert built is not None
    return built


def naive_ranks(shares: Array) -> dict[str, int]:
    """Return the first suspect by two naive rules and by abnormal talk alone.

    ``after``: z of the mean share of the three sessions after the move; ``growth``: share of the
    session after over that of the session before; ``before``: z of the two sessions to the move.
    """
    past = shares[:HISTORY][-60:]
    mean, spread = past.mean(axis=0), past.std(axis=0, ddof=1)
    after = (shares[HISTORY + 1 :].mean(axis=0) - mean) / spread
    growth = shares[HISTORY + 1] / shares[HISTORY - 1]
    before = (shares[HISTORY - 1 : HISTORY + 1].mean(axis=0) - mean) / spread
    return {
        "after": int(np.argmax(after)),
        "growth": int(np.argmax(growth)),
        "before": int(np.argmax(before)),
    }
