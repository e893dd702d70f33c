"""The weekly narrative report: select -> compute -> render.

``build_report`` gives the record, ``write_report`` the files. A report only reads the store,
prints no number that is not a stored row or a sum, share or difference of stored rows, and
is the same bytes from the same snapshot: no clock enters it.
"""

from api.report.build import build_report
from api.report.records import WeeklyReport
from api.report.render import render_html, render_json, render_markdown, write_report

__all__ = [
    "WeeklyReport",
    "build_report",
    "render_html",
    "render_json",
    "render_markdown",
    "write_report",
]
