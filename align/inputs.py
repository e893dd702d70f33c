"""The frames that a run starts from, their digest, and what is built from them.

Pure: ``run.py`` reads the frames, this module puts them on one clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b

import numpy as np
import pandas as pd

from align.archive import ANSWERED, Archive, build_archive, with_reach
from align.catalogue import (
    asset_words,
    episode_moves,
    load_episodes,
    signature_library,
    source_digest,
    weights,
)
from align.errors import AlignError
from align.explanation import World, count_text
from align.found import FoundOn, found_days, since_found
from align.intensity import measure_intensity
from align.market import Market, build_market
from align.plumbing import plumbing_series
from align.sessions import NEW_YORK, SessionCalendar, load_calendar
from align.signatures import resolve
from store.records import Asset, IntensityPoint, Narrative, without_legs

# Price history before the first episode: three years of placebo days and volatility.
_HISTORY_BEFORE = timedelta(days=3 * 365)
# Sessions beyond the last stamp: dates of falsifiers lie there. Never further.
_BEYOND = timedelta(days=40)
# exchange_calendars gives New York from here on; older documents are left out.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inputs:
    """What the store holds, as ``store.frames`` gives it, up to ``now``.

    ``copies`` may be missing: the stories' own number of copies then stands. ``after`` is the
    session up to whose close documents and requests were left out; None: nothing was.
    """

    prices: pd.DataFrame
    stories: pd.DataFrame
    labels: pd.DataFrame
    collected: pd.DataFrame
    fetch_log: pd.DataFrame
    assets: Sequence[Asset]
    narratives: Sequence[Narrative]
    now: datetime
    rates: pd.DataFrame | None = None
    bulk_files: pd.DataFrame | None = None
    copies: pd.DataFrame | None = None
    after: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Built:
    """Prices and stories on New York sessions; either may be missing."""

    market: Market | None
    archive: Archive | None
    listed: Sequence[str]


def limit(inputs: Inputs, now: datetime | None) -> Inputs:
    """Return the inputs as they were known at an instant; None: by the last stamp of all."""
    if now is None:
        stamps = [
            frame[name].max()
            for frame, name in ((inputs.prices, "known_at"), (inputs.collected, "effective_at"))
            if len(frame)
        ]
        latest = max(stamps, default=pd.Timestamp(_EARLIEST))
        now = pd.Timestamp(latest).to_pydatetime()
    oldest = pd.Timestamp(min(episode.date for episode in load_episodes()) - _HISTORY_BEFORE)
    log, files = inputs.fetch_log, inputs.bulk_files
    return Inputs(
        prices=inputs.prices[inputs.prices["date"] >= oldest],
        stories=_between(inputs.stories, now),
        labels=_between(inputs.labels, now),
        collected=_between(inputs.collected, now),
        fetch_log=log[log["fetched_at"] <= pd.Timestamp(now)],
        assets=inputs.assets,
        narratives=inputs.narratives,
        now=now,
        rates=inputs.rates,
        bulk_files=None if files is None else files[files["fetched_at"] <= pd.Timestamp(now)],
        copies=None if inputs.copies is None else _between(inputs.copies, now),
        after=inputs.after,
    )


def digest(inputs: Inputs, since: datetime | None = None) -> str:
    """Return a digest of all that the results depend on: code, inputs, last closed session.

    Parameters
    ----------
    since : datetime, optional
        Documents and requests from before it are left out, whether they were read or not.
    """
    hasher = blake2b(digest_size=16)
    calendar = _calendar(inputs)
    closed = 0 if calendar is None else int((calendar.closes <= _nanoseconds(inputs.now)).sum())
    assets = with_derived(inputs.assets)
    hasher.update(repr((source_digest(), assets, inputs.narratives, closed)).encode())
    texts = [_since(one, since) for one in (inputs.stories, inputs.labels, inputs.collected)]
    for frame in (inputs.prices, *texts):
        hasher.update(repr((len(frame), list(frame.columns))).encode())
        hasher.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    extras = [one for one in (inputs.bulk_files, inputs.copies) if one is not None]
    extras = [_since(one, since) for one in extras]
    for extra in (_answered(inputs, calendar, since), inputs.rates, *extras):
        if extra is not None and len(extra):
            hasher.update(pd.util.hash_pandas_object(extra, index=False).to_numpy().tobytes())
    return hasher.hexdigest()


def _answered(
    inputs: Inputs, calendar: SessionCalendar | None, since: datetime | None
) -> pd.DataFrame | None:
    """Return which source answered on which session; hours differ in every run."""
    log = _since(inputs.fetch_log[inputs.fetch_log["outcome"].isin(ANSWERED)], since)
    if calendar is None or log.empty or inputs.collected.empty:
        return None
    sessions = calendar.positions(log["fetched_at"])
    # Of a session without a document yet nothing is counted.
    known = sessions <= calendar.positions(inputs.collected["effective_at"]).max()
    dates = calendar.dates[np.where(known, sessions, 0)]
    return pd.DataFrame(
        {"source_id": log["source_id"].to_numpy()[known], "session": dates[known].astype("int64")}
    ).drop_duplicates()


def build(inputs: Inputs) -> Built:
    """Put the inputs on one grid of sessions."""
    calendar = _calendar(inputs)
    listed = [asset.id for asset in without_legs(inputs.assets)]
    if not listed:
        stored = {asset.id for asset in with_derived(inputs.assets)}
        listed = [name for name in asset_words().core if name in stored]
    if calendar is None:
        return Built(market=None, archive=None, listed=listed)
    stories = inputs.stories
    if inputs.copies is not None:
        stories = with_reach(stories, inputs.copies, calendar)
    archive = build_archive(
        stories,
        inputs.labels,
        inputs.collected,
        calendar,
        [narrative.id for narrative in inputs.narratives],
        now=inputs.now,
        fetch_log=inputs.fetch_log,
        bulk_files=inputs.bulk_files,
        after=inputs.after,
    )
    market = None
    if len(inputs.prices):
        legs = [name for choices in signature_library().legs.values() for name in choices]
        spreads = [name for name in legs if _pair(name)]
        market = build_market(inputs.prices, with_derived(inputs.assets), calendar, spreads=spreads)
    return Built(market=market, archive=archive, listed=listed)


def world_of(built: Built, inputs: Inputs, points: Sequence[IntensityPoint] | None = None) -> World:
    """Return the world of an explanation.

    Parameters
    ----------
    points : sequence of IntensityPoint, optional
        Of this archive, where they are measured already.

    Raises
    ------
    AlignError
        Without any price.
    """
    if built.market is None:
        raise AlignError(
            "no prices are stored, so no move is known: run 'tapestory prices' or"
            " 'tapestory import prices'"
        )
    columns = list(built.market.changes.columns)
    found_on = found_days(inputs.narratives)
    if points is None:
        points = measure_intensity(built.archive) if built.archive is not None else []
    return World(
        market=built.market,
        archive=built.archive,
        counts=count_text(built.archive, weights()),
        narrative_ids=[narrative.id for narrative in inputs.narratives],
        signatures=resolve(inputs.narratives, signature_library(), columns),
        episodes=load_episodes(),
        episode_moves=episode_moves(),
        listed=built.listed,
        words=asset_words(),
        weights=weights(),
        now=inputs.now,
        innovations=_innovations(points, found_on),
        found_on=found_on,
    )


def _innovations(points: Sequence[IntensityPoint], found_on: FoundOn) -> pd.DataFrame | None:
    """Return innovations by session date and narrative; None without a point."""
    if not points:
        return None
    table = pd.DataFrame(
        [(point.day, point.narrative_id, point.innovation) for point in points],
        columns=["day", "narrative_id", "innovation"],
    )
    table["innovation"] = table["innovation"].astype(float)
    wide = table.pivot_table(index="day", columns="narrative_id", values="innovation", dropna=False)
    wide = wide.set_axis(pd.DatetimeIndex(wide.index).as_unit("ns"), axis=0)
    return since_found(wide, found_on)


def with_derived(assets: Sequence[Asset]) -> list[Asset]:
    """Return the assets with those of :func:`derived_assets`."""
    return [*assets, *derived_assets(assets)]


def derived_assets(assets: Sequence[Asset]) -> list[Asset]:
    """Return SOFR - IORB where the settings do not name it but both rates are stored."""
    ids = {asset.id for asset in assets}
    if not {"SOFR", "IORB"} <= ids or "SOFR_IORB" in ids:
        return []
    return [
        Asset(
            id="SOFR_IORB",
            name="SOFR minus IORB",
            asset_class="funding",
            unit="spread_bp",
            source="derived:SOFR-IORB",
            listed=False,
        )
    ]


def needed_assets(assets: Sequence[Asset], narratives: Sequence[Narrative]) -> list[str]:
    """Return the stored assets that any statistic looks at; an import may hold hundreds more."""
    stored = {asset.id for asset in assets}
    wanted = {asset.id for asset in assets if asset.listed} | set(asset_words().core)
    library = signature_library()
    for choices in library.legs.values():
        # The preferred series alone, where it is stored: the others only stand in for it.
        first = next((name for name in choices if set(_pair(name) or (name,)) <= stored), None)
        wanted |= set(_pair(first) or (first,)) if first else set()
    for narrative in narratives:
        for leg in (*narrative.signature, *narrative.core):
            wanted |= {leg, *(_pair(leg) or ())}
    wanted |= set(weights()["analogs"]["assets"]) | set(plumbing_series())
    wanted |= {leg for rule in weights()["falsify"] for leg in rule["legs"]}
    for asset in with_derived([asset for asset in assets if asset.id in stored]):
        wanted |= set(asset.legs)
    return sorted(wanted & stored)


def _pair(name: str) -> tuple[str, str] | None:
    """Return the two assets of a spread."""
    parts = name.replace("/", "-").split("-")
    return (parts[0], parts[1]) if len(parts) == 2 else None


def _between(frame: pd.DataFrame, now: datetime) -> pd.DataFrame:
    stamps = frame["effective_at"]
    inside = (stamps >= pd.Timestamp(_EARLIEST)) & (stamps <= pd.Timestamp(now))
    return frame[inside].reset_index(drop=True)


def _since(frame: pd.DataFrame, since: datetime | None) -> pd.DataFrame:
    """Return the rows from an instant on."""
    if since is None:
        return frame
    name = "effective_at" if "effective_at" in frame else "fetched_at"
    return frame[frame[name] >= pd.Timestamp(since)]


def _calendar(inputs: Inputs) -> SessionCalendar | None:
    """Return New York from before the first stamp to a little past the last one."""
    dates: list[date] = []
    for frame, name in (
        (inputs.prices, "as_of"),
        (inputs.prices, "date"),
        (inputs.collected, "effective_at"),
        (inputs.fetch_log, "fetched_at"),
    ):
        if len(frame):
            dates += [frame[name].min().date(), frame[name].max().date()]
    if not dates:
        return None
    dates += [inputs.after] if inputs.after is not None else []
    first = max(min(dates) - timedelta(days=14), _EARLIEST.date())
    return load_calendar(NEW_YORK, first, max(dates) + _BEYOND)


def _nanoseconds(instant: datetime) -> int:
    return int(pd.Timestamp(instant).as_unit("ns").value)
