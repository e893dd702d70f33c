"""The stage: intensity for every day, the scan, and explanations, written only when they differ.

The one module of ``align/`` that uses the store.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from align.archive import Archive, build_archive
from align.errors import AlignError
from align.explain import World, count_text, days_to_explain, explain_day
from align.intensity import measure_intensity
from align.library import asset_words, load_episodes, signature_library, weights
from align.market import Market, build_market
from align.scan_points import scan_points
from align.sessions import NEW_YORK, SessionCalendar, load_calendar
from align.signatures import resolve
from store.records import (
    Asset,
    Explanation,
    Failure,
    StageReport,
)

if TYPE_CHECKING:
    from store import Store

Progress = Callable[..., Any] | None
# Price history before the first episode: three years of placebo days and volatility.
_HISTORY_BEFORE = timedelta(days=3 * 365)
# Sessions beyond the last one: dates of falsifiers lie there. Never further.
_BEYOND = timedelta(days=40)
# exchange_calendars gives New York from here on; older documents are left out.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def align(store: "Store", *, now: datetime, progress: Progress = None) -> StageReport:
    """Bring intensity, alignments, episodes and stored explanations up to date.

    One transaction; nothing is written when nothing changed. Intensity is appended, never
    rewritten; the scan and the explanations are replaced.

    Parameters
    ----------
    now : datetime
        Documents and prices that become public later are not looked at.
    """
    run = store.runs.begin(
        "align",
        now=now,
        settings={"weights": weights()["version"], "signatures": signature_library().version},
    )
    notes = []
    world = _load(store, now)
    points = measure_intensity(world.archive) if world.archive is not None else []
    cells = scan_points(world.archive, world.market, points, world.listed)
    explained, failed = _explanations(store, world, progress)
    if world.archive is None:
        notes.append("no labelled documents yet: nothing to align")
    if world.market is None:
        notes.append("no prices yet: intensity only")
    results = store.results
    counts = {"intensity": 0, "alignments": 0, "episodes": 0, "explanations": 0}
    with store.transaction():
        counts["episodes"] = results.sync_episodes(world.episodes)
        if results.changed_intensity(points):
            counts["intensity"] = results.add_intensity(points, seen_at=now, run_id=run.id)
        if cells and results.alignments_differ(cells):
            results.replace_alignments(cells, run_id=run.id)
            counts["alignments"] = len(cells)
        if explained and results.explanations_differ(explained, days=1):
            counts["explanations"] = results.save_explanations(explained, days=1, run_id=run.id)
        for failure in failed:
            run.fail(failure)
        run.finish(now=now, counts=counts, code=3 if failed else 0)
    return StageReport(stage="align", counts=counts, failures=len(failed), notes=notes)


def explain(
    store: "Store", day: date, *, days: int = 1, now: datetime | None = None
) -> Explanation:
    """Explain the move of a day, or of ``days`` sessions that end there; writes nothing.

    Parameters
    ----------
    now : datetime, optional
        As it was known then; default: by all that is stored.

    Raises
    ------
    AlignError
        When there are no prices, or they do not cover the day.
    """
    world = _load(store, now or _latest(store), until=day)
    return explain_day(world.complete(), day, days=days, passages=store.frames.quotes)


def _latest(store: "Store") -> datetime:
    """Return the instant by which all that is stored was known."""
    prices, collected = store.frames.prices(_needed(store.assets.all())), store.frames.collected()
    stamps = [
        frame[name].max()
        for frame, name in ((prices, "known_at"), (collected, "effective_at"))
        if len(frame)
    ]
    latest = max(stamps, default=pd.Timestamp(_EARLIEST))
    return pd.Timestamp(latest).to_pydatetime()


class _Loaded:
    """What was read from the store; prices or documents may be missing."""

    def __init__(
        self, store: "Store", now: datetime, market: Market | None, archive: Archive | None
    ) -> None:
        self.now, self.market, self.archive = now, market, archive
        self.narratives = store.narratives.all()
        self.episodes = load_episodes()
        known = store.assets.all()
        listed = [asset.id for asset in known if asset.listed]
        stored = {asset.id for asset in known}
        self.listed = listed or [name for name in asset_words().core if name in stored]

    def complete(self) -> World:
        """Return the world of an explanation.

        Raises
        ------
        AlignError
            Without any price.
        """
        if self.market is None:
            raise AlignError(
                "no prices are stored, so no move is known: run 'tapestory prices' or"
                " 'tapestory import prices'"
            )
        return World(
            market=self.market,
            archive=self.archive,
            counts=count_text(self.archive, weights()),
            narrative_ids=[narrative.id for narrative in self.narratives],
            signatures=resolve(
                self.narratives, signature_library(), list(self.market.changes.columns)
            ),
            episodes=self.episodes,
            listed=self.listed,
            words=asset_words(),
            weights=weights(),
            now=self.now,
        )


def _load(store: "Store", now: datetime, until: date | None = None) -> _Loaded:
    """Read prices, stories and labels as they were known by ``now``."""
    frames = store.frames
    assets = _with_derived(store.assets.all())
    prices = frames.prices(_needed(assets), known_by=now)
    oldest = pd.Timestamp(min(episode.date for episode in load_episodes()) - _HISTORY_BEFORE)
    prices = prices[prices["date"] >= oldest]
    collected = _since(frames.collected(), now)
    stories, labels = _since(frames.stories(), now), _since(frames.labels(), now)
    log = frames.fetch_log()
    calendar = _calendar(prices, collected, log, until)
    narrative_ids = [narrative.id for narrative in store.narratives.all()]
    if calendar is None:
        return _Loaded(store, now, None, None)
    archive = build_archive(
        stories,
        labels,
        collected,
        calendar,
        narrative_ids,
        now=min(now, calendar.close(len(calendar.dates) - 1)),
        fetch_log=log,
    )
    spreads = [name for choices in signature_library().legs.values() for name in choices]
    market = (
        build_market(prices, assets, calendar, spreads=[name for name in spreads if _legs(name)])
        if len(prices)
        else None
    )
    return _Loaded(store, now, market, archive)


def _since(frame: pd.DataFrame, now: datetime) -> pd.DataFrame:
    stamps = frame["effective_at"]
    return frame[(stamps >= pd.Timestamp(_EARLIEST)) & (stamps <= pd.Timestamp(now))]


def _calendar(
    prices: pd.DataFrame, collected: pd.DataFrame, log: pd.DataFrame, until: date | None
) -> SessionCalendar | None:
    """Return New York from before the first stamp to a little past the last one."""
    stamps = [
        *(
            frame[name].agg(["min", "max"])
            for frame, name in ((prices, "as_of"), (collected, "effective_at"), (log, "fetched_at"))
            if len(frame)
        ),
    ]
    if not stamps:
        return None
    first = min(pair.iloc[0] for pair in stamps).date()
    last = max(pair.iloc[1] for pair in stamps).date()
    if len(prices):
        first = min(first, prices["date"].min().date())
    if until is not None:
        last = max(last, min(until, last + _BEYOND))
    return load_calendar(
        NEW_YORK, max(first - timedelta(days=14), _EARLIEST.date()), last + _BEYOND
    )


def _legs(name: str) -> tuple[str, str] | None:
    """Return the two assets of a spread leg."""
    parts = name.replace("/", "-").split("-")
    return (parts[0], parts[1]) if len(parts) == 2 else None


def _with_derived(assets: Sequence[Asset]) -> list[Asset]:
    """Add SOFR - IORB where the settings do not name it but both rates are stored."""
    ids = {asset.id for asset in assets}
    found = list(assets)
    if {"SOFR", "IORB"} <= ids and "SOFR_IORB" not in ids:
        found.append(
            Asset(
                id="SOFR_IORB",
                name="SOFR minus IORB",
                asset_class="funding",
                unit="spread_bp",
                source="derived:SOFR-IORB",
                listed=False,
            )
        )
    return found


def _needed(assets: Sequence[Asset]) -> list[str]:
    """Return the assets that any statistic looks at: an import may hold hundreds more."""
    wanted = {asset.id for asset in assets if asset.listed} | set(asset_words().core)
    library = signature_library()
    for name in [name for choices in library.legs.values() for name in choices]:
        wanted |= set(_legs(name) or (name,))
    wanted |= {leg for core in library.core.values() for leg in core}
    wanted |= set(weights()["analogs"]["assets"])
    for asset in assets:
        if asset.source.startswith("derived:"):
            wanted |= set(_legs(asset.source.removeprefix("derived:")) or ())
    return sorted(wanted & {asset.id for asset in assets} | {"SOFR", "IORB"})


def _explanations(
    store: "Store", loaded: _Loaded, progress: Progress
) -> tuple[list[Explanation], list[Failure]]:
    """Explain the recent sessions and the largest moves among those with documents."""
    if loaded.market is None or loaded.archive is None or not loaded.narratives:
        return [], []
    world = loaded.complete()
    days = days_to_explain(world)
    bar = progress(days, "explain") if progress is not None and days else days
    found, failed = [], []
    for day in bar:
        try:
            found.append(explain_day(world, day, passages=store.frames.quotes))
        except AlignError as error:
            failed.append(
                Failure(
                    stage="align",
                    item=day.isoformat(),
                    kind=type(error).__name__,
                    message=str(error),
                    advice=f"look at the prices of {day}: tapestory explain DB {day}",
                )
            )
    return found, failed
