"""Table cells, held against rows that are read again."""

from math import isclose
from typing import TYPE_CHECKING, Any

from api.errors import EvidenceError
from api.report.drift import drift_of
from api.report.material import Material
from api.report.outside import outside_of
from api.report.quality import quality_of
from api.report.records import Told, WeekChange, WeeklyReport
from api.report.review import review_of
from api.report.tape import change_between
from api.report.told import wilson
from api.report.topics import topics_of
from store.evidence import Where, cited
from store.weeks import Weeks

if TYPE_CHECKING:
    from store import Store

_MOVE = ("asset_id", "name", "change", "unit", "sigma")
_SUSPECT = ("narrative_id", "rank", "score", "low", "high", "status")
_PARTS = ("intensity", "causal_claims", "timing", "signature", "hard_data")
_SUMS = {"stories": "stories", "reach": "reach", "favor": "favor", "against": "against",
         "none": "neutral"}  # fmt: skip


def check_cells(report: WeeklyReport, store: "Store", material: Material) -> None:
    """Check what the tables and charts of a report print.

    Raises
    ------
    EvidenceError
        For the first cell that is not what its row says.
    """
    _check_moves(report, store)
    for change in report.tape.week:
        _check_change(change, report, store)
    for told in report.told:
        _check_told(told, report, material, store)
    _check_suspects(report, store, material)
    _check_scan(report, store)
    again = (
        ("review", report.review, review_of(material)),
        ("drift", report.drift, drift_of(material)),
        ("topics", report.topics, topics_of(material)),
        ("outside", report.outside, outside_of(material)),
        ("quality", report.quality, quality_of(material)),
    )
    for section, shown, stored in again:
        _same(shown, stored, f"the section {section!r}")


def _same(shown: Any, stored: Any, what: str) -> None:
    numbers = isinstance(shown, float) and isinstance(stored, (int, float))
    same = isclose(shown, stored, rel_tol=1e-9, abs_tol=1e-12) if numbers else shown == stored
    if not same:
        short = "" if not numbers else f" says {shown!r} where the store says {stored!r}"
        raise EvidenceError(
            f"{what}{short or ' is not what the stored rows say'}: nothing was written; run"
            " 'tapestory align' and try again, or report it as a bug",
            sentence=what,
        )


def _check_moves(report: WeeklyReport, store: "Store") -> None:
    if report.tape.day is None:
        return
    where: Where = {"date": report.tape.day.isoformat(), "days": 1}
    rows = {row["asset_id"]: row for row in cited(store.db, "moves", _MOVE, where)}
    for move in report.tape.moves:
        row = rows.get(move.asset_id, {})
        for name in _MOVE:
            _same(getattr(move, name), row.get(name), f"the {name} of {move.asset_id!r}")


def _check_change(change: WeekChange, report: WeeklyReport, store: "Store") -> None:
    closes = []
    for day, close in ((change.first_date, change.first_close),
                       (change.last_date, change.last_close)):  # fmt: skip
        where = {"asset_id": change.asset_id, "date": day.isoformat()}
        rows = cited(store.db, "prices_latest", ["close"], where)
        closes.append(rows[0]["close"] if rows else None)
        _same(close, closes[-1], f"the close of {change.asset_id!r} on {day}")
    asset = next(asset for asset in store.assets.all() if asset.id == change.asset_id)
    _same(change.change, change_between(asset, *closes), f"the week of {change.asset_id!r}")
    if not change.first_date < report.week.monday <= change.last_date <= report.week.sunday:
        _same(change.first_date, None, f"the days of {change.asset_id!r}")


def _check_told(told: Told, report: WeeklyReport, material: Material, store: "Store") -> None:
    columns = ["day", "share", "effective_n", *_SUMS.values()]
    weeks = (report.week.sessions, material.previous)
    found = []
    for days in weeks:
        where = {"narrative_id": told.narrative_id, "day": [day.isoformat() for day in days]}
        found.append(cited(store.db, "intensity_latest", columns, where))
    what = f"of {told.narrative_id!r}"
    for name, column in _SUMS.items():
        total = sum(row[column] for row in found[0])
        _same(getattr(told, name), total, f"the number of {name} {what}")
    for rows, values in zip(
        found,
        ((told.share, told.low, told.high),
         (told.previous_share, told.previous_low, told.previous_high)),
        strict=True,
    ):  # fmt: skip
        known = [row for row in rows if row["share"] is not None and row["effective_n"] > 0]
        n = sum(row["effective_n"] for row in known)
        share = sum(row["share"] * row["effective_n"] for row in known) / n if n else None
        wanted = (None, None, None) if share is None else (share, *wilson(share, n))
        for value, stored in zip(values, wanted, strict=True):
            _same(value, stored, f"a share {what}")


def _check_suspects(report: WeeklyReport, store: "Store", material: Material) -> None:
    if report.inquiry is None:
        return
    answer = report.inquiry.explanation
    _same(answer, material.explanation, f"the answer for {answer.date}")
    where: Where = {"date": answer.date.isoformat(), "days": 1}
    columns = [*_SUSPECT, *(f"part_{part}" for part in _PARTS)]
    rows = {row["narrative_id"]: row for row in cited(store.db, "suspects", columns, where)}
    for case in report.inquiry.cases:
        row = rows.get(case.suspect.narrative_id, {})
        what = f"of the suspect {case.suspect.narrative_id!r}"
        for name in _SUSPECT:
            _same(getattr(case.suspect, name), row.get(name), f"the {name} {what}")
        for part in _PARTS:
            _same(getattr(case.suspect.parts, part), row.get(f"part_{part}"), f"a part {what}")


def _check_scan(report: WeeklyReport, store: "Store") -> None:
    if report.scan is None:
        return
    scan = report.scan
    stored = {
        (cell.narrative_id, cell.asset_id, cell.lag): cell for cell in Weeks(store.db).cells()
    }
    _same(scan.tested, len(stored), "the number of cells")
    for cell in (*(one.cell for one in scan.shown), *scan.pair, *scan.next_session):
        key = (cell.narrative_id, cell.asset_id, cell.lag)
        _same(cell, stored.get(key), f"the cell {key}")
