"""Prices as stages: fetched from their providers, or imported from archives."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crawler.archives.readers import BadRow, Row
from crawler.archives.rows import PRICE_COLUMNS, ItemError, asset_id_of, bar_of
from crawler.archives.run import import_files
from crawler.decide import body_hash
from crawler.errors import CrawlError, PriceDataError
from crawler.fetch import Client, fetch, open_client
from crawler.messages import Request
from crawler.prices import binance, cboe, coinbase, csvfile, fred, nyfed
from crawler.prices.guess import guess_asset
from crawler.reporting import FailureLog, Run, finish
from crawler.settings import CrawlSettings
from crawler.urls import redact
from store.records import Asset, Failure, PriceBar, StageReport

if TYPE_CHECKING:
    from store import Store

Progress = Callable[..., Any]
PROVIDERS: dict[str, Any] = {
    "fred": fred,
    "cboe": cboe,
    "binance": binance,
    "coinbase": coinbase,
    "nyfed": nyfed,
}
LEAST_INTERVAL = timedelta(hours=12)
FIRST_DAY = date(2015, 1, 1)
# Values are revised for a while after they come out: a fetch goes back over these days.
OVERLAP = timedelta(days=30)
# One request of an exchange holds a few hundred days: a longer gap takes several.
MAX_REQUESTS = 20
BATCH = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """What a provider had to say of one asset."""

    asset: Asset
    bars: Sequence[PriceBar] = ()
    body_hash: str | None = None
    failures: tuple[Failure, ...] = ()


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
    An asset that was fetched less than 12 hours before ``now`` waits. A value that differs
    from the stored one is appended and was not known before ``now``. One transaction for each
    asset; the same answers twice change no row.
    """
    started = time.monotonic()
    with store.transaction():
        store.assets.sync(assets)
    run = store.runs.begin("prices", now=now)
    log = FailureLog(run)
    counts = {"new": 0, "revised": 0}
    due = [asset for asset in assets if _is_due(store, asset, now)]
    answers = _read_files(due, base_dir, now)
    remote = [asset for asset in due if asset.source.partition(":")[0] in PROVIDERS]
    if remote:
        since = {asset.id: store.prices.last_date(asset.id) for asset in remote}
        answers += asyncio.run(_ask_all(remote, since, now, settings))
    answers += [_unsupported(asset) for asset in due if not _is_supported(asset)]
    for answer in progress(answers, "prices") if progress else answers:
        _store_series(store, run, answer, now, log, counts)
    return finish("prices", run, log, counts, [], now=now, started=started)


def _is_due(store: "Store", asset: Asset, now: datetime) -> bool:
    # Derived series are computed where they are used; others may have no provider.
    if not asset.source or asset.source.startswith("derived:"):
        return False
    last = store.prices.fetched_at(asset.id)
    return last is None or not now - LEAST_INTERVAL < last <= now


def _is_supported(asset: Asset) -> bool:
    provider = asset.source.partition(":")[0]
    return provider == "csv" or provider in PROVIDERS


def _unsupported(asset: Asset) -> _Series:
    message = f"asset {asset.id!r}: the source {asset.source!r} is not supported in this version"
    advice = f"use csv:PATH or one of {', '.join(sorted(PROVIDERS))}"
    return _Series(asset=asset, failures=(_failure(asset.id, "unsupported", message, advice),))


def _failure(item: str, kind: str, message: str, advice: str) -> Failure:
    return Failure(stage="prices", item=item, kind=kind, message=message, advice=advice)


def _store_series(
    store: "Store",
    run: Run,
    series: _Series,
    now: datetime,
    log: FailureLog,
    counts: dict[str, int],
) -> None:
    bars = [bar for bar in series.bars if bar.known_at <= now]
    with store.transaction():
        if bars and store.prices.differs(bars):
            added = store.prices.add(bars, run.id, revised_at=now)
            counts["new"] += added.new
            counts["revised"] += added.revised
        if series.body_hash is not None:
            store.prices.mark_fetched(series.asset.id, now, series.body_hash)
        for failure in series.failures:
            log.add(failure)


def _read_files(assets: Sequence[Asset], base_dir: Path, now: datetime) -> list[_Series]:
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


def _read_file(path: Path, assets: Sequence[Asset], now: datetime) -> list[_Series]:
    try:
        body = path.read_bytes()
        rows = csvfile.split(body, path.name)
    except (OSError, PriceDataError) as error:
        row = _failure(
            path.name,
            type(error).__name__,
            f"{path}: {getattr(error, 'strerror', None) or error}",
            "mend or replace the file; its columns are asset,date,close",
        )
        return [_Series(asset=assets[0], failures=(row,))]
    digest = body_hash(body)
    series = []
    for asset in assets:
        bars, bad = csvfile.bars(asset, rows.get(asset.id, []), now=now)
        failures = [
            _failure(f"{path.name}:{line}", "value", message, "mend the line")
            for line, message in bad
        ]
        if asset.id not in rows:
            message = f"{path.name} has no rows of asset {asset.id!r}"
            failures.append(_failure(asset.id, "missing", message, "add its closes to the file"))
        series.append(_Series(asset=asset, bars=bars, body_hash=digest, failures=tuple(failures)))
    return series


async def _ask_all(
    assets: Sequence[Asset],
    since: dict[str, date | None],
    now: datetime,
    settings: CrawlSettings,
) -> list[_Series]:
    async with open_client(settings, now=now) as client:
        return list(
            await asyncio.gather(*(_ask(client, asset, since[asset.id], now) for asset in assets))
        )


async def _ask(client: Client, asset: Asset, last: date | None, now: datetime) -> _Series:
    """Ask a provider from the last known days on, in as many requests as it takes."""
    start = FIRST_DAY if last is None else last - OVERLAP
    bars: dict[date, PriceBar] = {}
    digest = None
    try:
        for _ in range(MAX_REQUESTS):
            page, digest = await _ask_page(client, asset, start, now)
            fresh = [bar for bar in page if bar.date not in bars]
            bars.update((bar.date, bar) for bar in fresh)
            # Whole series come at once; candles come in pages that end before today.
            pages = asset.source.startswith(("binance:", "coinbase:"))
            if not pages or start + timedelta(days=290) > now.date():
                break
            start = max(bars) if fresh else start + timedelta(days=290)
    except CrawlError as error:
        row = _failure(
            asset.id,
            type(error).__name__,
            f"{asset.source}: {error}",
            "the provider is asked again by itself; import closes if it lasts",
        )
        return _Series(asset=asset, failures=(row,))
    return _Series(asset=asset, bars=[bars[day] for day in sorted(bars)], body_hash=digest)


async def _ask_page(
    client: Client, asset: Asset, start: date, now: datetime
) -> tuple[list[PriceBar], str]:
    provider, _, name = asset.source.partition(":")
    module = PROVIDERS[provider]
    url = module.request(name, start)
    cap = client.settings.limits.feed_bytes
    fetched = await fetch(client, Request(url=url, cap_bytes=cap, accept="text/csv, */*;q=0.5"))
    if fetched.outcome is not None or not 200 <= (fetched.status or 0) < 300:
        reason = fetched.error or f"answered {fetched.status}"
        raise PriceDataError(f"{redact(url)}: {reason}")
    page: list[PriceBar] = module.parse(fetched.body, asset, now=now)
    return page, body_hash(fetched.body)


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

    return import_files(store, paths, PRICE_COLUMNS, start, now=now, progress=progress, batch=BATCH)


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
