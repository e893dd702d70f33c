"""What became of the conditions that earlier reports set against their own answers.

Judged by what was public when this report's week ended, and by nothing later.
"""

from collections.abc import Mapping
from datetime import date

import pandas as pd

from align.falsifiers import score_falsifier
from api import wording
from api.report.citations import answer_row
from api.report.facts import Name, Said, Sentence, Stored, clause, fact
from api.report.material import Material
from api.report.records import Condition, Review, Scored
from store.records import Explanation, Falsifier

INTENSITY = "intensity:"
"""Starts the series of a condition on a narrative."""
_SIGNS = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}
_AMOUNTS = {">": "more than", ">=": "at least", "<": "less than", "<=": "no more than"}


def review_of(material: Material) -> Review:
    """Return last week's conditions with their scores, and older ones that fell due."""
    last, *older = material.earlier or [None]
    sessions = material.week.sessions
    due = [
        one
        for answer in older
        for one in (conditions_of(answer, material) if answer is not None else [])
        if sessions and material.week.monday <= one.falsifier.by <= material.week.sunday
    ]
    return Review(
        day=None if last is None else last.date,
        known_by=material.known_by,
        last=[scored(one, material) for one in conditions_of(last, material)] if last else [],
        older=[scored(one, material) for one in due],
    )


def conditions_of(answer: Explanation, material: Material) -> list[Condition]:
    """Return the conditions that were stored with an answer, in words."""
    narratives = {narrative.id: narrative.name for narrative in material.narratives}
    assets = {asset.id: asset.name for asset in material.assets}
    return [
        Condition(
            day=answer.date,
            falsifier=one,
            words=_words(answer.date, place, one, narratives | assets),
            series=_series_name(one, narratives, assets),
        )
        for place, one in enumerate(answer.falsifiers)
    ]


def scored(condition: Condition, material: Material) -> Scored:
    """Judge a condition by the values that were public in time."""
    falsifier = condition.falsifier
    values = _values(falsifier.series, material)
    last = max(material.week.sessions, default=material.week.sunday)
    score = score_falsifier(falsifier, _series(values), now=last)
    after, end = falsifier.after or condition.day, min(falsifier.by, last)
    seen = {day: value for day, value in values.items() if after < day <= end}
    if score == "miss" and max(seen, default=after) < end and end == last:
        score = "open"  # the value of its last day is not public yet
    value, day = _seen(falsifier, seen)
    return Scored(condition=condition, score=score, seen=value, seen_on=day, sessions=len(seen))


def _seen(falsifier: Falsifier, seen: Mapping[date, float]) -> tuple[float | None, date | None]:
    """Return the close that met a condition, else the one that came nearest; or the mean."""
    if not seen or falsifier.operator is None or falsifier.value is None:
        return None, None
    if falsifier.statistic == "mean":
        return sum(seen.values()) / len(seen), max(seen)
    upward = falsifier.operator in (">", ">=")
    met = [
        day
        for day, value in sorted(seen.items())
        if (value > falsifier.value if upward else value < falsifier.value)
        or (value == falsifier.value and "=" in falsifier.operator)
    ]
    extreme = max if upward else min
    day = met[0] if met else extreme(sorted(seen), key=lambda day: seen[day])
    return seen[day], day


def _values(series: str, material: Material) -> dict[date, float]:
    if series.startswith(INTENSITY):
        narrative = series.removeprefix(INTENSITY)
        return {
            date.fromisoformat(row["day"]): row["share"]
            for row in material.intensity
            if row["narrative_id"] == narrative and row["share"] is not None
        }
    return {
        date.fromisoformat(row["date"]): row["close"]
        for row in material.known_closes
        if row["asset_id"] == series
    }


def _series(values: Mapping[date, float]) -> pd.Series:
    days = sorted(values)
    return pd.Series([values[day] for day in days], index=pd.DatetimeIndex(days), dtype=float)


def _words(day: date, place: int, one: Falsifier, names: Mapping[str, str]) -> Sentence:
    """Say a condition from its numbers; without them, as it was stored."""
    series = one.series.removeprefix(INTENSITY)
    if one.operator is None or one.value is None or series not in names:
        words = wording.with_names(one.condition, names)
        words = words[:1].upper() + words[1:]
        return Stored(words, day=day, part="condition")
    value = fact(
        one.value,
        "percent1" if one.statistic == "mean" else "price2",
        "row",
        answer_row(day, "document", "falsifiers", place, "value"),
    )
    if one.statistic == "mean":
        carried = clause(
            f"on average {_AMOUNTS[one.operator]} {{value}} of the stories carry “{{name}}”",
            value=value,
            name=Name(kind="narrative", id=series, words=names[series]),
        )
        return Said(carried, end="")
    closes = clause(
        f"{{name}} closes {_SIGNS[one.operator]} {{value}}",
        name=Name(kind="asset", id=series, words=names[series]),
        value=value,
    )
    return Said(closes, end="")


def _series_name(one: Falsifier, narratives: Mapping[str, str], assets: Mapping[str, str]) -> str:
    if one.series.startswith(INTENSITY):
        series = one.series.removeprefix(INTENSITY)
        return narratives.get(series, series)
    return assets.get(one.series, one.series)
