"""The passages that show best what was said, for each suspect.

A quote is a stored passage, unchanged. Preferred: probable, from different sources, claiming
a cause, and at least one on each side where both exist.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd

from store.records import Quote

PER_NARRATIVE = 3
_CAUSAL_BONUS = 0.25
_NEW_SIDE_BONUS = 0.3
_NEW_SOURCE_BONUS = 0.3
# Characters; a fragment says little and a long passage hides it.
_GOOD_LENGTH = (40, 320)
_LENGTH_BONUS = 0.1
_CANDIDATES = 60


def select_quotes(passages: pd.DataFrame, narrative_ids: Sequence[str]) -> dict[str, list[Quote]]:
    """Return up to three quotes for each narrative.

    Parameters
    ----------
    passages : DataFrame
        As ``store.frames.quotes`` gives it, already limited to what was known.
    """
    found: dict[str, list[Quote]] = {narrative_id: [] for narrative_id in narrative_ids}
    if passages.empty:
        return found
    length = passages["text"].str.len()
    base = (
        passages["probability"] * (0.5 + 0.5 * passages["stance_probability"])
        + _CAUSAL_BONUS * passages["causal"]
        + _LENGTH_BONUS * length.between(*_GOOD_LENGTH)
    )
    ranked = passages.assign(base=base).sort_values(
        ["base", "effective_at", "document_id"], ascending=[False, True, True]
    )
    for narrative_id, group in ranked.groupby("narrative_id", sort=False):
        if narrative_id in found:
            rows = group.drop_duplicates("text").head(_CANDIDATES).to_dict("records")
            found[str(narrative_id)] = _pick(rows)
    return found


def _pick(rows: list[dict[Hashable, Any]]) -> list[Quote]:
    """Take the best, then the best of those that add a side or a source."""
    chosen: list[dict[Hashable, Any]] = []
    while rows and len(chosen) < PER_NARRATIVE:
        sides = {row["stance"] for row in chosen}
        sources = {row["source_id"] for row in chosen}
        best = max(rows, key=lambda row: _worth(row, sides, sources))
        chosen.append(best)
        rows = [row for row in rows if row["document_id"] != best["document_id"]]
    return [_quote(row) for row in chosen]


def _worth(row: dict[Hashable, Any], sides: set[Any], sources: set[Any]) -> float:
    worth = float(row["base"])
    if row["stance"] in ("favor", "against") and row["stance"] not in sides:
        worth += _NEW_SIDE_BONUS
    return worth + _NEW_SOURCE_BONUS * (row["source_id"] not in sources)


def _quote(row: dict[Hashable, Any]) -> Quote:
    published = row["published_at"]
    url = row["url"]
    return Quote(
        document_id=str(row["document_id"]),
        url=url if isinstance(url, str) else None,
        published_at=None if pd.isna(published) else published.to_pydatetime(),
        stance=row["stance"],
        quote=str(row["text"]),
    )
