"""The import of archives of documents, as a stage."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from crawler.archives.readers import BATCH, BadRow, Columns, Row, read_archive
from crawler.archives.rows import (
    DOCUMENT_COLUMNS,
    ImportedDocument,
    ItemError,
    document_of,
    source_id_of,
    stored_document,
)
from crawler.copies import mark_duplicates
from crawler.errors import CrawlError
from crawler.identity import StoredKey
from crawler.reporting import FailureLog, Run, finish
from store.records import Document, Source, Stage, StageReport

if TYPE_CHECKING:
    from store import Store

Progress = Callable[..., Any]


class Intake(Protocol):
    """What takes the rows of an import and knows what became of them."""

    counts: dict[str, int]

    def take(self, batch: Sequence[Row | BadRow]) -> None:
        """Store a batch in one transaction."""

    def end_of_file(self) -> None:
        """Do what the end of one file asks for."""

    def end(self) -> list[str]:
        """Do what the end of the import asks for; return what a person should know."""


def import_documents(
    store: "Store",
    paths: Sequence[Path],
    *,
    now: datetime,
    progress: Progress | None = None,
) -> StageReport:
    """Import archives of documents.

    Returns
    -------
    StageReport
        ``new``, ``revised``, ``duplicates`` count documents, ``sources`` outlets. Rows that
        could not be read are rows of ``failures``, named ``file:line``.

    Raises
    ------
    ImportFormatError
        When a file cannot be read at all; files before it are imported.

    Notes
    -----
    The same address with a title it has had before is the same document; with another title
    it is a revision. Importing a file twice changes no row. One transaction for each batch.
    """

    def start(run: Run, log: FailureLog) -> _Intake:
        return _Intake(store, run, log, now)

    return import_files(
        store, paths, DOCUMENT_COLUMNS, start, stage="import", now=now, progress=progress
    )


def import_files(
    store: "Store",
    paths: Sequence[Path],
    columns: Columns,
    start: Callable[[Run, FailureLog], Intake],
    *,
    stage: Stage,
    now: datetime,
    progress: Progress | None = None,
    batch: int = BATCH,
) -> StageReport:
    """Read files batch by batch into an intake; one run and one report for all of them.

    Parameters
    ----------
    stage : Stage
        Each kind of archive has its own: a run of one that came to its end says nothing of
        what a run of another left undone.

    Raises
    ------
    ImportFormatError
        When a file cannot be read at all; files before it are imported.
    """
    started = time.monotonic()
    run = store.runs.begin(stage, now=now, settings={"files": [path.name for path in paths]})
    log = FailureLog(run, stage, reported=store.runs.reported(stage))
    intake = start(run, log)
    notes: list[str] = []
    try:
        for path in paths:
            archive = read_archive(path, columns, batch=batch)
            if archive.ignored:
                notes.append(f"{path.name}: columns not used: {', '.join(archive.ignored)}")
            for rows in progress(archive.batches, path.name) if progress else archive.batches:
                intake.take(rows)
            log.end_of_file(path.name)
            intake.end_of_file()
    except CrawlError:
        finish(stage, run, log, intake.counts, notes, now=now, started=started, status="failed")
        raise
    notes += intake.end()
    return finish(stage, run, log, intake.counts, notes, now=now, started=started)


class _Intake:
    """The import so far: which addresses are taken, and under which titles."""

    def __init__(self, store: "Store", run: Run, log: FailureLog, now: datetime) -> None:
        self._store = store
        self._run = run
        self._log = log
        self._now = now
        self._sources = {source.id: source.kind for source in store.sources.all()}
        self._by_url: dict[str, str] = {}
        self._titles: dict[str, set[str]] = {}
        self._revisions: dict[str, int] = {}
        self.counts = {"new": 0, "revised": 0, "duplicates": 0, "sources": 0}
        self._known = 0
        self._earliest: datetime | None = None
        # A run that was killed has stored documents whose copies nobody has looked for.
        self._unfinished: datetime | None = store.runs.left_unfinished("import")

    def end_of_file(self) -> None:
        """Keep all: the next file may tell of the same addresses."""

    def end(self) -> list[str]:
        """Join the copies of the stories that came in."""
        if self._unfinished is not None:
            self._note_earliest(self._unfinished)
        if self._earliest is not None:
            _ = self._run.id  # so that what was left is known to be done
            self.counts["duplicates"] = mark_duplicates(self._store, self._earliest)
        return [f"{self._known:,} rows were known already"] if self._known else []

    def take(self, batch: Sequence[Row | BadRow]) -> None:
        """Store a batch in one transaction."""
        with self._store.transaction():
            imported = list(self._readable(batch))
            self._look_up(imported)
            new: dict[str, Document] = {}
            for document in imported:
                self._sort_in(document, new)
            if new:
                self._add_sources(new.values(), imported)
                added = self._store.documents.add(list(new.values()), self._run.id)
                self.counts["new"] += added
                self._known += len(new) - added
                if added:
                    self._note_earliest(min(doc.effective_at for doc in new.values()))

    def _readable(self, batch: Sequence[Row | BadRow]) -> Iterator[ImportedDocument]:
        for row in batch:
            if isinstance(row, BadRow):
                self._log.row(row.where, row.kind, row.message)
                continue
            try:
                yield document_of(row, self._now)
            except ItemError as error:
                self._log.row(row.where, error.kind, str(error))

    def _look_up(self, imported: Sequence[ImportedDocument]) -> None:
        """Learn of the stored documents at the addresses of a batch."""
        urls = {doc.canonical_url for doc in imported if doc.canonical_url} - self._by_url.keys()
        found = {
            url: _imported_first(keys, self._sources)
            for url, keys in self._store.documents.by_url(sorted(urls)).items()
        }
        titles = self._store.documents.titles(key.document_id for key in found.values())
        for url, key in found.items():
            had = titles.get(key.document_id, set())
            if self._sources.get(key.source_id) == "import":
                self._by_url[url] = key.document_id
                self._revisions[key.document_id] = key.revisions
            self._titles.setdefault(url, set()).update(had)

    def _sort_in(self, imported: ImportedDocument, new: dict[str, Document]) -> None:
        """Decide whether a row is a new document, a revision, or known."""
        source_id = source_id_of(imported.source_name)
        document = stored_document(imported, source_id, self._now)
        url = imported.canonical_url
        if url is None:
            if document.id in new:
                self._known += 1
            new.setdefault(document.id, document)
            return
        titles = self._titles.setdefault(url, set())
        if document.title in titles:
            self._known += 1
            return
        titles.add(document.title)
        stored = self._by_url.get(url)
        if stored is None:
            self._by_url[url] = document.id
            new[document.id] = document
        elif stored in new:
            self._flush(new, stored, imported)
            self._revise(stored, document)
        else:
            self._revise(stored, document)

    def _flush(
        self, new: dict[str, Document], document_id: str, imported: ImportedDocument
    ) -> None:
        """Insert one document of the batch early, so that it can be revised."""
        document = new.pop(document_id)
        self._add_sources([document], [imported])
        self.counts["new"] += self._store.documents.add([document], self._run.id)
        self._note_earliest(document.effective_at)

    def _revise(self, document_id: str, document: Document) -> None:
        number = self._revisions.get(document_id, 0)
        self._revisions[document_id] = number + 1
        # Versions of one day are told apart by the second.
        seen_at = document.first_seen_at + timedelta(seconds=number)
        revised = self._store.documents.revise(
            document_id,
            title=document.title,
            text=document.text,
            content_hash=document.content_hash,
            seen_at=seen_at,
        )
        if revised:
            self.counts["revised"] += 1
            # A revision writes no run by itself; its cause should be on record.
            _ = self._run.id
            self._note_earliest(document.effective_at)

    def _add_sources(
        self, documents: Iterable[Document], imported: Sequence[ImportedDocument]
    ) -> None:
        names = {source_id_of(doc.source_name): doc.source_name for doc in imported}
        missing = {doc.source_id for doc in documents} - self._sources.keys()
        self._store.sources.sync(
            [
                Source(
                    id=source_id,
                    kind="import",
                    url="",
                    name=names.get(source_id, source_id),
                    full_text=False,
                )
                for source_id in sorted(missing)
            ]
        )
        self._sources.update(dict.fromkeys(missing, "import"))
        self.counts["sources"] += len(missing)

    def _note_earliest(self, effective_at: datetime) -> None:
        self._earliest = min(effective_at, self._earliest or effective_at)


def _imported_first(keys: Sequence[StoredKey], kinds: Mapping[str, str]) -> StoredKey:
    """Return the imported document at an address if there is one, else the crawled one."""
    return min(keys, key=lambda key: (kinds.get(key.source_id) != "import", key.document_id))
