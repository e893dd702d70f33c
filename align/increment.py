"""Which sessions are as they were when they were computed, so that a night computes one.

Every session has a digest of all that its points depend on: the code, the narratives and
rates, and, chained from session to session, what was collected and labelled up to then. As
far as the digests are those of the run before, its results are taken over. The session that
was still running, late documents and new labels change a digest and with it all later ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.archive import Archive
from align.carried import Carried
from align.catalogue import source_digest
from store.records import IntensityDay, IntensityPoint

# The instant, for the order within a session: of two stories of one title the later repeats.
_STORY = (
    "document_id",
    "source_id",
    "effective_at",
    "weight",
    "copies",
    "author",
    "domain",
    "title",
)
_NEAREST = ("nearest_7", "nearest_30")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """Results of the sessions before the first that changed, by row of the grid.

    Attributes
    ----------
    until : int
        The first row that has to be computed.
    carried : Carried
        Of the same sessions.
    """

    until: int
    points: Mapping[int, Sequence[IntensityPoint]]
    carried: Carried


def day_digests(
    archive: Archive,
    rates: pd.DataFrame | None,
    stored: Mapping[date, IntensityDay] = MappingProxyType({}),
) -> list[str]:
    """Return one digest per session, of that session and all before it.

    Parameters
    ----------
    stored : mapping
        What is kept by session. An archive that was cut off goes on from the digest of the
        session before its first; without it all its digests are new ones.
    """
    grid, stories = archive.grid, archive.stories
    columns = [name for name in (*_STORY, *_NEAREST) if name in stories]
    story = pd.util.hash_pandas_object(stories[columns], index=False).to_numpy()
    judged = pd.DataFrame(
        {"story": story[archive.story], "n": archive.narrative, "stance": archive.stance}
    )
    label = pd.util.hash_pandas_object(judged, index=False).to_numpy()
    parts = [
        _sums(story, grid.story_day, len(grid.days)),
        _sums(label, grid.story_day[archive.story], len(grid.days)),
        grid.deliveries,
        archive.complete.astype(np.uint64) + 2 * grid.covered.astype(np.uint64),
    ]
    table = np.column_stack(parts)
    head = [source_digest(), list(archive.narrative_ids)]
    if rates is not None and not rates.empty:
        head.append(rates.sort_values("narrative_id").to_csv(index=False))
    every = repr(head).encode()
    chain = _before(archive, stored)
    digests = []
    for row in table:
        chain = blake2b(every + chain + row.tobytes(), digest_size=12).digest()
        digests.append(chain.hex())
    return digests


def _before(archive: Archive, stored: Mapping[date, IntensityDay]) -> bytes:
    """Return what the chain of digests begins with."""
    earlier = stored.get(archive.day(-1)) if archive.cut else None
    return str(archive.grid.days[0]).encode() if earlier is None else bytes.fromhex(earlier.digest)


def known_days(
    archive: Archive,
    digests: Sequence[str],
    stored: Mapping[date, IntensityDay],
    rows: Sequence[int],
) -> Known:
    """Return what is stored of the wanted sessions before the first that is not as it was."""
    points: dict[int, Sequence[IntensityPoint]] = {}
    carried = Carried.empty(len(archive.narrative_ids), len(digests))
    printed = set(rows)
    for row in range(len(digests)):
        found = stored.get(archive.day(row))
        if row not in printed:
            carried.hold(row)
            continue
        if found is None or found.digest != digests[row]:
            return Known(until=row, points=points, carried=carried)
        points[row] = found.points
        carried.take(row, found.carried)
    return Known(until=len(digests), points=points, carried=carried)


def _sums(values: NDArray[Any], rows: NDArray[np.intp], n_rows: int) -> NDArray[np.uint64]:
    """Add hashes up by row, modulo 2^64: the order within a session does not matter."""
    out = np.zeros(n_rows, dtype=np.uint64)
    np.add.at(out, rows, values)
    return out
