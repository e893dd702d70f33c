"""Documents to taggings: each passes or fails for itself, and the counts are kept."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nlp.assets import entities
from nlp.errors import ModelNotFoundError
from nlp.label import Finding, findings, score_by_language
from nlp.models import Models, Scores
from nlp.narratives import Taxonomy
from nlp.space import pack
from nlp.text import Span, detect_language, split_passages
from store.records import (
    Document,
    EarlierTagging,
    Failure,
    Label,
    Passage,
    Tagging,
    TaggingOutcome,
)


@dataclass(frozen=True, slots=True)
class Task:
    """A document cut into passages, and what is still to be found in them.

    Attributes
    ----------
    taxonomy : Taxonomy
        The narratives that nobody judged here before.
    kept : sequence of Label
        Labels of the others, from an earlier tagging of the same text.
    vector : bytes or None
        That of the earlier tagging.
    """

    document: Document
    language: str
    spans: Sequence[Span]
    taxonomy: Taxonomy
    kept: Sequence[Label] = ()
    vector: bytes | None = None


@dataclass(slots=True)
class Tagger:
    """Turns documents into taggings and keeps count.

    Attributes
    ----------
    earlier : mapping of taxonomy version to (mapping of narrative id to digest)
        The taxonomies that earlier taggings were made with.
    """

    models: Models
    taxonomy: Taxonomy
    universe: Collection[str]
    earlier: dict[str, Mapping[str, str]] = field(default_factory=dict)
    totals: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    cut: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """Counts for the report, all named, zero or not."""
        names = ("tagged", "untagged", "failed", "passages", "labels", "reused")
        return {name: self.totals[name] for name in names}

    @property
    def failed(self) -> int:
        """Documents that could not be labelled."""
        return self.totals["failed"]

    def notes(self) -> list[str]:
        """Return what a person should read."""
        notes = [
            f"{count:,} documents in {language!r} were kept but not labelled: this model does "
            "not cover the language"
            for language, count in self.languages.most_common()
        ]
        if self.cut:
            notes.append(f"{self.cut:,} very long documents were labelled in their first part")
        return notes

    def tag(
        self, documents: Sequence[Document], known: Mapping[str, EarlierTagging] | None = None
    ) -> tuple[list[Tagging], list[Failure]]:
        """Label a batch; each document fails or passes for itself.

        Parameters
        ----------
        known : mapping of content hash to EarlierTagging
            What the same model found in these texts before.
        """
        taggings: list[Tagging] = []
        failures: list[Failure] = []
        tasks: list[Task] = []
        for document in documents:
            try:
                language = _language(document)
                if language not in self.models.languages:
                    taggings.append(self._untagged(document, language))
                    continue
                spans, cut = split_passages(document.title, document.text, language)
                self.cut += cut is not None
                tasks.append(
                    self._task(document, language, spans, (known or {}).get(document.content_hash))
                )
            except Exception as error:  # the per-item border: one bad document stops no batch
                taggings.append(self._failed(document, error, failures))
        for task, scores in zip(tasks, self._score(tasks), strict=True):
            try:
                if isinstance(scores, Exception):
                    raise scores
                taggings.append(self._tagged(task, scores))
            except Exception as error:
                taggings.append(self._failed(task.document, error, failures))
        self.totals.update(tagging.outcome for tagging in taggings)
        self.totals["passages"] += sum(len(tagging.passages) for tagging in taggings)
        self.totals["labels"] += sum(len(tagging.labels) for tagging in taggings)
        self.totals["reused"] += sum(not task.taxonomy.narratives for task in tasks)
        return taggings, failures

    def _task(
        self,
        document: Document,
        language: str,
        spans: Sequence[Span],
        before: EarlierTagging | None,
    ) -> Task:
        """Say what is left to do where the same text was labelled before."""
        places = [(span.part, span.start, span.end) for span in spans]
        if (
            before is None
            or before.language != language
            or places != [(p.part, p.start, p.end) for p in before.passages]
        ):
            return Task(document, language, spans, self.taxonomy)
        then, now = self.earlier.get(before.taxonomy, {}), self.taxonomy.digests
        same = {key for key, digest in now.items() if then.get(key) == digest}
        kept = [label for label in before.labels if label.narrative_id in same]
        rest = self.taxonomy.only(set(self.taxonomy.ids) - same) if same else self.taxonomy
        return Task(document, language, spans, rest, kept, before.vector)

    def _score(self, tasks: Sequence[Task]) -> list[list[Scores] | Exception]:
        """Score the passages of all tasks that look for the same narratives at once."""
        found: dict[int, list[Scores] | Exception] = {}
        for version in {task.taxonomy.version for task in tasks}:
            places = [n for n, task in enumerate(tasks) if task.taxonomy.version == version]
            scored = self._score_alike([tasks[place] for place in places])
            found |= dict(zip(places, scored, strict=True))
        return [found[place] for place in range(len(tasks))]

    def _score_alike(self, tasks: Sequence[Task]) -> list[list[Scores] | Exception]:
        """Score tasks together; if that fails, one by one."""
        try:
            return list(self._ask(tasks))
        except ModelNotFoundError:
            raise
        except Exception:
            return [self._score_alone(task) for task in tasks]

    def _score_alone(self, task: Task) -> list[Scores] | Exception:
        try:
            return self._ask([task])[0]
        except Exception as error:
            return error

    def _ask(self, tasks: Sequence[Task]) -> list[list[Scores]]:
        if not tasks[0].taxonomy.narratives:
            return [[] for _ in tasks]
        texts = [(task.language, [span.text for span in task.spans]) for task in tasks]
        return score_by_language(self.models, tasks[0].taxonomy, texts)

    def _tagged(self, task: Task, scores: Sequence[Scores]) -> Tagging:
        document, narratives = task.document, list(task.taxonomy)
        passages = [_passage(document, place, span) for place, span in enumerate(task.spans)]
        labels = [self._kept(label, document) for label in task.kept]
        for passage, score in zip(passages, scores, strict=bool(narratives)):
            found = findings(score, narratives, task.language)
            labels += [self._label(passage, finding) for finding in found]
        names = entities(document.id, (span.text for span in task.spans), self.universe)
        return self._tagging(
            document,
            "tagged",
            task.language,
            passages=passages,
            labels=labels,
            entities=names,
            vector=task.vector or _vector(scores),
        )

    def _kept(self, label: Label, document: Document) -> Label:
        position = label.passage_id.rsplit("-", 1)[1]
        return replace(
            label,
            passage_id=f"{document.id}-{position}",
            document_id=document.id,
            taxonomy=self.taxonomy.version,
        )

    def _label(self, passage: Passage, finding: Finding) -> Label:
        return Label(
            passage_id=passage.id,
            document_id=passage.document_id,
            narrative_id=finding.narrative_id,
            probability=round(finding.probability, 4),
            stance=finding.stance,
            stance_probability=round(finding.stance_probability, 4),
            is_causal_claim=finding.causal,
            model=self.models.model_id,
            taxonomy=self.taxonomy.version,
        )

    def _untagged(self, document: Document, language: str) -> Tagging:
        self.languages[language] += 1
        reason = f"language {language!r} is not covered"
        return self._tagging(document, "untagged", language, reason=reason)

    def _failed(self, document: Document, error: Exception, failures: list[Failure]) -> Tagging:
        message = f"document {document.id!r} could not be labelled: {error}"
        failures.append(
            Failure(
                stage="tag",
                item=document.id,
                kind=type(error).__name__,
                message=message,
                advice="look at the document's text; a changed text is tried again",
            )
        )
        return self._tagging(document, "failed", document.language, reason=message)

    def _tagging(
        self, document: Document, outcome: TaggingOutcome, language: str | None, **found: Any
    ) -> Tagging:
        """Return a tagging of a document as it stands by these models and this taxonomy."""
        return Tagging(
            document_id=document.id,
            content_hash=document.content_hash,
            model=self.models.model_id,
            taxonomy=self.taxonomy.version,
            outcome=outcome,
            language=language,
            **found,
        )


def _language(document: Document) -> str:
    return detect_language(f"{document.title}\n{document.text}", document.language)


def _vector(scores: Sequence[Scores]) -> bytes | None:
    """Return where a document lies; None where its encoder had nothing to find in it."""
    passages = [score.vector for score in scores if score.vector is not None]
    return pack(passages) if passages and len(passages) == len(scores) else None


def _passage(document: Document, position: int, span: Span) -> Passage:
    return Passage(
        id=f"{document.id}-{position}",
        document_id=document.id,
        position=position,
        part=span.part,
        start=span.start,
        end=span.end,
        text=span.text,
    )
