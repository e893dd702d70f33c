"""Label what is in the store: the stage ``tag``.

Documents that this model and taxonomy have not seen go through in batches, one
transaction each, so a killed run goes on where it stopped. A document in a language that
is not covered is stored as ``untagged``; one that fails is stored as ``failed``, with a
row in ``failures``.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from nlp.models import Models, ModelSettings, languages, load_models, model_id
from nlp.narratives import Taxonomy
from nlp.tagger import Tagger
from store import Store
from store.records import Document, StageReport

BATCH = 512
Progress = Callable[..., Any]


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
    if not store.labels.pending_count(name, taxonomy.version, covered):
        # Loading the weights takes seconds; a night without news should not.
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
    run.finish(status="done", counts=worker.counts, code=3 if worker.failed else 0, now=now)
    return StageReport(
        stage="tag",
        counts=worker.counts,
        failures=worker.failed,
        seconds=time.monotonic() - started,
        notes=worker.notes(),
    )


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    iterator = iter(documents)
    while batch := list(islice(iterator, BATCH)):
        yield batch
