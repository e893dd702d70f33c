"""Cells named beforehand, re-tested on sessions that nobody had seen when they were named.

A cell is named by a person in the settings, or by the scan on the night it passes. It is named
once, on one day; the sixty sessions after that day decide, once; what fails stays in the
table. So the share that survives can be read, and it says what a pass of the scan is worth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np

from align.forecasts import forecasts
from align.found import FoundOn
from align.paired import Paired
from align.projections import (
    LONGEST_HORIZON,
    cell_effect,
    lead_follow,
    local_projection,
    partial_effect,
)
from align.scan import CLIP
from store.records import AlignmentCell, Confirmation, NamedCell

# Between the last session with talk and today lie a weekend, a holiday, a night without news.
_SLACK = timedelta(days=7)


def confirm(
    before: Sequence[Confirmation],
    paired: Paired | None,
    cells: Sequence[AlignmentCell],
    named: Sequence[NamedCell],
    weights: Mapping[str, Any],
) -> list[Confirmation]:
    """Name what is new and re-test what is open.

    Parameters
    ----------
    before : sequence of Confirmation
        All that were ever named. Closed ones come back as they are.
    paired : Paired or None
        All sessions up to now; without any, nothing changes.
    cells : sequence of AlignmentCell
        The scan of today.
    named : sequence of NamedCell
        Of the settings; they come first where there is no room for all.

    Notes
    -----
    Confirmed is a cell whose slope over the later sessions alone has the sign it was named
    with at a one-sided p of .05, by Holm (1979) over the cells that closed on the same
    session, and whose partial effect has that sign at p .05. Cells of one night close on one
    session, unless a series has holes, so the family is the one that was named together and
    is fixed before its data exist. The partial effect is taken over the whole window: it may
    only refuse, so that data seen at the naming cannot help a cell. Of a narrative that was
    found on a day no earlier session is used, and a cell counts as named then, if not later.
    """
    if paired is None or not len(paired.days):
        return list(before)
    clipped = replace(
        paired,
        innovations=np.clip(paired.innovations, -CLIP, CLIP),
        moves=np.clip(paired.moves, -CLIP, CLIP),
        volatility=np.clip(paired.volatility, -CLIP, CLIP),
    )
    rules, window = weights["confirmation"], weights["scan"]["window"]
    found = _followed(before, clipped, rules, window)
    stated = [_since_found(one, paired) for one in named]
    # A day of the settings may lie far back: such a cell closes at once and makes room.
    while new := _new(found, paired, cells, stated, rules):
        found = _followed([*found, *new], clipped, rules, window)
    return found


def with_status(
    cells: Sequence[AlignmentCell],
    confirmations: Sequence[Confirmation],
    found_on: FoundOn = MappingProxyType({}),
) -> list[AlignmentCell]:
    """Return the cells of the scan with the verdict of those that were re-tested.

    A verdict on sessions from before the narrative was found stays in its table, and is none.
    """
    verdicts = {
        one.cell: one.status
        for one in confirmations
        if one.named_at >= found_on.get(one.narrative_id, one.named_at)
    }
    out = []
    for cell in cells:
        status = verdicts.get((cell.narrative_id, cell.asset_id, cell.lag), "open")
        out.append(cell if status == "open" else replace(cell, status=status))
    return out


def unknown_cells(named: Sequence[NamedCell], paired: Paired | None) -> list[str]:
    """Return, in words, the cells of the settings that cannot be followed, or not yet."""
    if paired is None or not len(paired.days):
        return []
    notes = []
    for cell in named:
        what = f"[[align.cell]] {cell.narrative_id!r} with {cell.asset_id!r}"
        if not (cell.narrative_id in paired.narrative_ids and cell.asset_id in paired.asset_ids):
            notes.append(
                f"{what}: no such narrative, or no listed asset with prices; check the ids"
            )
        elif _lies_ahead(_since_found(cell, paired), paired):
            day = _since_found(cell, paired).named
            key = "named" if day == cell.named else "found_on"
            notes.append(f"{what}: {key} = {day} lies ahead, nothing is named before it")
    return notes


def _lies_ahead(cell: NamedCell, paired: Paired) -> bool:
    """Return whether the day of naming has not come: a typing error, or a run as of before.

    What is named once stays for good, and its sessions would never come.
    """
    return cell.named > paired.day(-1) + _SLACK


def _since_found(cell: NamedCell, paired: Paired) -> NamedCell:
    """Return the cell of the settings, named when its narrative was found, if not later."""
    return replace(cell, named=paired.not_before(cell.narrative_id, cell.named))


def _at_hand(cell: Confirmation, paired: Paired) -> bool:
    return cell.narrative_id in paired.narrative_ids and cell.asset_id in paired.asset_ids


def _new(
    before: Sequence[Confirmation],
    paired: Paired,
    cells: Sequence[AlignmentCell],
    named: Sequence[NamedCell],
    rules: Mapping[str, Any],
) -> list[Confirmation]:
    """Return cells to name now: those of the settings, then what passes, the clearest first."""
    stated = [
        _named(one.narrative_id, one.asset_id, one.lag, one.named, one)
        for one in named
        if not _lies_ahead(one, paired)
    ]
    passed = sorted(
        (one for one in cells if one.pvalue_adj is not None and one.pvalue_adj <= rules["level"]),
        key=lambda one: (one.pvalue_adj, -abs(one.effect or 0.0), one.narrative_id, one.asset_id),
    )
    today = paired.day(-1)
    found = [_named(one.narrative_id, one.asset_id, one.lag, today, one) for one in passed]
    known = {one.cell for one in before}
    room = rules["most"] - sum(one.status == "open" and _at_hand(one, paired) for one in before)
    new: list[Confirmation] = []
    for one in (*stated, *found):
        if len(new) < room and one.cell not in known and _at_hand(one, paired):
            known.add(one.cell)
            new.append(one)
    return new


def _followed(
    cells: Sequence[Confirmation], paired: Paired, rules: Mapping[str, Any], window: int
) -> list[Confirmation]:
    """Return the cells with what is known of the open ones by now, and their verdicts."""
    found = []
    for cell in cells:
        if cell.status == "open" and _at_hand(cell, paired):
            again = _measured(cell, paired, rules, window)
            # An answer as of an earlier day knows fewer sessions: what is stored stays. Fewer
            # count, too, once a cell is known to have been named before its narrative was found.
            fresh = again.sessions >= cell.sessions or again.named_at > cell.named_at
            found.append(again if fresh else cell)
        else:
            found.append(cell)
    return _judged(found, rules["level"])


def _named(
    narrative_id: str, asset_id: str, lag: int, day: date, source: NamedCell | AlignmentCell
) -> Confirmation:
    by_hand = isinstance(source, NamedCell)
    effect = None if isinstance(source, NamedCell) else source.effect
    sign = source.sign if isinstance(source, NamedCell) else (1 if (effect or 0.0) > 0 else -1)
    return Confirmation(
        narrative_id=narrative_id,
        asset_id=asset_id,
        lag=lag,
        named_at=day,
        named_by="settings" if by_hand else "scan",
        named_sign=sign,
        named_effect=effect,
        horizon=min(max(lag, 1), LONGEST_HORIZON),
    )


def _measured(
    cell: Confirmation, paired: Paired, rules: Mapping[str, Any], window: int
) -> Confirmation:
    """Return the cell with all estimates as of its closing session, or as of the last one."""
    place = paired.narrative_ids.index(cell.narrative_id)
    asset = paired.asset_ids.index(cell.asset_id)
    cell = replace(cell, named_at=paired.not_before(cell.narrative_id, cell.named_at))
    first = paired.after(cell.named_at)
    both = ~np.isnan(paired.innovations[place]) & ~np.isnan(paired.moves[asset])
    later = (first + np.flatnonzero(both[first:]))[: rules["sessions"]]
    closed = len(later) == rules["sessions"]
    end = int(later[-1]) + 1 if closed else len(paired.days)
    seen = paired.between(end - window, end)
    innovation, moves = seen.tested(place), seen.moves[asset]
    everybody = seen.innovations.copy()
    everybody[place] = innovation
    controls = [seen.volume]
    # At lag 0 the VIX would be held fixed against itself.
    if not (cell.lag == 0 and cell.asset_id == rules["volatility"]):
        controls.append(seen.volatility)
    response = local_projection(innovation, moves, cell.horizon)
    both_ways = lead_follow(innovation, moves)
    beside = partial_effect(everybody, place, controls, moves, cell.lag)
    start = max(first - max(end - window, 0), 0)
    alone = cell_effect(innovation[start:], moves[start:], cell.lag)
    guessed = forecasts(innovation, moves, cell.lag, start)
    return replace(
        cell,
        sessions=len(later),
        beta=_number(response.effect),
        beta_low=_number(response.low),
        beta_high=_number(response.high),
        wald_lead_p=_number(both_ways.lead),
        wald_follow_p=_number(both_ways.follow),
        partial_effect=_number(beside.effect),
        partial_p=_number(beside.pvalue),
        oos_n=alone.n,
        oos_effect=_number(alone.effect),
        oos_low=_number(alone.low),
        oos_high=_number(alone.high),
        oos_p=_number(alone.one_sided(cell.named_sign)),
        forecast_n=len(guessed.actual),
        forecast_r2=_number(guessed.r2),
        forecast_p=_number(guessed.pvalue),
        closes_on=paired.day(int(later[-1])) if closed else None,
    )


def _judged(cells: Sequence[Confirmation], level: float) -> list[Confirmation]:
    """Give their verdict to the open cells whose sessions are complete."""
    adjusted: dict[tuple[str, str, int], float] = {}
    for day in {one.closes_on for one in cells if one.status == "open" and one.closes_on}:
        # Those that closed on this session in an earlier run, prices of another asset being
        # late, belong to the family, too.
        family = [one for one in cells if one.closes_on == day]
        adjusted.update(_holm(family))
    return [
        _closed(one, adjusted[one.cell], level)
        if one.status == "open" and one.closes_on is not None
        else one
        for one in cells
    ]


def _closed(one: Confirmation, adjusted: float, level: float) -> Confirmation:
    """Return the cell with its verdict; an effect that is not known beside all else fails."""
    beside = one.partial_effect is not None and one.partial_effect * one.named_sign > 0
    holds = beside and one.partial_p is not None and one.partial_p <= level
    return replace(
        one,
        oos_p_adj=_number(adjusted),
        status="confirmed" if holds and adjusted <= level else "not confirmed",
    )


def _holm(family: Sequence[Confirmation]) -> dict[tuple[str, str, int], float]:
    from statsmodels.stats.multitest import multipletests

    pvalues = [1.0 if one.oos_p is None else one.oos_p for one in family]
    adjusted = multipletests(pvalues, method="holm")[1]
    return {one.cell: float(p) for one, p in zip(family, adjusted, strict=True)}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
