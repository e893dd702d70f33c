"""Build, check, render and write: nothing leaves here that the evidence gate did not pass."""

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from api.errors import ConfigError
from api.report.build import build_report
from api.report.gate import check
from api.report.gate_markdown import check_markdown
from api.report.pdf import render_pdf
from api.report.records import ReportFormat, WeeklyReport
from api.report.render import render_html, render_json, render_markdown

if TYPE_CHECKING:
    from store import Store

FORMATS: tuple[ReportFormat, ...] = get_args(ReportFormat)


def render(store: "Store", week: str | None, kind: ReportFormat, *, now: datetime) -> bytes:
    """Return the report of a week in one format; ``store`` may be open for reading only.

    Raises
    ------
    ConfigError
        When ``week`` is no ISO week or has no data.
    NotFoundError
        When the database has no data at all.
    EvidenceError
        When a sentence, cell or quote is not what the stored rows say.
    """
    return rendered(kind, checked_report(store, week, now=now))


def checked_report(store: "Store", week: str | None, *, now: datetime) -> WeeklyReport:
    """Return a report that has passed the evidence gate."""
    report = build_report(store, week, now=now)
    check(report, store, now=now)
    check_markdown(render_markdown(report), report)
    return report


def rendered(kind: ReportFormat, report: WeeklyReport) -> bytes:
    """Return a report as the bytes of a file."""
    if kind == "pdf":
        return render_pdf(report)
    if kind == "json":
        text = json.dumps(render_json(report), indent=2, ensure_ascii=False) + "\n"
    else:
        text = render_html(report) if kind == "html" else render_markdown(report)
    # A lone surrogate in a crawled text is no reason to lose the report.
    return text.encode("utf-8", errors="replace")


def write_report(
    store: "Store", week: str | None, out: Path, formats: Sequence[str], now: datetime
) -> list[Path]:
    """Write ``narratives-2026-W05.html`` and its kin; return their paths.

    Every file is rendered before the first is written, and put in its place whole.

    Parameters
    ----------
    formats : sequence of str
        Of ``html``, ``md``, ``pdf`` and ``json``.

    Raises
    ------
    ConfigError
        For an unknown format, a week that is none, or a folder that cannot be written.
    EvidenceError
        When a sentence, cell or quote is not what the stored rows say.
    """
    if odd := sorted(set(formats) - set(FORMATS)):
        raise ConfigError(f"no report format {odd[0]!r}: choose from {', '.join(FORMATS)}")
    report = checked_report(store, week, now=now)
    files = {
        out / f"narratives-{report.week.name}.{kind}": rendered(kind, report)
        for kind in FORMATS
        if kind in formats
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            _put(path, content)
    except OSError as error:
        raise ConfigError(
            f"cannot write the report to {str(out)!r} ({error.strerror}): give another --out"
        ) from error
    return list(files)


def _put(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there, so that no reader sees half of it."""
    partial = path.with_name(f"{path.name}.tmp")
    try:
        with partial.open("wb") as file:
            file.write(content)
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
