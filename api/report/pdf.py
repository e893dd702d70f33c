"""The report as a PDF, set by Typst: crawled text goes in as data and is never markup.

The template reads one JSON value. Characters that the fonts inside Typst have are set with
those alone, so that every machine gives the same bytes; a report with others (Chinese, say)
may use the fonts of the system, where it has any.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api import wording
from api.charts import moves_chart, suspects_chart
from api.errors import ConfigError
from api.report import phrases
from api.report.basis import OutsideStory
from api.report.draw import draw
from api.report.records import Evidence, WeeklyReport
from api.report.topic_records import TopicQuote

TEMPLATE = Path(__file__).parent.parent / "templates" / "report.typ"
_FALLBACK = re.compile(r"var\(--[a-z-]+, ?([^)]+)\)")
_INK = "#1b1f24"
# Libertinus has Latin, Greek, Cyrillic, punctuation and signs; not what lies between and beyond.
_FOREIGN = re.compile(r"[\u0590-\u1dff\u2460-\U0010ffff]")
_SOURCES, _QUOTES, _ANALOGS, _CASES, _LARGEST, _DRAWN = 8, 2, 5, 4, 8, 6


def render_pdf(report: WeeklyReport) -> bytes:
    """Return the report as a tagged PDF of A4 pages.

    Raises
    ------
    ConfigError
        When Typst cannot set the document.
    """
    import typst

    value = json.dumps(pdf_values(report), ensure_ascii=False, default=str)
    at = report.as_of or datetime(1970, 1, 1, tzinfo=UTC)
    try:
        made = typst.compile(
            str(TEMPLATE),
            sys_inputs={"report": value},
            ignore_system_fonts=not _FOREIGN.search(value),
            timestamp=int(at.timestamp()),
            pdf_tags=True,
        )
    except typst.TypstError as error:
        raise ConfigError(
            f"the PDF of {report.week.name} cannot be set ({error}): choose --format html,md,json,"
            " and report it as a bug"
        ) from error
    assert isinstance(made, bytes)
    return made


def pdf_values(report: WeeklyReport) -> dict[str, Any]:
    """Return all that the template prints, worded: texts, rows of texts, and drawings."""
    week = report.week
    return {
        "title": f"Narratives and the tape, week {int(week.name[6:])} of {week.name[:4]}",
        "week": week.name,
        "dates": f"{wording.day_text((week.sessions or [week.monday])[0])} to"
        f" {wording.day_text((week.sessions or [week.sunday])[-1])}",
        "as_of": wording.instant_text(report.as_of),
        "day": report.as_of and [report.as_of.year, report.as_of.month, report.as_of.day],
        "headline": _text(report.headline),
        "absent": _texts(report.absent),
        "summary": _texts(report.summary),
        "leads": {name: _texts(getattr(report.leads, name)) for name in report.leads.__slots__},
        "moved_on": wording.day_text(report.tape.day),
        "moves": _moves(report),
        "told": _told(report),
        "claims": [[_text(one.name), _text(one.proposition)] for one in report.told],
        "disputes": [
            {
                "name": _text(one.name),
                "lead": _text(phrases.unstopped(one.lead)),
                "quotes": [_quote(quote) for quote in one.quotes],
            }
            for one in report.disputes
        ],
        "inquiry": _inquiry(report),
        "review": [
            [
                _text(one.condition.words),
                wording.short_day(one.condition.falsifier.by),
                phrases.seen(one),
                phrases.outcome(one),
            ]
            for one in (*report.review.last, *report.review.older)
        ],
        "known_by": wording.instant_text(report.review.known_by),
        "drift": _texts(
            [phrases.unstopped(one.said) for one in report.drift.moved[: phrases.MOST_DRIFTS]]
        ),
        "topics": _topics(report),
        "outside": _outside(report),
        "scan": _scan(report),
        "quality": _quality(report),
        "window": [wording.instant_text(week.start), wording.instant_text(week.end)],
        "charts": _charts(report),
    }


def _text(words: str) -> str:
    return wording.tied(phrases.printable(phrases.cut(words)))


def _texts(sentences: Sequence[str]) -> list[str]:
    return [wording.tied(phrases.printable(words)) for words in sentences]


def _link(title: str, url: str | None) -> dict[str, str | None]:
    return {"text": _text(phrases.cut(title, 110)), "url": wording.web_address(url)}


def _quote(quote: Evidence) -> dict[str, Any]:
    link = _link(quote.title, quote.url)
    same = " ".join(quote.title.split()) == " ".join(quote.quote.split())
    return {
        "text": _text(quote.quote),
        "stance": quote.stance,
        "source": _text(quote.source or "unknown source"),
        # A headline that is its own quote is not printed twice.
        "title": "open" if same and link["url"] else "" if same else link["text"],
        "url": link["url"],
        "at": wording.instant_text(quote.published_at).partition(",")[0],
    }


def _moves(report: WeeklyReport) -> list[list[str]]:
    week = {change.asset_id: change for change in report.tape.week}
    rows = []
    for move in report.tape.moves:
        change = week.pop(move.asset_id, None)
        closes = (
            wording.MISSING if change is None else _closes(change.first_close, change.last_close)
        )
        rows.append([
            _text(move.name),
            wording.change(move.change, move.unit),
            wording.sigma(move.sigma),
            wording.MISSING if change is None else wording.change(change.change, change.unit),
            closes,
        ])  # fmt: skip
    for change in week.values():
        closes = _closes(change.first_close, change.last_close)
        rows.append([_text(change.name), wording.MISSING, wording.MISSING,
                     wording.change(change.change, change.unit), closes])  # fmt: skip
    return [[wording.tied(cell) for cell in row] for row in rows]


def _closes(first: float, last: float) -> str:
    return f"{wording.price(first)} → {wording.price(last)}"


def _told(report: WeeklyReport) -> list[dict[str, Any]]:
    rows = []
    for one in report.told:
        chance = "" if one.change is None else "clear" if one.is_clear else "could be chance"
        rows.append(
            {
                "id": one.narrative_id,
                "name": _text(one.name + (" (tagged afterwards)" if one.back_tagged else "")),
                "share": wording.tied(wording.percent(one.share)),
                "interval": wording.tied(wording.percent_interval(one.low, one.high)),
                "change": wording.tied(wording.share_change(one.change)),
                "chance": chance if one.change else "",
                "stories": f"{one.stories:,}",
                "stance": f"{one.favor} / {one.against} / {one.none}",
            }
        )
    return rows


def _inquiry(report: WeeklyReport) -> dict[str, Any] | None:
    inquiry = report.inquiry
    if inquiry is None:
        return None
    shown = [case for case in inquiry.cases if case.suspect.status != "quiet"]
    return {
        "verdict": _text(inquiry.verdict),
        "none_of_these": _texts(inquiry.none_of_these),
        "cases": [
            {
                "name": f"{case.suspect.rank}. {_text(case.name)}",
                "status": _text(case.status),
                "fired": _text("; ".join(case.fired)),
                "quotes": [_quote(quote) for quote in case.quotes[:_QUOTES]],
            }
            for case in shown[:_CASES]
        ],
        "others": _text(
            "; ".join(
                f"{case.suspect.rank}. {case.name}, {case.status}"
                for case in inquiry.cases[_DRAWN:]
            )
        ),
        "analog_statement": _texts(inquiry.analog_statement),
        "analogs": [
            [
                _text(one.name),
                wording.day_text(one.analog.date),
                wording.fixed(one.analog.cosine, signed=True),
                wording.fixed(one.analog.distance, 1),
                wording.percentile(one.analog.percentile),
            ]
            for one in inquiry.analogs[:_ANALOGS]
        ],
        "falsifiers": [
            [_text(one.words), wording.day_text(one.falsifier.by)] for one in inquiry.falsifiers
        ],
    }


def _topics(report: WeeklyReport) -> dict[str, Any]:
    topics = report.topics
    groups = [("Emerging", topics.emerging), ("Growing", topics.growing),
              ("Fading", topics.fading), ("Weak signals", topics.weak)]  # fmt: skip
    return {
        "runs": bool(topics.runs),
        "proposed": [
            {
                "label": _text(line.label),
                "said": _text(line.said),
                "words": _text(phrases.more_words(line)),
                "quotes": [_topic_quote(quote) for quote in line.quotes],
                "accept": [_text(part) for part in phrases.command(line.accept or "")],
            }
            for line in topics.proposed.shown
        ],
        "groups": [
            {
                "title": title,
                "lines": [_text(phrases.unstopped(line.said)) for line in group.shown],
            }
            for title, group in groups
            if group.shown
        ],
        "notes": _texts([*topics.turns, *topics.sure]),
    }


def _topic_quote(quote: TopicQuote) -> dict[str, Any]:
    link = _link(quote.title or "open", quote.url)
    return {
        "text": _text(quote.quote),
        "source": _text(quote.source or "unknown source"),
        "title": link["text"] if quote.title or link["url"] else "",
        "url": link["url"],
        "at": wording.instant_text(quote.published_at).partition(",")[0],
    }


def _outside(report: WeeklyReport) -> dict[str, Any]:
    def story(one: OutsideStory) -> dict[str, Any]:
        return {**_link(one.title, one.url), "source": _text(one.source), "copies": one.copies}

    outside = report.outside
    return {
        "words": [
            {
                "cells": [
                    _text(one.word),
                    f"{one.stories} of {outside.stories:,}",
                    f"{one.before} of {outside.before:,}",
                    str(one.sources),
                    wording.pvalue(one.pvalue_adj),
                ],
                "example": story(one.example),
            }
            for one in outside.words[: phrases.fewer(report)]
        ],
        "told": [story(one) for one in outside.told[: phrases.fewer(report)]],
    }


def _scan(report: WeeklyReport) -> dict[str, Any] | None:
    scan = report.scan
    if scan is None:
        return None
    return {
        "rows": [
            [
                f"{_text(one.narrative)} and {_text(one.asset)}",
                one.order,
                wording.fixed(one.cell.effect, signed=True),
                wording.interval(one.cell.effect_low, one.cell.effect_high),
                str(one.cell.n),
                wording.pvalue(one.cell.pvalue_adj),
            ]
            for one in scan.shown
        ],
        "method": _text(scan.method),
    }


def _quality(report: WeeklyReport) -> dict[str, Any]:
    quality = report.quality
    return {
        "models": [_text(one) for one in quality.models],
        "missing": [wording.day_text(day) for day in quality.missing_days],
        "untagged": [f"{_text(language)} ({n})" for language, n in quality.untagged],
        "failures": [
            [_text(f"{one.stage}: {one.kind}"), f"{one.items:,}",
             _text(phrases.cut(one.message, 110)), _text(phrases.cut(one.advice, 90))]
            for one in quality.failures
        ],
        "quiet": [
            _text(f"{one.name} ({wording.counted(one.documents, 'document')})")
            for one in quality.quiet[:_SOURCES]
        ],
        "sources": [
            [_text(one.name), f"{one.documents:,}", f"{one.stories:,}", phrases.hours(one.lag),
             one.status]
            for one in quality.outlets[:_SOURCES]
        ],
        "more": f"{max(0, len(quality.outlets) - _SOURCES):,}",
    }  # fmt: skip


def _charts(report: WeeklyReport) -> Mapping[str, Any]:
    """Return the drawings, with the colours that Typst's reader of SVG cannot look up."""

    def each(value: Any, change: Callable[[str], str]) -> Any:
        if isinstance(value, Mapping):
            return {key: each(part, change) for key, part in value.items()}
        if isinstance(value, list):
            return [each(part, change) for part in value]
        return change(str(value))

    drawn = {**draw(report), "largest": moves_chart(report.tape.moves[:_LARGEST])}
    if report.inquiry is not None:
        first = [case.suspect for case in report.inquiry.cases[:_DRAWN]]
        answer = replace(report.inquiry.explanation, suspects=first)
        names = {told.narrative_id: told.name for told in report.told}
        drawn["suspects"] = suspects_chart(answer, names)
    found: Mapping[str, Any] = each(drawn, _on_paper)
    return found


def _on_paper(svg: str) -> str:
    plain = _FALLBACK.sub(r"\1", svg).replace("currentColor", _INK)
    plain = phrases.printable(plain, longest=10_000)
    return plain.replace("<svg ", '<svg font-family="Libertinus Serif" ', 1)
