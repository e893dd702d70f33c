"""Sources that have gone quiet, each measured against its own past."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import ceil
from urllib.parse import quote as segment

from api import wording
from api.alerts.rules import Rule
from store.records import AlertFinding, EvidenceRow, Outlet

PAST = timedelta(days=120)  # of arrivals that a source is judged by
LEAST_GAPS = 5
_NAMED = 8  # sources that a statement names
# Several feeds of one night are one arrival.
_NIGHT = timedelta(hours=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A source without a new document for longer than is usual for it.

    Attributes
    ----------
    last : datetime
        When something new came last.
    usual_days, limit_days : float
        Its own usual longest gap, and the gap from which it is quiet.
    """

    outlet: Outlet
    last: datetime
    usual_days: float
    limit_days: float

    @property
    def since(self) -> datetime:
        """When the gap became longer than the limit."""
        return self.last + timedelta(days=self.limit_days)


def silence_of(rule: Rule, outlet: Outlet) -> Silence | None:
    """Return when a source becomes quiet after its last arrival; None with too little past.

    The usual gap is the 90th percentile (nearest rank) of those between its arrivals: a weekly
    letter is not quiet on its sixth day, and one long holiday does not make a month usual.
    """
    nights: list[datetime] = []
    for at in outlet.arrivals:
        if not nights or at - nights[-1] >= _NIGHT:
            nights.append(at)
    gaps = sorted(after - before for before, after in pairwise(nights))
    if len(gaps) < LEAST_GAPS:
        return None
    usual = gaps[ceil(0.9 * len(gaps)) - 1] / timedelta(days=1)
    return Silence(
        outlet=outlet,
        last=outlet.arrivals[-1],
        usual_days=usual,
        limit_days=max(rule.days, rule.gaps * usual),
    )


def quiet(
    rule: Rule, outlets: Sequence[Outlet], day: date, start: datetime, end: datetime
) -> AlertFinding | None:
    """Return the finding of the sources that became quiet after ``start`` and up to ``end``.

    Each source counts on the one night on which it crosses its limit. All of a night are one
    finding; when nothing new came from any source, that alone is said.
    """
    heard = [
        Outlet(id=one.id, name=one.name, arrivals=[at for at in one.arrivals if at <= end])
        for one in outlets
        if not rule.watched or one.id in rule.watched
    ]
    judged = [found for one in heard if (found := silence_of(rule, one)) is not None]
    newest = max((one.last for one in judged), default=None)
    if newest is None:
        return None
    if len(judged) > 1 and not rule.watched:
        all_since = newest + timedelta(days=rule.days)
        if all_since <= end:
            return _all(rule, judged, newest, day, end) if all_since > start else None
    crossed = [one for one in judged if start < one.since <= end]
    return _some(rule, crossed, len(judged), day, end) if crossed else None


def _all(
    rule: Rule, judged: Sequence[Silence], newest: datetime, day: date, end: datetime
) -> AlertFinding:
    gone = (end - newest) / timedelta(days=1)
    return AlertFinding(
        rule="source_quiet",
        rule_id=rule.id,
        subject="sources",
        day=day,
        severity=2,
        peak=None,
        title="Nothing new from any source",
        statement=(
            f"None of {len(judged)} sources brought a new document for {gone:.1f} days, to"
            f" {wording.instant_text(end)}; the rule asks for {rule.days:g} days. Look at the"
            " crawl before at the sources: 'tapestory status'."
        ),
        numbers={
            "level": rule.days,
            "seen": gone,
            "sources": len(judged),
            "newest": _text(newest),
            "seen_at": _text(end),
        },
        rows=[_row(one) for one in judged[:_NAMED]],
        path="/",
    )


def _some(
    rule: Rule, crossed: Sequence[Silence], judged: int, day: date, end: datetime
) -> AlertFinding:
    told = "; ".join(
        f"{one.outlet.name}, {(end - one.last) / timedelta(days=1):.1f} days"
        f" (usually {one.usual_days:.1f} at most)"
        for one in crossed[:_NAMED]
    )
    more = f"; and {len(crossed) - _NAMED} more" if len(crossed) > _NAMED else ""
    one_only = len(crossed) == 1
    numbers: dict[str, float | int | str | None] = {
        "level": rule.days,
        "gaps": rule.gaps,
        "quiet": len(crossed),
        "sources": judged,
        "not_named": max(0, len(crossed) - _NAMED),
        "seen_at": _text(end),
    }
    for number, one in enumerate(crossed[:_NAMED], start=1):
        numbers[f"source_{number}"] = one.outlet.id
        numbers[f"name_{number}"] = one.outlet.name
        numbers[f"days_{number}"] = (end - one.last) / timedelta(days=1)
        numbers[f"usual_{number}"] = one.usual_days
    return AlertFinding(
        rule="source_quiet",
        rule_id=rule.id,
        subject="sources",
        day=day,
        severity=1,
        peak=None,
        title=(
            f"{crossed[0].outlet.name} has gone quiet"
            if one_only
            else f"{len(crossed)} sources have gone quiet"
        ),
        statement=(
            f"No new document at {wording.instant_text(end)} from {told}{more}. {judged} sources"
            f" are judged, each by its own past: quiet is {rule.days:g} days and {rule.gaps:g}"
            " times its usual gap."
        ),
        numbers=numbers,
        rows=[_row(one) for one in crossed],
        path=f"/source/{segment(crossed[0].outlet.id, safe='')}" if one_only else "/",
    )


def _row(one: Silence) -> EvidenceRow:
    return EvidenceRow(table="sources", key={"id": one.outlet.id})


def _text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
