"""A CSV of closes in long form, ``asset,date,close``, kept by the user."""

import csv
import io
from datetime import datetime

from crawler.errors import PriceDataError
from crawler.prices.values import checked_bar, parse_day, parse_number
from store.records import Asset, PriceBar

_NAMES = ("asset", "date", "close")


def split(body: bytes, what: str) -> dict[str, list[tuple[int, str, str]]]:
    """Return line number, date and close of every row by asset.

    Raises
    ------
    PriceDataError
        When the file is not UTF-8, lacks a column or has a row that is none.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PriceDataError(
            f"{what}: not UTF-8 from byte {error.start} on; save it as UTF-8"
        ) from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    line = 0
    rows: dict[str, list[tuple[int, str, str]]] = {}
    try:
        _name_columns(reader, what)
        line = reader.line_num
        for row in reader:
            line = reader.line_num
            entry = (line, row["date"] or "", row["close"] or "")
            rows.setdefault((row["asset"] or "").strip(), []).append(entry)
    except csv.Error as error:
        raise PriceDataError(
            f"{what}: the row after line {line} cannot be read ({error});"
            " look for a quote that is not closed"
        ) from error
    return rows


def _name_columns(reader: "csv.DictReader[str]", what: str) -> None:
    found = [name.strip().lower() for name in reader.fieldnames or ()]
    if missing := [name for name in _NAMES if name not in found]:
        raise PriceDataError(
            f"{what}: no column {', '.join(missing)}; it has {', '.join(found) or 'none'}"
        )
    reader.fieldnames = found


def bars(
    asset: Asset, rows: list[tuple[int, str, str]], *, now: datetime
) -> tuple[list[PriceBar], list[tuple[int, str]]]:
    """Return the bars that were public by ``now``, and line and reason of rows that are none."""
    good: dict[object, PriceBar] = {}
    bad: list[tuple[int, str]] = []
    for line, stated_day, stated_close in rows:
        try:
            close = parse_number(stated_close)
            if close is None:
                continue
            bar = checked_bar(asset, parse_day(stated_day), close)
        except PriceDataError as error:
            bad.append((line, str(error)))
            continue
        if good.setdefault(bar.date, bar).close != bar.close:
            bad.append((line, f"{bar.date} comes twice with different values"))
    ordered = sorted(good.values(), key=lambda bar: bar.date)
    return [bar for bar in ordered if bar.known_at <= now], bad
