"""CSV that a spreadsheet opens as data: no crawled text becomes a formula.

Datasette writes cells as they are. A spreadsheet takes one that starts with ``=``, ``+``, ``-``
or ``@`` for a formula, which can send the rest of the sheet elsewhere; an apostrophe in front
makes it text. Numbers such as ``-0.5`` stay numbers.
"""

import csv
import io
import re
from typing import Any

from api.browse.headers import App

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_LENGTH = b"content-length"
_TYPES = (b"text/plain", b"text/csv")


def safe_cell(cell: str) -> str:
    """Return a cell that no spreadsheet runs: with an apostrophe in front where it might."""
    is_formula = cell.startswith(_FORMULA) and _NUMBER.fullmatch(cell) is None
    return f"'{cell}" if is_formula else cell


def safe_rows(text: str) -> str:
    """Return CSV with every cell made safe."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    # Datasette's own cap on a whole export is 100 MB; a cell of it may be as long as it likes.
    limit = csv.field_size_limit(2**30)
    try:
        for row in csv.reader(io.StringIO(text, newline="")):
            writer.writerow([safe_cell(cell) for cell in row])
    finally:
        csv.field_size_limit(limit)
    return written.getvalue()


class _Rows:
    """Whole rows out of a stream of bytes."""

    def __init__(self) -> None:
        self._pending = b""

    def push(self, chunk: bytes, *, is_last: bool) -> bytes:
        """Return the rows that are complete, made safe."""
        self._pending += chunk
        inside_quotes = self._pending.count(b'"') % 2 == 1
        if not is_last and (inside_quotes or not self._pending.endswith(b"\n")):
            return b""
        whole, self._pending = self._pending, b""
        return safe_rows(whole.decode(errors="replace")).encode()


def with_safe_cells(app: App) -> App:
    """Wrap an ASGI application: make the cells of its CSV safe on their way out."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        # Datasette takes the format from the path alone.
        if scope["type"] != "http" or not scope["path"].endswith(".csv"):
            await app(scope, receive, send)
            return
        rows: _Rows | None = None

        async def sending(message: dict[str, Any]) -> None:
            nonlocal rows
            if message["type"] == "http.response.start":
                headers = {name.lower(): value for name, value in message.get("headers", [])}
                if headers.get(b"content-type", b"").startswith(_TYPES):
                    rows = _Rows()
                    # The length changes; the server counts again, or sends chunks.
                    kept = [item for item in message["headers"] if item[0].lower() != _LENGTH]
                    message = {**message, "headers": kept}
            elif rows is not None:
                is_last = not message.get("more_body", False)
                body = rows.push(message.get("body", b""), is_last=is_last)
                message = {**message, "body": body}
            await send(message)

        await app(scope, receive, sending)

    return wrapped
