"""Which explanations still stand: the digest of all that the explanation of a day rests on.

An explanation looks at the talk of seven sessions after its day (the flow of blame) and at the
prices up to the next one. A month later nothing new can touch it, and it need not be made
again until something in its past changes.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import blake2b

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from align.archive import Archive
from align.catalogue import source_digest, weights
from align.explanation import QUOTES_BEFORE
from align.inputs import Built, Inputs, with_derived

# Holidays may lie between a day's price and that of the next session.
_SESSIONS_OF_PRICES = 1


def explanation_digests(
    built: Built, inputs: Inputs, text: Sequence[str], days: Sequence[date]
) -> dict[date, str]:
    """Return the digest of each day's explanation.

    Parameters
    ----------
    text : sequence of str
        One digest per row of the archive, as ``increment.day_digests`` gives them.
    days : sequence of date
        Sessions of the market and of the archive.
    """
    archive, market = built.archive, built.market
    assert archive is not None
    assert market is not None
    head = repr((source_digest(), with_derived(inputs.assets), inputs.narratives, built.listed))
    said = _said(archive, inputs)
    prices = _Prices(inputs.prices)
    after = max(weights()["blame"]["days"])
    found = {}
    for day in days:
        position = archive.calendar.last_on_or_before(day)
        row = position - archive.offset
        last = min(row + after, len(text) - 1)
        first = max(row - QUOTES_BEFORE - 1, 0)
        known_to = archive.calendar.day(position + _SESSIONS_OF_PRICES)
        parts = (head, text[last], said[first : last + 1].tobytes().hex(), prices.until(known_to))
        found[day] = blake2b(repr(parts).encode(), digest_size=12).hexdigest()
    return found


def _said(archive: Archive, inputs: Inputs) -> NDArray[np.uint64]:
    """Return what is said by session, word for word, as quotes show it."""
    out = np.zeros(len(archive.grid.days), dtype=np.uint64)
    texts = [name for name in ("document_id", "content_hash") if name in archive.stories]
    for frame, columns in ((archive.stories, texts), (inputs.labels, list(inputs.labels))):
        rows = archive.calendar.positions(frame["effective_at"]) - archive.offset
        hashes = pd.util.hash_pandas_object(frame[columns], index=False).to_numpy()
        inside = (rows >= 0) & (rows < len(out))
        np.add.at(out, rows[inside], hashes[inside])
    return out


class _Prices:
    """Sums of the hashes of all prices up to a date."""

    def __init__(self, prices: pd.DataFrame) -> None:
        hashes = pd.util.hash_pandas_object(prices, index=False).to_numpy()
        dates = prices["date"].to_numpy().astype("datetime64[D]")
        order = np.argsort(dates, kind="stable")
        self._dates = dates[order]
        self._sums = np.cumsum(hashes[order], dtype=np.uint64)

    def until(self, day: date) -> int:
        place = int(np.searchsorted(self._dates, np.datetime64(day), side="right"))
        return int(self._sums[place - 1]) if place else 0


def stale(digests: Mapping[date, str], stored: Mapping[date, str]) -> list[date]:
    """Return the days whose explanation is not stored, or rests on something else by now."""
    return [day for day, digest in digests.items() if stored.get(day) != digest]
