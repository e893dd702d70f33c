"""The weekly narrative report: select -> compute -> check -> render.

``build_report`` gives the record, ``render`` the bytes of one format, ``write_report`` the
files. A report only reads the store, prints no number that is not a stored row or a sum,
share, difference or rank of stored rows (``gate.py`` reads them again before anything is
written), and is the same bytes from the same snapshot: no clock enters it.
"""

from api.report.build import build_report
from api.report.gate import check
from api.report.pdf import render_pdf
from api.report.records import ReportFormat, WeeklyReport
from api.report.render import render_html, render_json, render_markdown
from api.report.write import FORMATS, render, write_report

__all__ = [
    "FORMATS",
    "ReportFormat",
    "WeeklyReport",
    "build_report",
    "check",
    "render",
    "render_html",
    "render_json",
    "render_markdown",
    "render_pdf",
    "write_report",
]
