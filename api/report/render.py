"""Render a report as HTML, Markdown or JSON, and write the files.

The HTML needs nothing beside itself: style and charts are inline, its policy forbids any
request, and all text is escaped. Nothing is computed here but the charts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api import charts, wording
from api.errors import ConfigError
from api.report.build import build_report
from api.report.markdown import escaped, linked
from api.report.records import Told, WeeklyReport

if TYPE_CHECKING:
    from store import Store

FORMATS = ("html", "md", "json")
TEMPLATES = Path(__file__).parent.parent / "templates"
_MOST_QUOTE = 420
_CHARTED = 3


def write_report(
    store: "Store", week: str | None, out: Path, formats: Sequence[str], now: datetime
) -> list[Path]:
    """Write ``narratives-2026-W05.html`` and its kin; return their paths.

    Parameters
    ----------
    formats : sequence of str
        Of ``html``, ``md`` and ``json``.

    Raises
    ------
    ConfigError
        For an unknown format, a week that is none, or a folder that cannot be written.
    """
    if odd := sorted(set(formats) - set(FORMATS)):
        raise ConfigError(f"no report format {odd[0]!r}: choose from {', '.join(FORMATS)}")
    report = build_report(store, week, now=now)
    written = []
    try:
        out.mkdir(parents=True, exist_ok=True)
        for kind in FORMATS:
            if kind in formats:
                path = out / f"narratives-{report.week.name}.{kind}"
                path.write_text(_rendered(kind, report), encoding="utf-8", newline="\n")
                written.append(path)
    except OSError as error:
        raise ConfigError(
            f"cannot write the report to {str(out)!r} ({error.strerror}): give another --out"
        ) from error
    return written


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


def render_html(report: WeeklyReport) -> str:
    """Return the report as one HTML page that needs nothing beside itself."""
    template = _environment(html=True).get_template("report.html.jinja")
    return template.render(r=report, charts=draw(report))


def render_markdown(report: WeeklyReport) -> str:
    """Return the report as Markdown, without charts."""
    return _environment(html=False).get_template("report.md.jinja").render(r=report)


def render_json(report: WeeklyReport) -> dict[str, Any]:
    """Return the report as JSON values: instants and dates as text, records as objects."""
    return {"format": "tapestory-report/1", **_values(report)}


def _rendered(kind: str, report: WeeklyReport) -> str:
    if kind == "html":
        return render_html(report)
    if kind == "md":
        return render_markdown(report)
    return json.dumps(render_json(report), indent=2, ensure_ascii=False) + "\n"


@cache
def _environment(*, html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=html,
        finalize=None if html else escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["w"] = wording
    environment.globals["link"] = linked
    environment.globals["safe"] = Markup  # for macros, whose parts are escaped already
    environment.filters["cut"] = cut
    return environment


def cut(words: str, most: int = _MOST_QUOTE) -> str:
    """Return a text cut after a whole word, with an ellipsis where it was cut."""
    words = " ".join(words.split())
    if len(words) <= most:
        return words
    return words[:most].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


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


def _values(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _values(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _values(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_values(part) for part in value]
    return value
