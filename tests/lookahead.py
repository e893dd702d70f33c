"""The same world at two times, and what of the earlier one the later one may not change.

``WORLDS`` holds a world up to a day T and the same world with eight more weeks of documents and
prices, in which everything happens that has changed a past value somewhere before: a document
that was published before T and first seen after it, copies of old stories, a source that joins
with another base rate, an occasional source that becomes a regular one, a price that rests over
T until it is stale, a series that is published a day late.

A *case* turns what is known at one time into rows, by key. :func:`changed` returns the rows of
the earlier world that are other ones, or gone, in the later world.
"""

import dataclasses
import importlib
import inspect
import math
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

import align
from align.archive import Archive
from align.explanation import World
from align.inputs import Built, Inputs, build, world_of
from align.intensity import Measured, measure
from align.market import Market
from align.sessions import SessionCalendar, load_calendar
from store.records import IntensityPoint
from tests import align_world

WEEKS = 8
_DUST = 1e-12
CALENDAR = load_calendar("XNYS", date(2025, 1, 2), align_world.LAST)
Rows = Mapping[Any, Any]
Case = Callable[["Seen"], Rows]
CASES: dict[str, Case] = {}
# An explanation uses the talk of three sessions after the move (timing, causal claims): from
# then on it stands. The flow of blame alone grows for seven.
AFTER = 3
BLAME = 7
RATES = pd.DataFrame(
    [("fed-policy", 50, 40, 200, 4), ("geopolitics", 60, 45, 200, 10)],
    columns=["narrative_id", "positives", "true_positives", "negatives", "false_positives"],
)


def case(*names: str) -> Callable[[Case], Case]:
    """Register the rows of one or more public functions."""

    def register(rows: Case) -> Case:
        CASES.update(dict.fromkeys(names, rows))
        return rows

    return register


@dataclass(frozen=True, eq=False)
class Seen:
    """A world as it was known at one time; all that follows from it is computed when asked.

    ``until`` is T in both worlds: rows are compared up to it.
    """

    inputs: Inputs
    until: date

    @cached_property
    def built(self) -> Built:
        return build(self.inputs)

    @cached_property
    def archive(self) -> Archive:
        assert self.built.archive is not None
        return self.built.archive

    @cached_property
    def market(self) -> Market:
        assert self.built.market is not None
        return self.built.market

    @cached_property
    def measured(self) -> Measured:
        return measure(self.archive, self.inputs.rates, {})

    @property
    def points(self) -> Sequence[IntensityPoint]:
        return self.measured.points

    @cached_property
    def world(self) -> World:
        return world_of(self.built, self.inputs, self.points)

    @property
    def calendar(self) -> SessionCalendar:
        return self.market.calendar

    @property
    def last(self) -> int:
        """Number of T's session in the calendar."""
        return self.calendar.last_on_or_before(self.until)

    def market_rows(self, *, before: int = 0, step: int = 1) -> Iterator[tuple[date, int]]:
        """Yield the last 40 sessions to T, or to some sessions before it, with market rows."""
        last = self.market.row(self.until) - before
        for row in range(last, last - 40, -step):
            yield self.market.closes.index[row].date(), row

    def archive_rows(self) -> Iterator[tuple[date, int]]:
        """Yield the sessions of the archive up to T with their rows."""
        for row in range(len(self.archive.grid.days)):
            if self.archive.day(row) <= self.until:
                yield self.archive.day(row), row


@dataclass(frozen=True, eq=False)
class Worlds:
    """The two times."""

    early: Seen
    late: Seen


def worlds(*, seed: int = 2, sessions: int = 130, weeks: int = WEEKS) -> Worlds:
    """Return a world up to T and with some weeks more."""
    cut = len(CALENDAR.dates) - 5 * weeks
    until = CALENDAR.day(cut - 1)
    # After bitcoin's bar has ended, before SOFR of T is published.
    now = CALENDAR.close(cut - 1) + timedelta(hours=4)
    said = align_world.talk(sessions=sessions, sources=5, per_day=5, seed=seed)
    stories, labels = _joined(said, cut, seed)
    stories = _signed(stories, seed)
    prices = align_world.prices(sessions=330, seed=seed)
    _rest(prices, until)
    copies = _copies(stories, cut)
    everything = align_world.inputs(
        prices,
        align_world.Talk(stories, labels, stories[["source_id", "effective_at"]].copy()),
    )
    everything = dataclasses.replace(everything, copies=copies, rates=RATES)
    return Worlds(Seen(known_by(everything, now), until), Seen(everything, until))


def known_by(inputs: Inputs, now: datetime) -> Inputs:
    """Return what a person had at an instant: the rows that were known, and no others."""
    moment = pd.Timestamp(now)
    assert inputs.copies is not None
    return dataclasses.replace(
        inputs,
        prices=inputs.prices[inputs.prices["known_at"] <= moment].reset_index(drop=True),
        stories=_only(inputs.stories, moment),
        labels=_only(inputs.labels, moment),
        collected=_only(inputs.collected, moment),
        copies=_only(inputs.copies, moment),
        now=now,
    )


