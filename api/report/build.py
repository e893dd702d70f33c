"""Put a report together: select, compute, and say it in sentences that carry their rows."""

from datetime import datetime
from typing import TYPE_CHECKING

from api.report.drift import drift_of
from api.report.inquiry import inquiry_of
from api.report.leads import basis_words, leads_of
from api.report.material import Material, select
from api.report.outside import outside_of
from api.report.quality import absent_from, quality_of
from api.report.records import WeeklyReport
from api.report.review import review_of
from api.report.summary import (
    changed_words,
    dispute_words,
    headline_of,
    outside_words,
    review_words,
    scan_words,
    tape_words,
    told_words,
)
from api.report.tape import scan_of, tape_of
from api.report.told import changed, disputes_in, told_in
from api.report.topics import topic_words, topics_of

if TYPE_CHECKING:
    from store import Store


def build_report(store: "Store", week: str | None, *, now: datetime) -> WeeklyReport:
    """Return the report of a week; the same snapshot gives the same report.

    It has not passed the evidence gate: ``render`` and ``write_report`` see to that.

    Parameters
    ----------
    store : Store
        Only read.
    week : str or None
        ISO week such as ``2026-W05``; None takes the last complete week with data.
    now : datetime
        Only decides whether a week that lacks its Friday is over; nothing prints it.

    Raises
    ------
    ConfigError
        When ``week`` is no ISO week, or has no data.
    NotFoundError
        When the database has no data at all.
    """
    return compute(select(store, week, now=now))


def compute(material: Material) -> WeeklyReport:
    """Return the report of the rows selected; pure."""
    names = {narrative.id: narrative.name for narrative in material.narratives}
    told = told_in(material)
    rose, fell = changed(told, up=True), changed(told, up=False)
    tape = tape_of(material)
    inquiry, scan = inquiry_of(material, names), scan_of(material, names)
    disputes = disputes_in(material, told)
    topics, drift = topics_of(material), drift_of(material)
    review, outside, quality = review_of(material), outside_of(material), quality_of(material)
    return WeeklyReport(
        week=material.week,
        as_of=material.as_of,
        headline=headline_of(material.week, tape, told),
        summary=[
            *tape_words(tape, inquiry),
            *told_words(material, told),
            *changed_words(material, rose, fell),
            *dispute_words(disputes),
            *review_words(review),
            *scan_words(material, None if scan is None else scan.passing),
            *topic_words(topics),
            *outside_words(outside),
            basis_words(material, quality),
        ],
        absent=absent_from(material),
        leads=leads_of(
            material,
            tape=tape,
            told=(told, rose, fell),
            inquiry=inquiry,
            scan=scan,
            review=review,
            found=(topics, drift, outside),
            quality=quality,
        ),
        tape=tape,
        told=told,
        rose=rose,
        fell=fell,
        disputes=disputes,
        inquiry=inquiry,
        scan=scan,
        drift=drift,
        review=review,
        topics=topics,
        outside=outside,
        quality=quality,
    )
