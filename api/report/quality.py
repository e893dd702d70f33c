"""What the report rests on, and what it cannot say."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from statistics import median, quantiles

from api.report.basis import FailureGroup, Lag, Outlet, Quality, QuietSource
from api.report.facts import Said, say
from api.report.material import Material

_REGULAR = 2
"""Of the four weeks before: a source that was heard in as many is missed when it is quiet."""


def quality_of(material: Material) -> Quality:
    """Return documents, sources, labelling, missing days and failures of the week."""
    delays: dict[str, list[float]] = {}
    for row in material.delays:
        waited = (row["first_seen_at"] - row["published_at"]) / timedelta(hours=1)
        delays.setdefault(row["source_id"], []).append(waited)
    outlets = [
        Outlet(
            id=row["id"],
            name=row["name"],
            kind=row["kind"],
            status=row["status"],
            documents=row["documents"],
            stories=row["stories"],
            last_ok_at=row["last_ok_at"],
            lag=lag_of(delays.get(row["id"], [])),
        )
        for row in material.outlets
    ]
    outcomes: Counter[str] = Counter()
    untagged: Counter[str] = Counter()
    for row in material.taggings:
        outcomes[row["outcome"]] += row["n"]
        if row["outcome"] == "untagged":
            untagged[row["language"] or "unknown"] += row["n"]
    return Quality(
        documents=sum(outlet.documents for outlet in outlets),
        stories=sum(outlet.stories for outlet in outlets),
        outlets=outlets,
        answering=sum(1 for outlet in outlets if outlet.documents),
        labelled=outcomes["tagged"],
        unlabelled=outcomes["untagged"],
        pending=outcomes["pending"],
        failed=outcomes["failed"],
        untagged=sorted(untagged.items(), key=lambda pair: (-pair[1], pair[0])),
        missing_days=_missing(material),
        failures=[
            FailureGroup(
                stage=row["stage"],
                kind=row["kind"],
                items=row["items"],
                item=row["item"],
                message=row["message"],
                advice=row["advice"],
            )
            for row in material.failures
        ],
        models=[f"{row['model']}, narratives {row['taxonomy']}" for row in material.models],
        lag=lag_of([hours for of_source in delays.values() for hours in of_source]),
        quiet=[
            QuietSource(
                id=row["id"],
                name=material.sources.get(row["id"], row["id"]),
                documents=row["documents"],
                weeks=row["weeks"],
                last_at=row["last_at"],
            )
            for row in material.quiet
            if row["weeks"] >= _REGULAR
        ],
    )


def lag_of(hours: Sequence[float]) -> Lag | None:
    """Return the median and the 90th percentile of delays in hours, or None without any."""
    if not hours:
        return None
    p90 = quantiles(hours, n=10, method="inclusive")[8] if len(hours) > 1 else hours[0]
    return Lag(documents=len(hours), median=median(hours), p90=p90)


def absent_from(material: Material) -> list[Said]:
    """Return what the report cannot say, each with its reason and a way out."""
    said = []
    if not material.week.is_complete:
        said.append("The week is not over in the data: its last sessions are still to come")
    if not material.intensity:
        said.append("No intensity is stored: run “tapestory tag” and “tapestory align”")
    if not any(row["date"] >= material.week.monday.isoformat() for row in material.closes):
        said.append("No price is stored for this week: run “tapestory prices” or import some")
    if material.explanation is None:
        said.append(
            "No session of this week is explained in the database: “tapestory explain” answers"
            " for a single day once prices and intensities are there"
        )
    if not material.cells:
        said.append("No scan is stored: run “tapestory align”")
    if material.intensity and not _has_previous(material):
        said.append("The week before has no data, so changes against it are n/a")
    return [say(words) for words in said]


def _has_previous(material: Material) -> bool:
    before = {day.isoformat() for day in material.previous}
    return any(row["day"] in before and row["share"] is not None for row in material.intensity)


def _missing(material: Material) -> list[date]:
    """Return the sessions of the week on which no narrative has a share."""
    collected = {row["day"] for row in material.intensity if row["share"] is not None}
    if not material.intensity:
        return []
    return [day for day in material.week.sessions if day.isoformat() not in collected]
