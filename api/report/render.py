"""Render a report as HTML, Markdown or JSON.

The HTML needs nothing beside itself: style and charts are inline, its policy forbids any
request, and all text is escaped. Nothing is computed here but the charts.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api import wording
from api.report import phrases
from api.report.draw import draw
from api.report.facts import Fact, Said, sentences_of
from api.report.markdown import escaped, linked
from api.report.records import WeeklyReport

TEMPLATES = Path(__file__).parent.parent / "templates"


def render_html(report: WeeklyReport) -> str:
    """Return the report as one HTML page that needs nothing beside itself."""
    template = _environment(html=True).get_template("report.html.jinja")
    return template.render(r=report, charts=draw(report))


def render_markdown(report: WeeklyReport) -> str:
    """Return the report as Markdown, without charts."""
    return _environment(html=False).get_template("report.md.jinja").render(r=report)


def render_json(report: WeeklyReport) -> dict[str, Any]:
    """Return the report as JSON values: instants and dates as text, records as objects.

    ``evidence`` lists every sentence that the report composed, with the rows that it cites.
    """
    evidence = [
        {
            "text": str(said),
            "facts": [
                _values(part)
                for clause in said.clauses
                for part in clause.parts.values()
                if isinstance(part, Fact)
            ],
        }
        for said in dict.fromkeys(one for one in sentences_of(report) if isinstance(one, Said))
    ]
    return {"format": "tapestory-report/1", **_values(report), "evidence": evidence}


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
    environment.globals["p"] = phrases
    environment.globals["most_sources"] = phrases.MOST_SOURCES
    environment.globals["most_drifts"] = phrases.MOST_DRIFTS
    environment.globals["link"] = linked
    environment.globals["safe"] = Markup  # for macros, whose parts are escaped already
    environment.filters["cut"] = phrases.cut
    environment.filters["tied"] = wording.tied
    environment.filters["unstopped"] = phrases.unstopped
    return environment


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
