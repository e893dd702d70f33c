"""Intensity points and a market -> the scan, on the sessions of its window."""

from collections.abc import Sequence
from dataclasses import replace

from align.catalogue import weights
from align.paired import Paired
from align.scan import scan
from align.wording import say_date
from store.records import AlignmentCell


def scan_points(paired: Paired | None) -> list[AlignmentCell]:
    """Scan all narratives against the listed assets that have prices.

    The trailing window bounds the work of a night, and lets a pattern that ended go: three
    years hold as many circular shifts as an adjusted p needs.

    Notes
    -----
    A narrative that was found on a day is scanned once more with all others, over the sessions
    from that day on, and gets the cells of that scan: its shifts stay inside those sessions, and
    its adjusted p counts all narratives there. In the first scan it counts with its whole
    history among the tests of the others, so that their cells are the same by bit, whether
    and when it was found; the number of tests, and so the level over all cells, is kept.
    """
    if paired is None:
        return []
    window = paired.between(len(paired.days) - weights()["scan"]["window"], len(paired.days))
    cells = _scan(window)
    begins = {name: window.tested_from(at) for at, name in enumerate(window.narrative_ids)}
    for start in sorted(set(begins.values()) - {0}):
        later = _since(window, start, cells)
        cells = [
            new if begins[old.narrative_id] == start else old
            for old, new in zip(cells, later, strict=True)
        ]
    return cells


def _since(window: Paired, start: int, cells: Sequence[AlignmentCell]) -> list[AlignmentCell]:
    """Return all cells over the sessions from a column on, in the same order."""
    if start == len(window.days):
        return [_found_after(one) for one in cells]
    words = f"since it was found, from {say_date(window.day(start))}"
    later = _scan(window.between(start, len(window.days)))
    return [replace(one, method=f"{one.method}; {words}") for one in later]


def _found_after(cell: AlignmentCell) -> AlignmentCell:
    return replace(
        cell,
        n=0,
        effect=None,
        effect_low=None,
        effect_high=None,
        pvalue=None,
        pvalue_adj=None,
        method="not tested: found after the last session",
        window_start=cell.window_end,
    )


def _scan(window: Paired) -> list[AlignmentCell]:
    return scan(
        window.innovations,
        window.moves,
        window.narrative_ids,
        window.asset_ids,
        (window.day(0), window.day(-1)),
        seed=weights()["bootstrap"]["seed"],
    )
