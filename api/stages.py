"""Each stage as the command line and the nightly run call it: settings in, report out."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from api.config import Settings
from api.errors import ConfigError
from api.progress import progress
from store.records import Source, StageReport

if TYPE_CHECKING:
    from crawler.discovery import Discovery
    from crawler.opml import ParsedOpml
    from crawler.settings import CrawlSettings
    from nlp.models import ModelSettings
    from nlp.narratives import Taxonomy
    from nlp.topics.settings import DiscoverySettings
    from store import Store


def crawl_settings(settings: Settings) -> "CrawlSettings":
    """Return what the crawler needs to know."""
    from importlib.metadata import version

    from crawler.settings import CrawlSettings

    return CrawlSettings(
        contact=settings.contact,
        allow_addresses=settings.allow_addresses,
        host_interval_s=settings.host_interval_s,
        plain_authors=settings.plain_authors,
        version=version("tapestory"),
    )


def model_settings(settings: Settings) -> "ModelSettings":
    """Return which models label."""
    from nlp.models import ModelSettings

    return ModelSettings(encoder=settings.encoder, stance=settings.stance)


def taxonomy(settings: Settings) -> "Taxonomy":
    """Return the narratives that the settings name."""
    from nlp.narratives import load_taxonomy

    files = settings.narrative_files
    return load_taxonomy(
        ["default" if name == "default" else settings.base_dir / name for name in files]
    )


def run_crawl(
    store: "Store", settings: Settings, *, now: datetime, everything: bool = False
) -> StageReport:
    """Crawl the sources that are due, or all of them."""
    from crawler.run import crawl

    return crawl(
        store,
        settings.sources,
        now=now,
        settings=crawl_settings(settings),
        only_due=not everything,
        secrets=settings.secrets,
        progress=progress,
    )


def run_prices(store: "Store", settings: Settings, *, now: datetime) -> StageReport:
    """Fetch the prices that are due."""
    from crawler.run import fetch_prices

    return fetch_prices(
        store,
        settings.assets,
        now=now,
        settings=crawl_settings(settings),
        base_dir=settings.base_dir,
        progress=progress,
    )


def run_tag(store: "Store", settings: Settings, *, now: datetime) -> StageReport:
    """Label the documents that the model has not seen as they stand."""
    from nlp.run import tag

    store.assets.sync(settings.assets)
    return tag(
        store,
        taxonomy(settings),
        models=model_settings(settings),
        now=now,
        progress=progress,
    )


def discovery_settings(settings: Settings) -> "DiscoverySettings":
    """Return how topics are looked for."""
    from nlp.topics.candidates import Rules
    from nlp.topics.consensus import Grouping
    from nlp.topics.settings import DiscoverySettings

    chosen = settings.discover
    return DiscoverySettings(
        weak=chosen.weak,
        weekday=chosen.weekday,
        grouping=Grouping(seed=chosen.seed),
        rules=Rules(
            stories=chosen.stories,
            sources=chosen.sources,
            days=chosen.days,
            market=chosen.market,
            pvalue=chosen.pvalue,
        ),
    )


def run_discover(
    store: "Store", settings: Settings, *, now: datetime, since: date | None = None
) -> StageReport:
    """Look for topics in what no narrative covers, and for drift of the narratives.

    Parameters
    ----------
    since : date, optional
        Look at the windows of the weeks from this day on, too, in order.
    """
    from nlp.topics.run import discover

    chosen = discovery_settings(settings)
    return discover(store, settings=chosen, now=now, since=since, progress=progress)


def run_discover_due(store: "Store", settings: Settings, *, now: datetime) -> StageReport:
    """Look for new narratives where a week has passed since that was done."""
    if not settings.discover.is_on:
        return StageReport(stage="discover", counts={}, notes=["switched off in [discover]"])
    from nlp.topics.run import discover_due

    return discover_due(store, settings=discovery_settings(settings), now=now, progress=progress)


def run_align(store: "Store", settings: Settings, *, now: datetime) -> StageReport:
    """Compute intensity, the scan and the explanations."""
    from align.run import align

    store.assets.sync(settings.assets)
    return align(store, now=now, named=settings.cells, progress=progress)


def run_alerts(
    store: "Store", settings: Settings, *, now: datetime, sources: Sequence[Source] | None = None
) -> StageReport:
    """Look for what a person should be told, and send what waits.

    Parameters
    ----------
    sources : sequence of Source, optional
        Those that are missed when they are quiet, in place of those of the settings.
    """
    from api.alerts.deliver import deliver
    from api.alerts.run import evaluate

    named = [source.id for source in (settings.sources if sources is None else sources)]
    found = evaluate(store, settings.alerts, named, now=now)
    sent = deliver(store, settings, now=now)
    counts = {"raised": len(found.raised), "updated": len(found.updated), "sent": sent.sent}
    notes = [f"{alert.title} ({alert.id})" for alert in (*found.raised, *found.updated)]
    if sent.is_held:
        notes.append(f"{sent.waiting} wait for the end of the quiet hours")
    elif sent.waiting:
        notes.append(f"{sent.waiting} deliveries wait: 'tapestory alerts DB --send' tries again")
    return StageReport(stage="alerts", counts=counts, failures=sent.failures, notes=notes)


def run_publish(store: "Store") -> StageReport:
    """Publish a snapshot when the working file has changed since the last."""
    from store.publish import publish

    published = publish(store)
    note = f"snapshot {published.path}" + ("" if published.fresh else " is up to date")
    return StageReport(stage="publish", counts={"published": int(published.fresh)}, notes=[note])


def import_documents(store: "Store", paths: list[Path], *, now: datetime) -> StageReport:
    """Import archives of documents."""
    from crawler.run import import_documents as run

    return run(store, paths, now=now, progress=progress)


def import_prices(
    store: "Store", settings: Settings, paths: list[Path], *, now: datetime
) -> StageReport:
    """Import archives of prices; assets of the settings keep their class and calendar."""
    from crawler.run import import_prices as run

    store.assets.sync(settings.assets)
    return run(store, paths, now=now, progress=progress)


def discover_source(
    settings: Settings, url: str, *, now: datetime, say: Callable[[str], None]
) -> "Discovery":
    """Find the feed behind an address; raises SourceError when the text is no address."""
    from crawler.discovery import find_feed

    return find_feed(url, settings=crawl_settings(settings), now=now, say=say)


def read_opml(path: Path) -> "ParsedOpml":
    """Return the feeds of an OPML file.

    Raises
    ------
    ConfigError
        When the file cannot be read, is no OPML, or is hostile.
    """
    from crawler.errors import FeedParseError
    from crawler.opml import MAX_BYTES, parse_opml

    try:
        with path.open("rb") as file:
            return parse_opml(file.read(MAX_BYTES + 1))
    except (OSError, FeedParseError) as error:
        raise ConfigError(f"cannot read {str(path)!r} ({error}): give an OPML file") from error
