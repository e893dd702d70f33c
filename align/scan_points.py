"""Intensity points and a market -> the scan, on one run of sessions."""

from collections.abc import Sequence

import pandas as pd

from align.archive import Archive
from align.catalogue import weights
from align.market import Market
from align.scan import scan
from store.records import AlignmentCell, IntensityPoint


def scan_points(
    archive: Archive | None,
    market: Market | None,
    points: Sequence[IntensityPoint],
    listed: Sequence[str],
) -> list[AlignmentCell]:
    """Scan all narratives against the listed assets that have prices.

    The sessions run from the first innovation to the last without a gap, so that a lag is a
    number of sessions even across a hole of the archive.
    """
    assets = [name for name in listed if market is not None and name in market.assets]
    if archive is None or market is None or not points or not assets:
        return []
    values: dict[str, dict[pd.Timestamp, float]] = {name: {} for name in archive.narrative_ids}
    for point in points:
        if point.innovation is not None:
            values[point.narrative_id][pd.Timestamp(point.day)] = point.innovation
    wide = pd.DataFrame(values, dtype=float).reindex(
        index=archive.grid.days, columns=list(archive.narrative_ids)
    )
    some = wide.index[wide.notna().any(axis=1)]
    if len(some):
        wide = wide.loc[some[0] : some[-1]]
    moves = market.moves(1).reindex(wide.index)[assets]
    return scan(
        wide.to_numpy().T,
        moves.to_numpy().T,
        archive.narrative_ids,
        assets,
        (wide.index[0].date(), wide.index[-1].date()),
        seed=weights()["bootstrap"]["seed"],
    )