def _only(frame: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    return frame[frame["effective_at"] <= moment].reset_index(drop=True)


def _joined(said: align_world.Talk, cut: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add what later weeks bring: a new source, a rare one that stays, a late arrival."""
    rng = np.random.default_rng(seed + 100)
    stories: list[tuple[Any, ...]] = []
    labels: list[tuple[Any, ...]] = []

    def tell(source_id: str, position: int, number: int, rate: float) -> None:
        at = CALENDAR.close(position) - timedelta(minutes=45 + number)
        document_id = f"{source_id}-{position}-{number}"
        stories.append((document_id, source_id, 1.0, at, 1, None, f"Title {document_id}"))
        said = [name for name in align_world.NARRATIVES if rng.random() < rate]
        labels.extend((document_id, name, 0.9, "favor", number % 3 == 0, at) for name in said)

    # Thrice in the twenty sessions before T, which makes nobody regular; every day after it.
    for position in (*range(cut - 16, cut, 6), *range(cut, len(CALENDAR.dates))):
        tell("source-0-rare", position, 1, 0.05)
    for position in range(cut + 2, len(CALENDAR.dates)):
        for number in range(8):
            tell("source-0-new", position, number, 0.3)
    # Published before T, first seen ten sessions after it: it counts then.
    tell("source-1", cut + 10, 99, 1.0)
    both = (
        pd.concat([old, pd.DataFrame(new, columns=list(old.columns))], ignore_index=True)
        for old, new in ((said.stories, stories), (said.labels, labels))
    )
    table, marks = (
        frame.assign(effective_at=pd.to_datetime(frame["effective_at"], utc=True)) for frame in both
    )
    return (
        table.sort_values(["effective_at", "document_id"], ignore_index=True),
        marks.sort_values(["effective_at", "document_id", "narrative_id"], ignore_index=True),
    )


def _signed(stories: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Give the stories voices, pages, dates that are less than sure, and what they are like."""
    rng, n = np.random.default_rng(seed + 200), len(stories)
    many = (stories["source_id"] == "source-2").to_numpy()
    page = np.where(many, rng.integers(0, 9, n).astype(str), stories["source_id"].to_numpy())
    week = np.where(rng.random(n) < 0.2, np.nan, rng.uniform(0.5, 0.9, n))
    hours = pd.to_timedelta(rng.choice([0, 0, 0, 7], n), unit="h")
    return stories.assign(
        author=pd.Series("@loud", index=stories.index).where(rng.random(n) < 0.4, None),
        domain=[f"{name}.example" for name in page],
        nearest_7=week,
        nearest_30=np.fmax(week, rng.uniform(0.5, 0.9, n)),
        published_at=stories["effective_at"] - hours,
        date_source=rng.choice(["feed", "url", "seen"], n),
    )


def _copies(stories: pd.DataFrame, cut: int) -> pd.DataFrame:
    """Return copies of stories of the last days before T: one at once, others after T."""
    told = stories[stories["effective_at"] < pd.Timestamp(CALENDAR.close(cut - 1))].tail(60)
    at_once = told["effective_at"] + pd.Timedelta(minutes=1)
    later = told["effective_at"] + pd.Timedelta(days=6)
    ids = told["document_id"]
    return pd.DataFrame(
        {
            "document_id": pd.concat([ids, ids], ignore_index=True),
            "effective_at": pd.concat([at_once, later], ignore_index=True),
        }
    ).sort_values("effective_at", ignore_index=True)


def _rest(prices: pd.DataFrame, until: date) -> None:
    """Let copper rest from two sessions before T to four after it: later it is stale."""
    mine = (prices["asset_id"] == "CPER").to_numpy()
    days = prices.loc[mine, "date"].to_numpy()
    place = int(np.searchsorted(days, np.datetime64(until)))
    rows = np.flatnonzero(mine)[place - 2 : place + 5]
    prices.loc[rows, "close"] = float(prices["close"].iloc[rows[0]])


def changed(early: Rows, late: Rows) -> list[Any]:
    """Return the keys of the earlier rows whose value is another one later, or gone."""
    return [key for key, value in early.items() if key not in late or not same(late[key], value)]


def same(left: Any, right: Any) -> bool:
    """Return whether two values are one: NaN equals NaN, and floats agree to twelve digits.

    A sum over more columns, of which the new ones are zero, may end in another last digit.
    """
    if isinstance(left, np.ndarray):
        near = partial(np.allclose, rtol=_DUST, atol=_DUST, equal_nan=True)
        alike = near if left.dtype.kind == "f" else np.array_equal
        return left.shape == right.shape and bool(alike(left, right))
    if isinstance(left, float) and isinstance(right, float):
        both_missing = math.isnan(left) and math.isnan(right)
        return both_missing or math.isclose(left, right, rel_tol=_DUST, abs_tol=_DUST)
    if dataclasses.is_dataclass(left) and type(left) is type(right):
        names = [field.name for field in dataclasses.fields(left)]
        return all(same(getattr(left, name), getattr(right, name)) for name in names)
    if isinstance(left, Mapping):
        return list(left) == list(right) and all(same(left[name], right[name]) for name in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def rows_of(frame: pd.DataFrame, until: date) -> Rows:
    """Return the known cells of a frame by session up to T: what is missing is no row."""
    part = frame.loc[: pd.Timestamp(until)]
    return {
        (name, pd.Timestamp(str(day)).date()): value
        for name in part.columns
        for day, value in part[name].dropna().items()
    }


def public_functions() -> set[str]:
    """Return every public function and method of ``align``, as ``module.name``."""
    found = set()
    for info in pkgutil.iter_modules(align.__path__):
        module = importlib.import_module(f"align.{info.name}")
        for name, thing in vars(module).items():
            mine = getattr(thing, "__module__", None) == module.__name__
            if name.startswith("_") or not mine:
                continue
            if inspect.isfunction(inspect.unwrap(thing)) and not inspect.isclass(thing):
                found.add(f"{info.name}.{name}")
            elif inspect.isclass(thing):
                found |= {
                    f"{info.name}.{name}.{method}"
                    for method, code in vars(thing).items()
                    if not method.startswith("_") and inspect.isfunction(code)
                }
    return found
