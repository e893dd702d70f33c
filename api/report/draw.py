"""The charts of a report, by their place in it."""

from typing import Any

from markupsafe import Markup

from api import charts, wording
from api.report.records import Told, WeeklyReport

_CHARTED = 3


def draw(report: WeeklyReport) -> dict[str, Any]:
    """Return the charts of a report by their place in it."""
    names = {told.narrative_id: told.name for told in report.told}
    drawn: dict[str, Any] = {
        "sparks": {told.narrative_id: _spark(told) for told in report.told},
        "stances": {
            told.narrative_id: charts.stance_bar(told.favor, told.against, told.none)
            for told in report.told
        },
        "stories": [_story(told, report) for told in _charted(report)],
    }
    if report.tape.moves:
        drawn["moves"] = charts.moves_chart(report.tape.moves)
    if report.inquiry is not None:
        drawn["suspects"] = charts.suspects_chart(report.inquiry.explanation, names)
    if report.scan is not None:
        assets = dict(report.scan.assets)
        drawn["heatmap"] = charts.alignment_heatmap(report.scan.next_session, names, assets, lag=1)
        drawn["lags"] = charts.lag_chart(report.scan.pair)
    return drawn


def _spark(told: Told) -> Markup:
    days = told.days
    last = next((day for day in reversed(days) if day.share is not None), None)
    label = f"{told.name}, {wording.counted(len(days), 'session')}"
    if last is not None:
        label += f", last {wording.percent(last.share)} on {wording.day_text(last.day)}"
    return charts.sparkline(
        [day.share for day in days],
        [day.low for day in days],
        [day.high for day in days],
        label=label,
    )


def _charted(report: WeeklyReport) -> list[Told]:
    """Return the narratives worth a chart: the best suspects, the riser, the one told most."""
    by_id = {told.narrative_id: told for told in report.told}
    wanted = []
    if report.inquiry is not None:
        wanted += [case.suspect.narrative_id for case in report.inquiry.cases[:2]]
    wanted += [told.narrative_id for told in (*report.told[:1], *report.rose[:1])]
    chosen = [by_id[id_] for id_ in dict.fromkeys(wanted) if id_ in by_id]
    return [told for told in chosen if told.days][:_CHARTED]


def _story(told: Told, report: WeeklyReport) -> Markup:
    """Return the chart of a narrative over the asset that moved most."""
    days = [day.day for day in told.days]
    events = {} if report.tape.day is None else {report.tape.day: "the week's largest move"}
    return charts.intensity_chart(
        days,
        [day.share for day in told.days],
        [day.low for day in told.days],
        [day.high for day in told.days],
        name=told.name,
        events=events,
        price=_price(report),
        stance=(
            [day.favor for day in told.days],
            [day.against for day in told.days],
            [day.none for day in told.days],
        ),
    )


def _price(report: WeeklyReport) -> charts.PriceLine | None:
    if not report.tape.closes:
        return None
    return charts.PriceLine(
        name=report.tape.moves[0].name,
        days=[day for day, _ in report.tape.closes],
        closes=[close for _, close in report.tape.closes],
        unit=report.tape.closes_unit,
    )
