"""Intensity points and a market -> the scan, on the sessions of its window."""

from align.catalogue import weights
from align.paired import Paired
from align.scan import scan
from store.records import AlignmentCell


def scan_points(paired: Paired | None) -> list[AlignmentCell]:
    """Scan all narratives against the listed assets that have prices.

    The trailing window bounds the work of a night, and lets a pattern that ended go: three
    years hold as many circular shifts as an adjusted p needs.
    """
    if paired is None:
        return []
    window = paired.between(len(paired.days) - weights()["scan"]["window"], len(paired.days))
    return scan(
        window.innovations,
        window.moves,
        window.narrative_ids,
        window.asset_ids,
        (window.day(0), window.day(-1)),
        seed=weights()["bootstrap"]["seed"],
    )
