"""Closes that the user keeps in CSV files."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from crawler.errors import PriceDataError
from crawler.prices import csvfile
from crawler.prices.series import Series, failure
from store.records import Asset, PriceAnswer


def read_files(assets: Sequence[Asset], base_dir: Path, now: datetime) -> list[Series]:
    """Return the assets kept in CSV files, each file read once."""
    by_path: dict[str, list[Asset]] = {}
    for asset in assets:
        provider, _, path = asset.source.partition(":")
        if provider == "csv":
            by_path.setdefault(path, []).append(asset)
    return [
        series
        for path, group in by_path.items()
        for series in _read_file(base_dir / path, group, now)
    ]


def _read_file(path: Path, assets: Sequence[Asset], now: datetime) -> list[Series]:
    try:
        body = path.read_bytes()
        rows = csvfile.split(body, path.name)
    except (OSError, PriceDataError) as error:
        row = failure(
            path.name,
            type(error).__name__,
            f"{path}: {getattr(error, 'strerror', None) or error}",
            "mend or replace the file; its columns are asset,date,close",
        )
        return [Series(asset=assets[0], failures=(row,))]
    answer = PriceAnswer(fetched_at=now)
    series = []
    for asset in assets:
        bars, bad = csvfile.bars(asset, rows.get(asset.id, []), now=now)
        failures = [
            failure(f"{path.name}:{line}", "value", message, "mend the line")
            for line, message in bad
        ]
        if asset.id not in rows:
            message = f"{path.name} has no rows of asset {asset.id!r}"
            failures.append(failure(asset.id, "missing", message, "add its closes to the file"))
        series.append(Series(asset=asset, bars=bars, answer=answer, failures=tuple(failures)))
    return series
