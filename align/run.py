"""The stage: intensity for every day, the scan, and explanations, written only when they differ.

The one module of ``align/`` that uses the store.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from align.catalogue import asset_words, load_episodes, signature_library, weights
from align.claim_tape import Tape
from align.claims import check_claim
from align.confirmation import confirm, unknown_cells, with_status
from align.episode_moves import episode_moves_text
from align.errors import AlignError
from align.explanation import days_to_explain, explain_day
from align.found import found_days
from align.horizon import LOOKBACK, close_of, horizon_of, is_enough
from align.inputs import (
    Built,
    Inputs,
    build,
    derived_assets,
    digest,
    limit,
    needed_assets,
    with_derived,
    world_of,
)
from align.intensity import Measured, measure
from align.paired import Paired, pair
from align.scan_points import scan_points
from align.sessions import ALWAYS_OPEN
from align.stamps import check_stamps, suspect, without_leads
from align.standing import explanation_digests, stale
from store.records import (
    AlignmentCell,
    CheckedClaim,
    Claim,
    Confirmation,
    Explanation,
    Failure,
    NamedCell,
    StageReport,
    StampCheck,
)

if TYPE_CHECKING:
    from store import Store

_NEW_YORK = ZoneInfo("America/New_York")
Progress = Callable[..., Any] | None
# What a run may write, in this order.
_COUNTED = (
    "intensity",
    "alignments",
    "confirmations",
    "stamp_checks",
    "episodes",
    "explanations",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Night:
    """What was read, and the intensity that follows from it."""

    inputs: Inputs
    built: Built
    measured: Measured


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """What a run computed, before it is written."""

    night: _Night
    paired: Paired | None
    cells: Sequence[AlignmentCell]
    stamps: Sequence[StampCheck]
    confirmations: Sequence[Confirmation]
    explained: Sequence[Explanation]
    digests: Mapping[date, str]
    failed: Sequence[Failure]


def align(
    store: "Store",
    *,
    now: datetime,
    named: Sequence[NamedCell] = (),
    progress: Progress = None,
) -> StageReport:
    """Bring intensity, alignments, confirmations, episodes and explanations up to date.

    One transaction; nothing is written when nothing changed, and nothing is computed when
    the inputs are those of the last finished run. Intensity is appended, never rewritten; the
    scan and the explanations are replaced; a cell that was named stays, whatever comes of it.

    Parameters
    ----------
    now : datetime
        Documents and prices that become public later are not looked at.
    named : sequence of NamedCell
        Cells of the scan that the settings name beforehand.
    """
    counts = dict.fromkeys(_COUNTED, 0)
    results, horizon = store.results, horizon_of(now)
    after = _cut_after(store, horizon)
    inputs = _read(store, now, after)
    settings = {
        "weights": weights()["version"],
        "signatures": signature_library().version,
        "inputs": digest(inputs, horizon),
        "cells": repr(tuple(named)),
    }
    touched = results.touched_since()
    if _last_settings(store) == settings and (touched is None or touched >= horizon):
        return StageReport(stage="align", counts=counts, notes=["nothing new to align"])
    run = store.runs.begin("align", now=now, settings=settings)
    found = _find(store, _measured(store, inputs, named), named, (horizon, now), progress)
    with store.transaction():
        # Asked for when something is written: a run without an effect leaves no row.
        _write(store, found, counts, run_id=lambda: run.id, now=now)
        for failure in found.failed:
            run.fail(failure)
        run.finish(now=now, counts=counts, code=3 if found.failed else 0)
    notes = [*_notes(found.night.built), *unknown_cells(named, found.paired), *_survival(store)]
    return StageReport(stage="align", counts=counts, failures=len(found.failed), notes=notes)


def _find(
    store: "Store",
    night: _Night,
    named: Sequence[NamedCell],
    span: tuple[datetime, datetime],
    progress: Progress,
) -> _Found:
    """Compute all that rests on intensity; writes nothing."""
    built = night.built
    fear = weights()["confirmation"]["volatility"]
    found_on = found_days(night.inputs.narratives)
    paired = pair(built.archive, built.market, night.measured, built.listed, fear, found_on)
    cells = scan_points(paired)
    stamps, early = _stamp_checks(store, built, span)
    if early:
        # Before anything is named: a lead that stamps may have made is nothing to re-test.
        cells = without_leads(cells)
    confirmations = confirm(store.confirmations.all(), paired, cells, named, weights())
    explained, digests, failed = _explanations(store, night, progress)
    return _Found(
        night=night,
        paired=paired,
        cells=with_status(cells, confirmations, found_on),
        stamps=stamps,
        confirmations=confirmations,
        explained=explained,
        digests=digests,
        failed=failed,
    )


def _write(
    store: "Store",
    found: _Found,
    counts: dict[str, int],
    *,
    run_id: Callable[[], str],
    now: datetime,
) -> None:
    """Write what differs from what is stored, and count it."""
    results, night = store.results, found.night
    # A move refers to its asset: the derived spread needs a row, too.
    store.assets.sync(derived_assets(night.inputs.assets))
    counts["episodes"] = results.sync_episodes(load_episodes())
    fresh = [point for day in night.measured.fresh for point in day.points]
    if results.changed_intensity(fresh):
        counts["intensity"] = results.add_intensity(fresh, seen_at=now, run_id=run_id())
    results.keep_days(night.measured.fresh)
    if found.stamps != store.stamp_checks.all():
        counts["stamp_checks"] = store.stamp_checks.replace(
            found.stamps, checked_at=now, run_id=run_id()
        )
    if found.cells and results.alignments_differ(found.cells):
        results.replace_alignments(found.cells, run_id=run_id())
        counts["alignments"] = len(found.cells)
    if store.confirmations.changed(found.confirmations):
        counts["confirmations"] = store.confirmations.save(
            found.confirmations, now=now, run_id=run_id()
        )
    if results.explanations_differ(found.explained, days=1, digests=found.digests):
        counts["explanations"] = results.save_explanations(
            found.explained, days=1, run_id=run_id(), digests=found.digests
        )
    results.seen()


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
    night = _measured(store, _read(store, now))
    world = world_of(night.built, night.inputs, night.measured.points)
    return explain_day(world, day, days=days, passages=store.frames.quotes)


def measure_episodes(store: "Store") -> str:
    """Return ``episode_moves.toml`` as the stored prices give it; writes nothing.

    Raises
    ------
    AlignError
        Without any price.
    """
    inputs = _read(store, None)
    market = build(inputs).market
    if market is None:
        raise AlignError("no prices are stored, so no episode can be measured: import some")
    return episode_moves_text(market, load_episodes(), signature_library(), weights())


def check(
    store: "Store",
    claims: Sequence[Claim],
    days: Sequence[tuple[date, int]] = (),
    *,
    now: datetime | None = None,
) -> list[CheckedClaim]:
    """Check statements against the prices, for each day that the text may speak of.

    Parameters
    ----------
    days : sequence of (date, sessions)
        Of each only what was public by midnight in New York is looked at; default: the last
        day with a close.
    now : datetime, optional
        As it was known then; default: by all that is stored.

    Returns
    -------
    list of CheckedClaim
        In the order of the claims, each with its days in the order given.

    Raises
    ------
    AlignError
        When there are no prices at all.
    """
    assets = with_derived(store.assets.all())
    wanted = _series_of(claims) & {asset.id for asset in assets}
    wanted |= {leg for asset in assets if asset.id in wanted for leg in asset.legs}
    found: list[list[CheckedClaim]] = []
    for day, sessions in days or [(_last_day(store, sorted(wanted), now), 1)]:
        midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), _NEW_YORK)
        known_by = min(midnight, now) if now is not None else midnight
        frames, names = store.frames, sorted(wanted)
        tape = Tape(
            frames.prices(names, known_by=known_by),
            assets,
            frames.ranges(names, known_by=known_by),
        )
        found.append([check_claim(claim, tape, day, sessions) for claim in claims])
    return [one for of_claim in zip(*found, strict=True) for one in of_claim]


def _series_of(claims: Sequence[Claim]) -> set[str]:
    """Return the series that claims may be about, and those that stand for all assets."""
    names = set(asset_words().core)
    for claim in claims:
        for subject in (*claim.subjects, *claim.others):
            names |= {*subject.assets, *subject.proxies}
    return names


def _last_day(store: "Store", names: Sequence[str], now: datetime | None) -> date:
    """Return the last day with a close of an asset that keeps sessions."""
    every_day = {asset.id for asset in store.assets.all() if asset.calendar == ALWAYS_OPEN}
    prices = store.frames.prices(names, known_by=now)
    if prices.empty:
        prices = store.frames.prices(known_by=now)
    if prices.empty:
        raise AlignError("no prices are stored: run 'tapestory prices' or import some")
    sessions = prices[~prices["asset_id"].isin(every_day)]
    found: date = pd.Timestamp((sessions if len(sessions) else prices)["date"].max()).date()
    return found


def _cut_after(store: "Store", horizon: datetime) -> date | None:
    """Return the session after which a night may begin to read; None to read everything."""
    touched = store.results.touched_since()
    if touched is not None and touched < horizon:
        return None
    return store.results.last_kept_day(horizon.date())


def _read(store: "Store", now: datetime | None, after: date | None = None) -> Inputs:
    """Read what the store holds, as it was known by ``now``; of documents what counts after."""
    frames, assets, narratives = store.frames, store.assets.all(), store.narratives.all()
    since = None if after is None else close_of(after)
    everything = Inputs(
        prices=frames.prices(needed_assets(assets, narratives), known_by=now),
        stories=frames.stories(since=since),
        labels=frames.labels(since=since),
        collected=frames.collected(since=since),
        fetch_log=frames.fetch_log(since=since),
        rates=frames.rates(),
        bulk_files=frames.bulk_files(since=since),
        assets=assets,
        narratives=narratives,
        now=now or datetime.max.replace(tzinfo=UTC),
        copies=frames.copies(since=since),
        after=after,
    )
    return limit(everything, now)


def _measured(store: "Store", inputs: Inputs, named: Sequence[NamedCell] = ()) -> _Night:
    """Return the intensity, from everything where what was read is not enough for it."""
    built = build(inputs)
    nothing = Measured(points=[], fresh=[], digests=[], volume=np.empty(0))
    if built.archive is None:
        whole = _Night(inputs=inputs, built=built, measured=nothing)
        return whole if inputs.after is None else _measured(store, _read(store, inputs.now), named)
    kept = store.results.intensity_days(inputs.after)
    measured = measure(built.archive, inputs.rates, kept)
    before = store.confirmations.all()
    known = {one.cell for one in before}
    since = [one.named_at for one in before if one.status == "open"]
    since += [one.named for one in named if (one.narrative_id, one.asset_id, one.lag) not in known]
    if not is_enough(built.archive, measured.fresh, kept, since):
        return _measured(store, _read(store, inputs.now), named)
    return _Night(inputs=inputs, built=built, measured=measured)


def _stamp_checks(
    store: "Store", built: Built, span: tuple[datetime, datetime]
) -> tuple[list[StampCheck], bool]:
    """Check the stamps of what a night reads; return whether leads cannot be tested.

    In the order in which the store gives them back.
    """
    horizon, now = span
    stamps = store.frames.stamps(since=horizon)
    known = stamps[stamps["effective_at"] <= now].reset_index(drop=True)
    seed = weights()["bootstrap"]["seed"]
    mentions = store.frames.mentions(since=horizon)
    found = check_stamps(known, mentions, built.market, seed=seed)
    found.sort(key=lambda one: (one.source_id is not None, one.source_id or "", one.check))
    return found, suspect(found, known)


def _last_settings(store: "Store") -> dict[str, str] | None:
    """Return the settings of the last run of this stage, when it ended well."""
    for row in store.runs.latest():
        if row["stage"] == "align" and row["status"] == "done" and row["code"] == 0:
            found: dict[str, str] = json.loads(row["settings"])
            return found
    return None


def _notes(built: Built) -> list[str]:
    notes = []
    if built.archive is None:
        notes.append("no documents yet: nothing to align")
    if built.market is None:
        notes.append("no prices yet: intensity only")
    return notes


def _survival(store: "Store") -> list[str]:
    """Say how many of the cells that were named beforehand held on later sessions."""
    found = store.confirmations.survival()
    closed = found["confirmed"] + found["not_confirmed"]
    if not closed:
        return []
    return [
        f"cells named beforehand: {found['confirmed']} of {closed} held on the sessions after"
        f" their naming, {found['open']} still open"
    ]


def _explanations(
    store: "Store", night: _Night, progress: Progress
) -> tuple[list[Explanation], dict[date, str], list[Failure]]:
    """Explain the recent sessions and the largest moves among those with documents.

    Only those whose explanation rests on something else by now; with the digest of each.
    """
    built, inputs = night.built, night.inputs
    if built.market is None or built.archive is None or not inputs.narratives:
        return [], {}, []
    world = world_of(built, inputs, night.measured.points)
    wanted = days_to_explain(world, LOOKBACK if built.archive.cut else 0)
    digests = explanation_digests(built, inputs, night.measured.digests, wanted)
    days = stale(digests, store.results.explanation_digests(days=1))
    found, failed = [], []
    for day in progress(days, "explain") if progress is not None and days else days:
        try:
            found.append(explain_day(world, day, passages=store.frames.quotes))
        except AlignError as error:
            failed.append(
                Failure(
                    stage="align",
                    item=day.isoformat(),
                    kind=type(error).__name__,
                    message=str(error),
                    advice=f"look at the prices around {day}, then run 'tapestory align' again",
                )
            )
    return found, digests, failed
