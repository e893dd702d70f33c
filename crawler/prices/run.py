"""Prices as stages: fetched from their providers, or imported from archives."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.archives.readers import BadRow, Row
from crawler.archives.rows import PRICE_COLUMNS, ItemError, asset_id_of, bar_of
from crawler.archives.run import import_files
from crawler.prices.asking import REMOTE, ask_all
from crawler.prices.checks import flag, flags, news
from crawler.prices.files import read_files
from crawler.prices.guess import guess_asset
from crawler.prices.series import Known, Series, failure
from crawler.prices.yfinance_library import read_library
from crawler.reporting import FailureLog, Run, finish
from crawler.settings import CrawlSettings
from store.records import Asset, Failure, PriceBar, StageReport

if TYPE_CHECKING:
    from store import Store

Progress = Callable[..., Any]
LEAST_INTERVAL = timedelta(hours=12)
BATCH = 20_000


# -- fetching -----------------------------------------------------------------------


def fetch_prices(
    store: "Store",
    assets: Sequence[Asset],
    *,
    now: datetime,
    settings: CrawlSettings,
    base_dir: Path,
    progress: Progress | None = None,
) -> StageReport:
    """Fetch the prices of the assets that are due and store what was public by ``now``.

    Parameters
    ----------
    base_dir : Path
        Folder against which ``csv:PATH`` is read.

    Returns
    -------
    StageReport
        ``new`` and ``revised`` count values.

    Notes
    -----
    An asset that was fetched less than 12 hours before ``now`` waits. A host that asked for a
    pause, here or in a crawl, is not asked before its end: a row of ``failures`` says so. A
    value that differs from the stored one is appended and was not known before ``now``. What
    is odd but stored (``checks.py``) is a row of ``failures`` that is not counted. One
    transaction for each asset; the same answers twice change no row.
    """
    started = time.monotonic()
    with store.transaction():
        store.assets.sync(assets)
    run = store.runs.begin("prices", now=now)
    log = FailureLog(run, "prices")
    counts = {"new": 0, "revised": 0}
    due = [asset for asset in assets if _is_due(store, asset, now)]
    known = {
        asset.id: Known(bars=store.prices.latest(asset.id), answer=store.prices.answer(asset.id))
        for asset in due
    }
    answers = read_files(due, base_dir, now) + read_library(due, known, now)
    if remote := [asset for asset in due if asset.source.partition(":")[0] in REMOTE]:
        asked, pauses = asyncio.run(
            ask_all(remote, known, now, settings, store.sources.pauses(now))
        )
        answers += asked
        if pauses:
            with store.transaction():
                store.sources.save_pauses(pauses)
    answers += [_unsupported(asset) for asset in due if not _is_supported(asset)]
    told = store.runs.reported("prices")
    for answer in progress(answers, "prices") if progress else answers:
        series = replace(answer, bars=[bar for bar in answer.bars if bar.known_at <= now])
        with store.transaction():
            stored = known[series.asset.id].bars
            _store_series(store, run, series, stored, now, counts)
            for row in series.failures:
                log.add(row)
            for row in _flags(series, stored, now):
                # Said once: a series that has ended stays so every night.
                if (row.item, row.kind, row.message) not in told:
                    log.add(row, counted=False)
    return finish("prices", run, log, counts, [], now=now, started=started)


def _is_due(store: "Store", asset: Asset, now: datetime) -> bool:
    # Derived series are computed where they are used; others may have no provider.
    if not asset.source or asset.source.startswith("derived:"):
        return False
    last = store.prices.answer(asset.id).fetched_at
    return last is None or not now - LEAST_INTERVAL < last <= now


def _is_supported(asset: Asset) -> bool:
    provider = asset.source.partition(":")[0]
    return provider in {"csv", "yfinance"} or provider in REMOTE


def _unsupported(asset: Asset) -> Series:
    message = f"asset {asset.id!r}: the source {asset.source!r} is not supported in this version"
    advice = f"use csv:PATH or one of {', '.join(sorted(REMOTE))}"
    return Series(asset=asset, failures=(failure(asset.id, "unsupported", message, advice),))


def _store_series(
    store: "Store",
    run: Run,
    series: Series,
    stored: Mapping[date, PriceBar],
    now: datetime,
    counts: dict[str, int],
) -> None:
    if fresh := news(series.bars, stored):
        added = store.prices.add(fresh, run.id, revised_at=now)
        counts["new"] += added.new
        counts["revised"] += added.revised
    if series.answer is not None:
        store.prices.remember(series.asset.id, series.answer)


def _flags(series: Series, stored: Mapping[date, PriceBar], now: datetime) -> list[Failure]:
    """Return what a person should know of an answer that was stored."""
    if series.answer is None and not series.bars:
        return []
    asset = series.asset
    advice = "nothing to do, unless it goes on: then compare with the provider's page"
    mended = [
        flag(asset, "mended", f"{asset.source}: {remark}", advice) for remark in series.remarks
    ]
    return mended + flags(asset, series.bars, stored, now=now)


# -- import -------------------------------------------------------------------------


def import_prices(
    store: "Store",
    paths: Sequence[Path],
    *,
    now: datetime,
    progress: Progress | None = None,
) -> StageReport:
    """Import archives of prices in long form.

    Returns
    -------
    StageReport
        ``new`` and ``revised`` count values, ``assets`` series that were not known before.

    Raises
    ------
    ImportFormatError
        When a file cannot be read at all; files before it are imported.

    Notes
    -----
    Importing a file twice changes no row. A value that differs from a stored one was not
    known before ``now``. One transaction for each batch.
    """

    def start(run: Run, log: FailureLog) -> _Intake:
        return _Intake(store, run, log, now)

    return import_files(
        store,
        paths,
        PRICE_COLUMNS,
        start,
        stage="prices",
        now=now,
        progress=progress,
        batch=BATCH,
    )


class _Intake:
    """The import so far: which assets there are, and which days the file has given."""

    def __init__(self, store: "Store", run: Run, log: FailureLog, now: datetime) -> None:
        self._store = store
        self._run = run
        self._log = log
        self._now = now
        self._assets = {asset.id: asset for asset in store.assets.all()}
        self._days: dict[str, dict[date, float]] = {}
        self._guessed: list[Asset] = []
        self._known = 0
        self.counts = {"new": 0, "revised": 0, "assets": 0}

    def take(self, batch: Sequence[Row | BadRow]) -> None:
        """Store a batch in one transaction."""
        with self._store.transaction():
            guessed = len(self._guessed)
            bars = [bar for row in batch if (bar := self._bar(row)) is not None]
            if fresh := self._guessed[guessed:]:
                self._store.assets.sync(fresh)
            # By asset: the store reads an asset's history once for each run of its bars.
            bars.sort(key=lambda bar: bar.asset_id)
            if not self._store.prices.differs(bars):
                self._known += len(bars)
                return
            added = self._store.prices.add(bars, self._run.id, revised_at=self._now)
            self.counts["new"] += added.new
            self.counts["revised"] += added.revised
            self._known += added.same

    def _bar(self, row: Row | BadRow) -> PriceBar | None:
        if isinstance(row, BadRow):
            self._log.row(row.where, row.kind, row.message)
            return None
        try:
            asset = self._asset(asset_id_of(row))
            bar = bar_of(row, asset, self._now)
            if bar is None:
                return None
            first = self._days.setdefault(asset.id, {}).setdefault(bar.date, bar.close)
            if first != bar.close:
                raise ItemError(
                    "conflict",
                    f"{asset.id} of {bar.date} is {first:g} in a row before and {bar.close:g} here",
                )
        except ItemError as error:
            self._log.row(row.where, error.kind, str(error))
            return None
        return bar

    def _asset(self, asset_id: str) -> Asset:
        if asset_id not in self._assets:
            self._assets[asset_id] = guess_asset(asset_id)
            self._guessed.append(self._assets[asset_id])
            self.counts["assets"] += 1
        return self._assets[asset_id]

    def end_of_file(self) -> None:
        """Forget the days of a file: the next one may revise them."""
        self._days.clear()

    def end(self) -> list[str]:
        """Return what a person should know of the import."""
        notes = []
        if self._guessed:
            shown = ", ".join(
                f"{asset.id} ({asset.asset_class}, {asset.unit}, {asset.calendar})"
                for asset in self._guessed[:5]
            )
            more = len(self._guessed) - 5
            notes.append(
                f"class, unit and calendar were guessed for {len(self._guessed)} unlisted assets:"
                f" {shown}{f' and {more} more' if more > 0 else ''}; list them to say otherwise"
            )
        if self._known:
            notes.append(f"{self._known:,} values were known already")
        return notes
