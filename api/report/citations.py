"""Rows that several sentences cite."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from api.charts.alignment import PASSES
from api.report.facts import Fact, Rows, fact
from store.evidence import Between, Where
from store.records import AlignmentCell


def answer_row(day: date, column: str, *path: str | int) -> Rows:
    """Return a column of the stored answer for a day; ``path`` leads into its JSON document."""
    return Rows(
        table="explanations",
        column=column,
        where={"date": day.isoformat(), "days": 1},
        path=path,
    )


def move_row(day: date, asset_id: str, column: str) -> Rows:
    """Return a column of an asset's move on an explained session."""
    where: Where = {"date": day.isoformat(), "days": 1, "asset_id": asset_id}
    return Rows(table="moves", column=column, where=where)


def suspect_row(day: date, narrative_id: str, column: str) -> Rows:
    """Return a column of a narrative's row among the suspects of a session."""
    where: Where = {"date": day.isoformat(), "days": 1, "narrative_id": narrative_id}
    return Rows(table="suspects", column=column, where=where)


def week_rows(narrative_id: str, days: Sequence[date], column: str, *, weight: str = "") -> Rows:
    """Return a narrative's stored days."""
    where: Where = {"narrative_id": narrative_id, "day": [day.isoformat() for day in days]}
    return Rows(table="intensity_latest", column=column, where=where, weight=weight)


def share_rows(narrative_id: str, days: Sequence[date]) -> Rows:
    """Return a narrative's daily shares, weighted by their effective number of stories."""
    return week_rows(narrative_id, days, "share", weight="effective_n")


def tested_fact(cells: Sequence[AlignmentCell]) -> Fact:
    """Return how many cells the scan has."""
    return fact(
        len(cells), "plain", "count", Rows(table="alignments", column="narrative_id", where={})
    )


def passing_fact(passing: int) -> Fact:
    """Return how many cells stand out after adjustment."""
    where = {"pvalue_adj": Between(0.0, PASSES)}
    rows = Rows(table="alignments", column="narrative_id", where=where)
    return fact(passing, "stands", "count", rows)


def outside_count(counts: Mapping[str, Any], name: str, form: str) -> Fact:
    """Return a count of what the narratives do not cover."""
    rows = Rows(table="documents", column="title", where={})
    return fact(counts[name], form, "again", rows, about=name)
