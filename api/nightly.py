"""The nightly run: the stages in order, each resumable, one exit code.

A stage that breaks does not stop those that can still work on what is stored: prices that
cannot be had must not keep the night's documents from being labelled.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from api import stages
from api.config import Settings
from store.errors import StoreError, TapestoryError
from store.records import Failure, Stage, StageReport

if TYPE_CHECKING:
    from crawler.sample import SampleServer
    from store import Store


def nightly(store: "Store", settings: Settings, *, now: datetime) -> Iterator[StageReport]:
    """Run the stages in order; yield the report of each as it ends."""
    yield _tolerated(store, lambda: stages.run_crawl(store, settings, now=now), "crawl")
    yield _tolerated(store, lambda: stages.run_prices(store, settings, now=now), "prices")
    yield from _from_store(store, settings, now=now)


def nightly_sample(store: "Store", settings: Settings) -> Iterator[StageReport]:
    """Replay the shipped three weeks, night by night, from a loopback server.

    Nights that the store has seen are skipped, so a second run has nothing to do and a killed
    one resumes where it stopped.
    """
    from crawler.sample import serve_sample

    with serve_sample() as sample:
        settings = replace(
            settings,
            sources=tuple(sample.sources),
            assets=tuple(sample.assets),
            # Nobody is to be told of the sample's January as if it were today.
            alerts=replace(settings.alerts, channels=()),
        )
        yield _timed(lambda: _replay(store, sample), "crawl")
        last = sample.nights[-1]
        yield _timed(lambda: _sample_prices(store, sample, last), "prices")
        yield from _from_store(store, settings, now=last)


def _replay(store: "Store", sample: "SampleServer") -> StageReport:
    """Crawl each night that is still to come for some source; add the reports up."""
    from crawler.run import crawl

    states = store.sources.states()
    seen = [
        state.last_ok_at if state else None
        for state in (states.get(source.id) for source in sample.sources)
    ]
    counts: dict[str, int] = {}
    failures = 0
    for night in sample.nights:
        if all(last is not None and last >= night for last in seen):
            continue
        sample.show_until(night)
        report = crawl(store, sample.sources, now=night, settings=sample.settings)
        failures += report.failures
        for name, count in report.counts.items():
            counts[name] = counts.get(name, 0) + count
    return StageReport(stage="crawl", counts=counts, failures=failures)


def _sample_prices(store: "Store", sample: "SampleServer", now: datetime) -> StageReport:
    from crawler.run import fetch_prices

    return fetch_prices(
        store, sample.assets, now=now, settings=sample.settings, base_dir=sample.base_dir
    )


def _from_store(store: "Store", settings: Settings, *, now: datetime) -> Iterator[StageReport]:
    """Run the stages that need no network."""
    yield _timed(lambda: stages.run_tag(store, settings, now=now), "tag")
    discover = stages.run_discover_due
    yield _tolerated(store, lambda: discover(store, settings, now=now), "discover")
    yield _timed(lambda: stages.run_align(store, settings, now=now), "align")
    yield _tolerated(store, lambda: stages.run_alerts(store, settings, now=now), "alerts")
    yield _timed(lambda: stages.run_publish(store), "publish")


def _timed(stage: Callable[[], StageReport], name: Stage) -> StageReport:
    """Run a stage and note its wall-clock time."""
    started = time.perf_counter()
    report = stage()
    return replace(report, stage=name, seconds=time.perf_counter() - started)


def _tolerated(store: "Store", stage: Callable[[], StageReport], name: Stage) -> StageReport:
    """Run a stage that brings data in; a breakdown is recorded and the rest goes on."""
    try:
        return _timed(stage, name)
    except StoreError:
        raise  # a database that cannot be written stops everything
    except TapestoryError as error:
        now = datetime.now(UTC)
        run = store.runs.begin(name, now=now)
        advice = "mend what the message names and run the stage again"
        kind = type(error).__name__
        run.fail(Failure(stage=name, item=name, kind=kind, message=str(error), advice=advice))
        run.finish(now=now, status="failed", code=1)
        return StageReport(stage=name, counts={}, failures=1, notes=[f"{name} failed: {error}"])
