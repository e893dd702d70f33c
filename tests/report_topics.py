"""Reports over the sample store with topics, for the tests of their two sections."""

import io
from datetime import UTC, datetime
from typing import Any

import pypdf

from api.report import build_report, check, render_markdown
from api.report.gate_markdown import check_markdown
from api.report.pdf import render_pdf
from store import Store

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def write(store: Store, sql: str, *values: Any) -> None:
    """Change rows behind the back of the store."""
    store.db.execute(sql, values)
    store.db.conn.commit()


def built(store: Store, week: str = "2026-W05") -> Any:
    """Return a report that has passed the gate."""
    made = build_report(store, week, now=NOW)
    check(made, store, now=NOW)
    check_markdown(render_markdown(made), made)
    return made


def paper(made: Any) -> str:
    """Return the text of the PDF."""
    reader = pypdf.PdfReader(io.BytesIO(render_pdf(made)))
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())
