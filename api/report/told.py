"""What was said in the week: narratives by intensity, what rose and fell, who disagrees."""

from collections.abc import Sequence
from datetime import date
from math import sqrt

from api.report.citations import week_rows
from api.report.facts import Name, Said, fact, say
from api.report.material import Material, Row
from api.report.records import DailyShare, Dispute, Evidence, Told
from store.records import Narrative, Stance

_Z95 = 1.959963984540054
_DISPUTES, _QUOTES = 3, 2


def told_in(material: Material) -> list[Told]:
    """Return the narratives, the one told most first."""
    found = [_told(material, narrative) for narrative in material.narratives]
    place = {narrative.id: number for number, narrative in enumerate(material.narratives)}
    return sorted(
        found,
        key=lambda told: (told.share is None, -(told.share or 0.0), -told.stories,
                          place[told.narrative_id]),
    )  # fmt: skip


def changed(told: Sequence[Told], *, up: bool, most: int = 3) -> list[Told]:
    """Return the narratives whose share rose (or fell) most against last week."""
    sign = 1 if up else -1
    moved = [one for one in told if one.change is not None and sign * one.change > 0]
    return sorted(moved, key=lambda one: (-sign * (one.change or 0.0), one.narrative_id))[:most]


def wilson(share: float, n: float) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share of ``n`` stories.

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference,
    JASA 22, doi:10.1080/01621459.1927.10502953.
    """
    z2 = _Z95 * _Z95
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def disputes_in(material: Material, told: Sequence[Told]) -> list[Dispute]:
    """Return the narratives on which the week's stories take both sides, most even first."""
    sided = [one for one in told if one.favor and one.against]
    sided.sort(key=lambda one: (-min(one.favor, one.against), -(one.favor + one.against),
                                one.narrative_id))  # fmt: skip
    return [_dispute(material, one) for one in sided[:_DISPUTES]]


def _told(material: Material, narrative: Narrative) -> Told:
    rows = [row for row in material.intensity if row["narrative_id"] == narrative.id]
    week = _on(rows, material.week.sessions)
    share, low, high, n = _pooled(week)
    before, before_low, before_high, _ = _pooled(_on(rows, material.previous))
    change = None if share is None or before is None else share - before
    is_clear = None
    if None not in (low, high, before_low, before_high):
        is_clear = bool(low > before_high or high < before_low)  # type: ignore[operator]
    peaks = [(row["zscore"], row["day"]) for row in week if row["zscore"] is not None]
    peak = max(peaks, default=None)
    return Told(
        narrative_id=narrative.id,
        name=narrative.name,
        proposition=narrative.proposition,
        share=share,
        low=low,
        high=high,
        effective_n=n,
        previous_share=before,
        previous_low=before_low,
        previous_high=before_high,
        change=change,
        is_clear=is_clear,
        stories=_sum(week, "stories"),
        reach=_sum(week, "reach"),
        favor=_sum(week, "favor"),
        against=_sum(week, "against"),
        none=_sum(week, "neutral"),
        peak_day=None if peak is None else date.fromisoformat(peak[1]),
        peak_zscore=None if peak is None else peak[0],
        days=[_daily(row) for row in rows],
        back_tagged=_is_back_tagged(material, narrative),
    )


def _is_back_tagged(material: Material, narrative: Narrative) -> bool:
    """Return whether a share of this week or of the last one rests on tags made afterwards."""
    days = (*material.previous, *material.week.sessions)
    return narrative.found_on is not None and bool(days) and days[0] < narrative.found_on


def _on(rows: Sequence[Row], days: Sequence[date]) -> list[Row]:
    wanted = {day.isoformat() for day in days}
    return [row for row in rows if row["day"] in wanted]


def _sum(rows: Sequence[Row], column: str) -> int:
    return sum(int(row[column]) for row in rows)


def _pooled(rows: Sequence[Row]) -> tuple[float | None, float | None, float | None, float]:
    """Return share, interval and effective n of several days; days not collected are left out."""
    known = [row for row in rows if row["share"] is not None and row["effective_n"] > 0]
    n = float(sum(row["effective_n"] for row in known))
    if not n:
        return None, None, None, 0.0
    share = sum(row["share"] * row["effective_n"] for row in known) / n
    return (share, *wilson(share, n), n)


def _daily(row: Row) -> DailyShare:
    return DailyShare(
        day=date.fromisoformat(row["day"]),
        share=row["share"],
        low=row["share_low"],
        high=row["share_high"],
        stories=row["stories"],
        favor=row["favor"],
        against=row["against"],
        none=row["neutral"],
    )


def _dispute(material: Material, told: Told) -> Dispute:
    sides: dict[str, set[str]] = {"favor": set(), "against": set()}
    for row in material.labels:
        if row["narrative_id"] == told.narrative_id and row["stance"] in sides:
            sides[row["stance"]].add(material.sources.get(row["source_id"], row["source_id"]))
    return Dispute(
        narrative_id=told.narrative_id,
        name=told.name,
        proposition=told.proposition,
        lead=_sides(material, told),
        favor=told.favor,
        against=told.against,
        sources_favor=sorted(sides["favor"]),
        sources_against=sorted(sides["against"]),
        quotes=[
            *_said(material, told.narrative_id, "favor"),
            *_said(material, told.narrative_id, "against"),
        ],
    )


def _sides(material: Material, told: Told) -> Said:
    days = material.week.sessions
    return say(
        "{favor} for and {against} against",
        name=Name(kind="narrative", id=told.narrative_id, words=told.name),
        favor=fact(told.favor, "stories", "sum", week_rows(told.narrative_id, days, "favor")),
        against=fact(told.against, "plain", "sum", week_rows(told.narrative_id, days, "against")),
    )


def _said(material: Material, narrative_id: str, stance: Stance) -> list[Evidence]:
    """Return the passages that say it most surely, each of another source where there are two."""
    found = [
        row
        for row in material.passages
        if row["narrative_id"] == narrative_id and row["stance"] == stance
    ]
    found.sort(key=lambda row: (-row["probability"] * row["stance_probability"],
                                row["document_id"], row["text"]))  # fmt: skip
    chosen: list[Row] = []
    for fresh_source in (True, False):
        for row in found:
            known = {one["source_id"] for one in chosen} if fresh_source else set()
            texts = {one["text"] for one in chosen}
            if len(chosen) < _QUOTES and row["source_id"] not in known and row["text"] not in texts:
                chosen.append(row)
    return [
        Evidence(
            document_id=row["document_id"],
            source=material.sources.get(row["source_id"], row["source_id"]),
            title=row["title"] or "",
            url=row["url"],
            published_at=row["published_at"],
            stance=stance,
            quote=row["text"],
        )
        for row in chosen
    ]
