"""Label what is in the store: the stage ``tag``.

Documents that this model and taxonomy have not seen go through in batches, one
transaction each, so a killed run goes on where it stopped. A document in a language that
is not covered is stored as ``untagged``; one that fails is stored as ``failed``, with a
row in ``failures``. When all are labelled, each new story is compared with those before it.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from nlp.models import Models, ModelSettings, error_rates, languages, load_models, model_id
from nlp.narratives import Taxonomy
from nlp.novelty import FAR, nearest_earlier
from nlp.space import LEAD, pack
from nlp.tagger import Tagger
from store import Store
from store.records import Document, ErrorCounts, StageReport

BATCH = 512
Progress = Callable[..., Any]
_T = TypeVar("_T")


def tag(
    store: Store,
    taxonomy: Taxonomy,
    *,
    models: ModelSettings | Models,
    now: datetime,
    progress: Progress | None = None,
) -> StageReport:
    """Label all pending documents.

    Parameters
    ----------
    now : datetime
        Start and end of the run as stored, UTC.
    progress : callable or None
        ``progress(iterable, description)``, e.g. a tqdm.

    Returns
    -------
    StageReport
        Counts ``tagged``, ``untagged``, ``failed``, ``passages``, ``labels`` and ``reused``:
        documents whose labels all came from an earlier tagging of the same text.

    Raises
    ------
    ModelNotFoundError
        The models cannot be loaded; nothing was written.
    """
    started = time.monotonic()
    store.narratives.sync(taxonomy.narratives, taxonomy.version, taxonomy.digests)
    name = model_id(models) if isinstance(models, ModelSettings) else models.model_id
    covered = languages(models) if isinstance(models, ModelSettings) else models.languages
    rates = error_rates(models) if isinstance(models, ModelSettings) else models.rates
    _sync_rates(store, rates, taxonomy, name)
    if not store.labels.pending_count(name, taxonomy.version, covered):
        # Loading the weights takes seconds; a night without news should not.
        _place(store, models, name, covered, progress)
        _compare(store, name)
        return StageReport(stage="tag", counts={}, notes=[])
    loaded = load_models(models) if isinstance(models, ModelSettings) else models
    worker = Tagger(loaded, taxonomy, {asset.id for asset in store.assets.all()})
    run = store.runs.begin(
        "tag", now=now, settings={"taxonomy": taxonomy.version}, models={"tagger": loaded.model_id}
    )
    pending: Iterable[Document] = store.labels.pending(name, taxonomy.version, covered)
    if progress is not None:
        # The total comes with the list of ids; a bar over batches would jump.
        total = store.labels.pending_count(name, taxonomy.version, covered)
        pending = progress(pending, "tag", total=total) if total else pending
    for batch in _batches(pending):
        # A text that this model has seen, in a copy or under another taxonomy, is asked only
        # about the narratives that are new or changed.
        known = store.labels.earlier({d.content_hash for d in batch}, loaded.model_id)
        for version in {earlier.taxonomy for earlier in known.values()} - set(worker.earlier):
            worker.earlier[version] = store.narratives.digests(version)
        taggings, failures = worker.tag(batch, known)
        with store.transaction():
            store.labels.save(taggings, run.id)
            for failure in failures:
                run.fail(failure)
    _place(store, loaded, name, covered, progress)
    _compare(store, name)
    run.finish(status="done", counts=worker.counts, code=3 if worker.failed else 0, now=now)
    return StageReport(
        stage="tag",
        counts=worker.counts,
        failures=worker.failed,
        seconds=time.monotonic() - started,
        notes=worker.notes(),
    )


def _sync_rates(store: Store, rates: Sequence[ErrorCounts], taxonomy: Taxonomy, model: str) -> None:
    """Store the rates of the narratives that the heads judge, in the languages they have here."""
    judged = {
        (narrative.id, language)
        for narrative in taxonomy
        if narrative.origin == "default"
        for language in narrative.languages
    }
    known = [one for one in rates if (one.narrative_id, one.language) in judged]
    store.labels.sync_rates(known, model=model, taxonomy=taxonomy.version)


def _place(
    store: Store,
    models: Models | ModelSettings,
    name: str,
    covered: Collection[str],
    progress: Progress | None = None,
) -> None:
    """Give a vector to what was labelled without one.

    By an older version, say, or by models whose pass over a text leaves none.
    """
    missing: Iterable[tuple[str, str, list[str]]] = store.vectors.missing(name, covered)
    if progress is not None:
        missing = progress(missing, "vectors")
    for batch in _batches(missing):
        loaded = load_models(models) if isinstance(models, ModelSettings) else models
        vectors: dict[str, bytes] = {}
        for language in sorted({language for _, language, _ in batch}):
            own = [(key, texts[:LEAD]) for key, spoken, texts in batch if spoken == language]
            found = iter(loaded.place([text for _, texts in own for text in texts], language))
            vectors |= {key: pack(list(islice(found, len(texts)))) for key, texts in own}
        store.vectors.add(vectors, name)


def _compare(store: Store, name: str) -> None:
    """Look for the nearest earlier story of each that is new.

    The rows are written at once: those of newcomers tell what was looked for, also in the rows
    of older stories that they change.
    """
    for span in store.vectors.newcomers(name):
        stories = store.vectors.stories(name, span.language, span.first - FAR, span.last + FAR)
        store.vectors.save_nearest(list(nearest_earlier(stories)), name)


def _batches(documents: Iterable[_T]) -> Iterator[list[_T]]:
    iterator = iter(documents)
    while batch := list(islice(iterator, BATCH)):
        yield batch
