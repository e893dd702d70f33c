"""The crawl as a stage: the shell around the pure modules.

Network and parsing happen outside every transaction. Each source is written in one
transaction (entries, revisions, validators, request log, failures): validators that outlived
a lost entry would hide it for ever behind "not modified".
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from crawler.archives.run import import_documents
from crawler.copies import mark_duplicates
from crawler.decide import is_due
from crawler.entries import Harvest
from crawler.fetch import open_client
from crawler.gather import gather
from crawler.gathered import Crawl, Gathered, starting_state, stored_state
from crawler.identity import content_hash
from crawler.login import Logins
from crawler.pages import Pages
from crawler.prices.run import fetch_prices, import_prices
from crawler.reporting import FailureLog, Run, finish, unforeseen
from crawler.settings import CrawlSettings
from crawler.shelf import Shelf
from crawler.urls import redact
from crawler.worker import shared_pool
from store.records import Source, SourceState, StageReport

if TYPE_CHECKING:
    from store import Store

__all__ = ["crawl", "fetch_prices", "import_documents", "import_prices"]

Progress = Callable[..., Any]
# Sources without news that are written together.
IDLE_TOGETHER = 50


def crawl(
    store: "Store",
    sources: Sequence[Source],
    *,
    now: datetime,
    settings: CrawlSettings,
    only_due: bool = True,
    secrets: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> StageReport:
    """Ask the sources that are due and store what they have to say.

    Parameters
    ----------
    only_due : bool
        False asks the others too, but for those that are gone or whose host asked for a pause.
    secrets : mapping
        Tokens by the name of their environment variable.

    Returns
    -------
    StageReport
        ``new``, ``revised`` and ``duplicates`` count documents, ``asked`` sources. A page
        behind a feed that could not be had is a row of ``failures`` but not counted here.

    Notes
    -----
    Idempotent: the same bodies at the same time change no row.
    """
    started = time.monotonic()
    with store.transaction():
        store.sources.sync([replace(source, url=redact(source.url)) for source in sources])
    # A run that was killed has stored documents whose copies nobody has looked for.
    unfinished = store.runs.left_unfinished("crawl")
    store.runs.mark_crashed()
    run = store.runs.begin("crawl", now=now, settings={"only_due": only_due})
    states = store.sources.states()
    due = [source for source in sources if is_due(states.get(source.id), now, only_due=only_due)]
    night = _Night(store=store, run=run, log=FailureLog(run, "crawl"), now=now, states=states)
    # An archive is imported, never asked.
    asked = [source for source in due if source.kind != "import"]
    if asked:
        asyncio.run(night.crawl(asked, settings, secrets or {}, progress))
    if night.counts["new"] or unfinished is not None:
        _ = run.id  # so that what was left is known to be done, even if it was no copy
        night.counts["duplicates"] = mark_duplicates(store, min(now, unfinished or now))
    waiting = len(sources) - len(due)
    notes = [f"{waiting} of {len(sources)} sources are not due yet"] if waiting else []
    return finish("crawl", run, night.log, night.counts, notes, now=now, started=started)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Night:
    """One run of the crawl: what it reads, and the one hand that writes."""

    store: "Store"
    run: Run
    log: FailureLog
    now: datetime
    states: Mapping[str, SourceState]
    counts: dict[str, int] = field(
        default_factory=lambda: {
            "asked": 0,
            "new": 0,
            "revised": 0,
            "withdrawn": 0,
            "duplicates": 0,
        }
    )

    async def crawl(
        self,
        sources: Sequence[Source],
        settings: CrawlSettings,
        secrets: Mapping[str, str],
        progress: Progress | None,
    ) -> None:
        """Ask all sources at once, each host in turn; write each as it comes in."""
        pool = shared_pool(settings.limits, settings.workers)
        bar = progress(len(sources), "crawl") if progress else None
        async with open_client(settings, now=self.now) as client:
            # A host that asked for a pause in an earlier run is still to be left alone.
            for host, until in self.store.sources.pauses(self.now).items():
                client.hosts.pause(host, until)
            shared = Crawl(
                client=client,
                pool=pool,
                pages=Pages(client, pool),
                logins=Logins(client),
                now=self.now,
                secrets=secrets,
            )
            ready: asyncio.Queue[Gathered] = asyncio.Queue()
            tasks = [asyncio.create_task(self._ask(shared, source, ready)) for source in sources]
            idle: list[Gathered] = []
            try:
                for _ in tasks:
                    gathered = await ready.get()
                    if gathered.brought_something:
                        self._write(gathered, client.hosts.pauses)
                    else:
                        idle.append(gathered)
                    if len(idle) >= IDLE_TOGETHER:
                        self._write_idle(idle, client.hosts.pauses)
                        idle.clear()
                    if bar is not None:
                        bar.update(1)
                self._write_idle(idle, client.hosts.pauses)
            finally:
                for task in tasks:
                    task.cancel()
                if bar is not None:
                    bar.close()

    async def _ask(self, shared: Crawl, source: Source, ready: asyncio.Queue[Gathered]) -> None:
        ready.put_nowait(await self._gather(shared, source))

    async def _gather(self, shared: Crawl, source: Source) -> Gathered:
        """Turn what nobody foresaw about one source into a row: the others go on."""
        state = starting_state(source, self.states.get(source.id))
        try:
            shelf = Shelf(documents=self.store.documents, source_id=source.id)
            return await gather(shared, source, state, shelf)
        except Exception as error:  # the border of one item
            row = unforeseen("crawl", source.id, error)
            return Gathered(source=source, state=state, failures=(row,))

    def _write_idle(self, idle: Sequence[Gathered], pauses: Mapping[str, datetime]) -> None:
        """Write sources that brought nothing, in one transaction: a night's wait for the disk.

        One that a kill takes along is asked again, and has nothing again.
        """
        # The run's own row comes first and alone, as for each of them.
        if any(gathered.fetches or gathered.failures for gathered in idle):
            _ = self.run.id
        with self.store.transaction():
            for gathered in idle:
                self._write(gathered, pauses)

    def _write(self, gathered: Gathered, pauses: Mapping[str, datetime]) -> None:
        """Write one source: the single most important transaction of the project."""
        if gathered.fetches or gathered.failures:
            # The run's own row comes first and alone: a source that is rolled back must not
            # take it along.
            _ = self.run.id
        with self.store.transaction():
            new, revised = self._write_harvest(gathered.harvest)
            withdrawn = 0
            if gathered.counts:
                self.store.documents.set_engagement(gathered.counts)
            if gathered.withdrawn:
                withdrawn = self.store.documents.withdraw(gathered.withdrawn, self.now)
            if pauses:
                self.store.sources.save_pauses(pauses)
            self.store.sources.save_state(stored_state(gathered.source, gathered.state))
            for fetch in gathered.fetches:
                self.store.fetches.add(fetch, self.run.id)
            for failure in gathered.failures:
                self.log.add(failure)
            for failure in gathered.page_failures:
                self.log.add(failure, counted=False)
        self.counts["new"] += new
        self.counts["revised"] += revised
        self.counts["withdrawn"] += withdrawn
        self.counts["asked"] += gathered.outcome is not None

    def _write_harvest(self, harvest: Harvest) -> tuple[int, int]:
        """Write what a feed's entries came to; return how many are new and how many revised."""
        documents = self.store.documents
        # Before new documents come in, which may have a key that is free from then on.
        for entry in harvest.rekeyed:
            documents.rekey(entry.document_id, entry_key=entry.key, guid=entry.guid)
        new = documents.add(harvest.documents, self.run.id) if harvest.documents else 0
        revised = 0
        for revision in harvest.revisions:
            text = revision.text
            if text is None:
                text = documents.get(revision.document_id).text
            revised += documents.revise(
                revision.document_id,
                title=revision.title,
                text=text,
                content_hash=content_hash(revision.title, text),
                seen_at=self.now,
                is_partial=revision.is_partial,
                author=revision.author,
            )
        for document_id, wait in harvest.waits.items():
            documents.set_wait(document_id, wait)
        return new, revised
