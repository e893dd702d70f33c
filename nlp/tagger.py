"""Documents to taggings: each passes or fails for itself, and the counts are kept."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from nlp.assets import entities
from nlp.errors import ModelNotFoundError
from nlp.label import Finding, findings
from nlp.models import Models, Scores
from nlp.narratives import Taxonomy
from nlp.text import Span, detect_language, split_passages
from store.records import (
    Document,
    Failure,
    Label,
    Narrative,
    Passage,
    Tagging,
    TaggingOutcome,
)


@dataclass(slots=True)
class Tagger:
    """Turns documents into taggings and keeps count."""

    models: Models
    taxonomy: Taxonomy
    universe: Collection[str]
    totals: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    cut: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """Counts for the report, all named, zero or not."""
        names = ("tagged", "untagged", "failed", "passages", "labels")
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

    def tag(self, documents: Sequence[Document]) -> tuple[list[Tagging], list[Failure]]:
        """Label a batch; each document fails or passes for itself."""
        taggings: list[Tagging] = []
        failures: list[Failure] = []
        ready: list[tuple[Document, str, list[Span]]] = []
        for document in documents:
            try:
                language = _language(document)
                if language not in self.models.languages:
                    taggings.append(self._untagged(document, language))
                    continue
                spans, cut = split_passages(document.title, document.text, language)
                self.cut += cut is not None
                ready.append((document, language, spans))
            except Exception as error:  # the per-item border: one bad document stops no batch
                taggings.append(self._failed(document, error, failures))
        scored = self._score(ready)
        for (document, language, spans), scores in zip(ready, scored, strict=True):
            try:
                if isinstance(scores, Exception):
                    raise scores
                taggings.append(self._tagged(document, language, spans, scores))
            except Exception as error:
                taggings.append(self._failed(document, error, failures))
        self.totals.update(tagging.outcome for tagging in taggings)
        self.totals["passages"] += sum(len(tagging.passages) for tagging in taggings)
        self.totals["labels"] += sum(len(tagging.labels) for tagging in taggings)
        return taggings, failures

    def _score(
        self, ready: Sequence[tuple[Document, str, list[Span]]]
    ) -> list[list[Scores] | Exception]:
        """Score all passages at once; if that fails, document by document."""
        try:
            flat = iter(self._ask([span.text for _, _, spans in ready for span in spans]))
            return [list(islice(flat, len(spans))) for _, _, spans in ready]
        except ModelNotFoundError:
            raise
        except Exception:
            return [self._score_alone(spans) for _, _, spans in ready]

    def _score_alone(self, spans: Sequence[Span]) -> list[Scores] | Exception:
        try:
            return self._ask([span.text for span in spans])
        except Exception as error:
            return error

    def _ask(self, texts: Sequence[str]) -> list[Scores]:
        return self.models.score(texts, self.taxonomy) if texts else []

    def _tagged(
        self, document: Document, language: str, spans: Sequence[Span], scores: Sequence[Scores]
    ) -> Tagging:
        narratives: list[Narrative] = list(self.taxonomy)
        passages, labels = [], []
        for position, (span, score) in enumerate(zip(spans, scores, strict=True)):
            passage = _passage(document, position, span)
            passages.append(passage)
            found = findings(score, narratives, language)
            labels += [self._label(passage, finding) for finding in found]
        names = entities(document.id, (span.text for span in spans), self.universe)
        return self._tagging(
            document,
            "tagged",
            language,
            passages=passages,
            labels=labels,
            entities=names,
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
