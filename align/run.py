"""The stage: intensity for every day, the scan, and explanations, written only when they differ.

The one module of ``align/`` that uses the store.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from align.catalogue import load_episodes, signature_library, weights
from align.errors import AlignError
from align.explanation import days_to_explain, explain_day
from align.inputs import (
    Built,
    Inputs,
    build,
    derived_assets,
    digest,
    limit,
    needed_assets,
    world_of,
)
from align.intensity import measure_intensity
from align.scan_points import scan_points
from store.records import Explanation, Failure, IntensityPoint, StageReport

if TYPE_CHECKING:
    from store import Store

Progress = Callable[..., Any] | None


def align(store: "Store", *, now: datetime, progress: Progress = None) -> StageReport:
    """Bring intensity, alignments, episodes and stored explanations up to date.

    One transaction; nothing is written when nothing changed, and nothing is computed when
    the inputs are those of the last finished run. Intensity is appended, never rewritten; the
    scan and the explanations are replaced.

    Parameters
    ----------
    now : datetime
        Documents and prices that become public later are not looked at.
    """
    counts = {"intensity": 0, "alignments": 0, "episodes": 0, "explanations": 0}
    inputs = _read(store, now)
    settings = {
        "weights": weights()["version"],
        "signatures": signature_library().version,
        "inputs": digest(inputs),
    }
    if _last_settings(store) == settings:
        return StageReport(stage="align", counts=counts, notes=["nothing new to align"])
    run = store.runs.begin("align", now=now, settings=settings)
    built = build(inputs)
    points = measure_intensity(built.archive) if built.archive is not None else []
    cells = scan_points(built.archive, built.market, points, built.listed)
    explained, failed = _explanations(store, built, inputs, points, progress)
    results = store.results
    with store.transaction():
        # A move refers to its asset: the derived spread needs a row, too.
        store.assets.sync(derived_assets(inputs.assets))
        counts["episodes"] = results.sync_episodes(load_episodes())
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
    return StageReport(stage="align", counts=counts, failures=len(failed), notes=_notes(built))


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
    inputs = _read(store, now)
    world = world_of(build(inputs), inputs)
    return explain_day(world, day, days=days, passages=store.frames.quotes)


def _read(store: "Store", now: datetime | None) -> Inputs:
    """Read what the store holds, as it was known by ``now``."""
    frames, assets, narratives = store.frames, store.assets.all(), store.narratives.all()
    everything = Inputs(
        prices=frames.prices(needed_assets(assets, narratives), known_by=now),
        stories=frames.stories(),
        labels=frames.labels(),
        collected=frames.collected(),
        fetch_log=frames.fetch_log(),
        assets=assets,
        narratives=narratives,
        now=now or datetime.max.replace(tzinfo=UTC),
    )
    return limit(everything, now)


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


def _explanations(
    store: "Store",
    built: Built,
    inputs: Inputs,
    points: Sequence[IntensityPoint],
    progress: Progress,
) -> tuple[list[Explanation], list[Failure]]:
    """Explain the recent sessions and the largest moves among those with documents."""
    if built.market is None or built.archive is None or not inputs.narratives:
        return [], []
    world = world_of(built, inputs, points)
    days = days_to_explain(world)
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
    return found, failed
